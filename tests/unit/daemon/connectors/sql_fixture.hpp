// A throw-away PostgreSQL server for tests of what reads databases: started once for all of them, reached over a socket.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace xsell::test {

class Postgres {
  public:
    static const Postgres &instance() {
        static const Postgres server;
        return server;
    }
    std::string url(const std::string &user = "postgres") const {
        return "host=" + folder_ + " user=" + user + " dbname=postgres";
    }
    bool running() const { return running_; }
    void run(const std::string &sql) const {
        std::ofstream(folder_ + "/statements.sql") << sql;
        const std::string command = "PGOPTIONS='-c client_min_messages=warning' '" + bin() +
                                    "/psql' -X -q -v ON_ERROR_STOP=1 -d '" + url() + "' -f '" + folder_ + "/statements.sql' >'" +
                                    folder_ + "/psql.log' 2>&1";
        ASSERT_EQ(std::system(command.c_str()), 0) << log("psql.log");
    }
    std::string log(const std::string &name) const {
        std::ifstream in(folder_ + "/" + name);
        return {std::istreambuf_iterator<char>(in), {}};
    }

  private:
    Postgres() {
        char name[] = "/tmp/xsell_pg_XXXXXX";
        folder_ = mkdtemp(name);
        if (root()) static_cast<void>(std::system(("chown postgres '" + folder_ + "'").c_str()));
        running_ = server("initdb -D '" + folder_ + "/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync") &&
                   server("pg_ctl -D '" + folder_ + "/data' -w -t 60 -l '" + folder_ +
                          "/server.log' -o \"-c listen_addresses='' -c fsync=off -k '" + folder_ + "'\" start");
    }
    ~Postgres() {
        server("pg_ctl -D '" + folder_ + "/data' -w -m immediate stop");
        std::filesystem::remove_all(folder_);
    }
    static bool root() { return getuid() == 0; }
    static std::string bin() {
        const char *config = std::getenv("PG_CONFIG");
        return std::filesystem::path(config ? config : "/usr/lib/postgresql/15/bin/pg_config").parent_path().string();
    }
    // A program of the server, which refuses to run as root.
    bool server(const std::string &command) const {
        const std::string user = root() ? "cd / && runuser -u postgres -- " : "";
        return std::system((user + bin() + "/" + command + " >>'" + folder_ + "/start.log' 2>&1").c_str()) == 0;
    }
    std::string folder_;
    bool running_ = false;
};

}  // namespace xsell::test
