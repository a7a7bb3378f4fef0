// A session on a running cluster (libpq's environment says which) and the CPU time and memory of its server process.
#pragma once

#include <libpq-fe.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

inline double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Server {
  public:
    Server() : connection_(PQconnectdb("")) {
        if (PQstatus(connection_) != CONNECTION_OK) fail();
        run("SET max_parallel_workers_per_gather = 0");
        run("SET jit = off");
        run("SET client_min_messages = warning");
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server() { PQfinish(connection_); }

    // The first value of the first row.
    std::string run(const std::string &sql) {
        PGresult *result = PQexec(connection_, sql.c_str());
        const ExecStatusType status = PQresultStatus(result);
        std::string first = status == PGRES_TUPLES_OK && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
        PQclear(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_IN) fail();
        return first;
    }

    // `$1` of the statement is these bytes.
    void run(const std::string &sql, const void *bytes, std::size_t size) {
        const char *values[] = {static_cast<const char *>(bytes)};
        const int lengths[] = {static_cast<int>(size)};
        const int formats[] = {1};
        const Oid types[] = {17};
        PGresult *result = PQexecParams(connection_, sql.c_str(), 1, types, values, lengths, formats, 0);
        const ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status != PGRES_COMMAND_OK) fail();
    }

    // COPY in binary: `append_row(out, row)` writes one row.
    template <typename Append>
    void copy(const std::string &table, std::size_t rows, Append append_row) {
        run("COPY " + table + " FROM STDIN (FORMAT binary)");
        std::string out("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
        for (std::size_t r = 0; r < rows; ++r) {
            append_row(out, r);
            if (out.size() > 1 << 20) send(out);
        }
        out.append("\377\377", 2);
        send(out);
        if (PQputCopyEnd(connection_, nullptr) != 1) fail();
        while (PGresult *result = PQgetResult(connection_)) {
            const ExecStatusType status = PQresultStatus(result);
            PQclear(result);
            if (status != PGRES_COMMAND_OK) fail();
        }
    }

    // Of the server process, as the scheduler counts it; exact while the session waits for its next statement.
    double cpu_seconds() const {
        std::ifstream stat(process_file("schedstat"));
        double nanoseconds = 0;
        if (!(stat >> nanoseconds)) throw std::runtime_error("the server must run on this machine");
        return nanoseconds * 1e-9;
    }

    // Memory that the server process shares with nobody and with no file.
    double private_bytes() const {
        std::ifstream status(process_file("status"));
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("RssAnon:")) return std::stod(line.substr(8)) * 1024;
        }
        throw std::runtime_error("the server must run on this machine");
    }

  private:
    std::string process_file(const char *name) const { return "/proc/" + std::to_string(PQbackendPID(connection_)) + "/" + name; }
    [[noreturn]] void fail() { throw std::runtime_error(PQerrorMessage(connection_)); }
    void send(std::string &out) {
        if (PQputCopyData(connection_, out.data(), static_cast<int>(out.size())) != 1) fail();
        out.clear();
    }

    PGconn *connection_;
};

// Values as COPY's binary format has them.
inline void put(std::string &out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

inline void put_real(std::string &out, float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    put(out, std::isnan(value) ? 0xffffffff : 4, 4);  // missing is NULL, as xsell.features has it
    if (!std::isnan(value)) put(out, bits, 4);
}

inline void put_bigint(std::string &out, std::uint64_t value) {
    put(out, 8, 4);
    put(out, value, 8);
}

}  // namespace bench
