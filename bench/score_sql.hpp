// Scoring through SQL on a running cluster (libpq's environment says which) against XGBoost's own batch call, in CPU time of
// one thread: the server process's for ours, this process's for the peer. Reading the table and returning the rows count as ours.
#pragma once

#include <libpq-fe.h>

#include <fstream>
#include <sstream>
#include <string_view>

#include <unistd.h>

#include "host.hpp"
#include "kernels.hpp"

namespace bench {

class Server {
  public:
    Server() : connection_(PQconnectdb("")) {
        if (PQstatus(connection_) != CONNECTION_OK) fail();
        run("SET max_parallel_workers_per_gather = 0");
        run("SET jit = off");
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server() { PQfinish(connection_); }

    std::string run(const std::string &sql) {
        PGresult *result = PQexec(connection_, sql.c_str());
        const ExecStatusType status = PQresultStatus(result);
        std::string first = status == PGRES_TUPLES_OK && PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
        PQclear(result);
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_IN) fail();
        return first;
    }

    void insert_blob(const std::vector<std::byte> &blob) {
        const char *values[] = {reinterpret_cast<const char *>(blob.data())};
        const int lengths[] = {static_cast<int>(blob.size())};
        const int formats[] = {1};
        const Oid types[] = {17};
        PGresult *result = PQexecParams(connection_,
                                        "WITH v AS (INSERT INTO xsell_internal.model_version (model, version, feature_set, "
                                        "feature_set_version, algorithm, feature, blob_sha256)"
                                        " SELECT 'bench', 1, 'bench', 1, 'xgboost', array_agg('f' || i), encode(sha256($1), "
                                        "'hex') FROM generate_series(1, 32) i)"
                                        " INSERT INTO xsell_internal.model_blob VALUES ('bench', 1, 'flat', $1)",
                                        1, types, values, lengths, formats, 0);
        const ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status != PGRES_COMMAND_OK) fail();
    }

    // id bigint, x real[]; missing values as NULL, as xsell.features has them.
    void copy_rows(const std::vector<float> &x) {
        run("COPY bench_row FROM STDIN (FORMAT binary)");
        std::string out("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
        for (std::size_t r = 0; r * features < x.size(); ++r) {
            append_row(out, r, &x[r * features]);
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

    // Of the server process: user and system time, in hundredths of a second as the kernel counts.
    double cpu_seconds() const {
        std::ifstream stat("/proc/" + std::to_string(PQbackendPID(connection_)) + "/stat");
        std::string line;
        std::getline(stat, line);
        std::istringstream rest(line.substr(line.rfind(')') + 2));
        std::string skipped;
        for (int field = 3; field < 14; ++field) rest >> skipped;
        double user = 0, system = 0;
        if (!(rest >> user >> system)) throw std::runtime_error("the server must run on this machine");
        return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }

  private:
    [[noreturn]] void fail() { throw std::runtime_error(PQerrorMessage(connection_)); }
    void send(std::string &out) {
        if (PQputCopyData(connection_, out.data(), static_cast<int>(out.size())) != 1) fail();
        out.clear();
    }
    static void put(std::string &out, std::uint64_t value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
    }
    static void append_row(std::string &out, std::uint64_t id, const float *x) {
        const auto missing = static_cast<std::uint64_t>(std::count_if(x, x + features, [](float v) { return std::isnan(v); }));
        put(out, 2, 2);
        put(out, 8, 4);
        put(out, id, 8);
        put(out, 20 + 8 * features - 4 * missing, 4);
        put(out, 1, 4);
        put(out, missing > 0 ? 1 : 0, 4);
        put(out, 700, 4);
        put(out, features, 4);
        put(out, 1, 4);
        for (std::size_t f = 0; f < features; ++f) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, &x[f], sizeof bits);
            put(out, std::isnan(x[f]) ? 0xffffffff : 4, 4);
            if (!std::isnan(x[f])) put(out, bits, 4);
        }
    }

    PGconn *connection_;
};

inline void set_up(Server &server, const BenchModel &made, const std::vector<float> &x) {
    server.run("SET client_min_messages = warning");
    server.run("CREATE EXTENSION IF NOT EXISTS xsell");
    server.run("DROP TABLE IF EXISTS bench_row");
    server.run("DELETE FROM xsell_internal.deployment WHERE model = 'bench'");
    server.run("DELETE FROM xsell_internal.model_version WHERE model = 'bench'");
    server.run(
        "INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('bench', 'bench', '1 day') ON CONFLICT DO "
        "NOTHING");
    server.insert_blob(made.blob);
    server.run("SELECT version FROM xsell.deploy('bench', 1)");
    server.run("CREATE TABLE bench_row (id bigint, x real[])");
    server.copy_rows(x);
    server.run("VACUUM ANALYZE bench_row");
}

// Both sides score the same rows; a difference in the sum means that they did not.
inline void require_same_scores(Server &server, const std::string &sql, const float *peer, std::size_t rows) {
    double expected = 0;
    for (std::size_t r = 0; r < rows; ++r) expected += peer[r];
    const double got = std::stod(server.run(sql));
    if (std::fabs(got - expected) > 1e-4 * static_cast<double>(rows)) {
        throw std::runtime_error("scores differ from XGBoost's: " + std::to_string(got) + " against " + std::to_string(expected));
    }
}

inline void bench_sql(const std::vector<std::string_view> &names, std::size_t rows = 1000000, int rounds = 5) {
    constexpr std::size_t peer_rows = 200000;
    const BenchModel made = make_model();
    const std::vector<float> x = make_rows(rows, 3);
    Server server;
    set_up(server, made, x);
    for (const std::string_view name : names) {
        const std::string sql = name == "score_function"
                                    ? "SELECT sum(xsell.predict('bench', x)) FROM bench_row"
                                    : "SELECT sum(probability) FROM xsell.score_set('bench', 'SELECT id, x FROM bench_row')";
        require_same_scores(server, sql, made.booster->predict(x.data(), rows), rows);
        std::vector<double> ours, peer, ratios;
        for (int round = 0; round < rounds; ++round) {
            const double before = server.cpu_seconds();
            server.run(sql);
            ours.push_back(static_cast<double>(rows) / (server.cpu_seconds() - before));
            const double from = cpu_seconds();
            made.booster->predict(x.data() + static_cast<std::size_t>(round) * peer_rows % rows * features, peer_rows);
            peer.push_back(static_cast<double>(peer_rows) / (cpu_seconds() - from));
            ratios.push_back(ours.back() / peer.back());
        }
        print_row({std::string(name), middle(ours), middle(peer), "XGBoost C API in batches", "rows/s per core", middle(ratios),
                   rounds});
    }
    server.run("DROP TABLE bench_row");
    server.run("DELETE FROM xsell_internal.deployment WHERE model = 'bench'");
    server.run("DELETE FROM xsell_internal.model_version WHERE model = 'bench'");
    server.run("DELETE FROM xsell_internal.model WHERE model = 'bench'");
}

}  // namespace bench
