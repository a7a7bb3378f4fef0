// A peer in a process of its own, a Python program: it sets up, then does its work once for every line that it is sent and
// answers with the seconds that the work took. So both sides are measured in turn, in one run.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Peer {
  public:
    explicit Peer(std::vector<std::string> command) : name_(command.at(2)) {
        int to[2], from[2];
        if (pipe(to) != 0 || pipe(from) != 0) throw std::runtime_error("no pipe");
        child_ = fork();
        if (child_ < 0) throw std::runtime_error("no process");
        if (child_ == 0) {
            dup2(to[0], 0);
            dup2(from[1], 1);
            for (const int fd : {to[0], to[1], from[0], from[1]}) close(fd);
            std::vector<char *> arguments;
            for (std::string &argument : command) arguments.push_back(argument.data());
            arguments.push_back(nullptr);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        close(to[0]);
        close(from[1]);
        to_ = fdopen(to[1], "w");
        from_ = fdopen(from[0], "r");
        answer();  // it is ready
    }
    Peer(const Peer &) = delete;
    Peer &operator=(const Peer &) = delete;
    ~Peer() {
        std::fclose(to_);
        std::fclose(from_);
        waitpid(child_, nullptr, 0);
    }

    double run() {
        std::fputs("again\n", to_);
        std::fflush(to_);
        return answer();
    }

  private:
    double answer() {
        char line[128];
        if (std::fgets(line, sizeof line, from_) == nullptr) throw std::runtime_error(name_ + " ended early");
        return std::stod(line);
    }

    std::string name_;
    pid_t child_;
    FILE *to_;
    FILE *from_;
};

// Files for peers, gone at the end.
class Scratch {
  public:
    Scratch() {
        std::string pattern = std::filesystem::temp_directory_path() / "xsell_bench_XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch() { std::filesystem::remove_all(path_); }
    std::string write(const std::string &name, std::string_view bytes) const {
        const std::filesystem::path file = path_ / name;
        std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return file;
    }
    std::string write(const std::string &name, const std::vector<float> &values) const {
        return write(name, {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)});
    }

  private:
    std::filesystem::path path_;
};

}  // namespace bench
