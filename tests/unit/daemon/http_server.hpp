// A web server on a free loopback port, for tests of what speaks HTTP.
#pragma once
#include <httplib.h>

#include <string>
#include <thread>

namespace xsell::test {

class Server {
  public:
    Server() {
        server.set_tcp_nodelay(true);  // else each answer waits for a delayed acknowledgement
        port_ = server.bind_to_any_port("127.0.0.1");
    }
    ~Server() {
        server.stop();
        if (thread_.joinable()) thread_.join();
    }
    // After the handlers have been set.
    void start() {
        thread_ = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running()) std::this_thread::yield();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    int port() const { return port_; }
    httplib::Server server;

  private:
    int port_;
    std::thread thread_;
};

}  // namespace xsell::test
