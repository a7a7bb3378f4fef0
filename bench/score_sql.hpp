// Scoring through SQL on a running cluster. Reading the table and returning the rows count as ours. CPU time of the server
// process for ours and of the peer's process for the peer, unless a bench says wall time.
#pragma once

#include <functional>
#include <map>
#include <string_view>

#include "ensemble.hpp"
#include "host.hpp"
#include "kernels.hpp"
#include "peer.hpp"
#include "server.hpp"

namespace bench {

// What the benches share: the model deployed as 'bench', its rows as arrays (bench_row) and as columns (bench_column).
struct ScoreBench {
    std::size_t rows;
    BenchModel made = make_model();
    std::vector<float> x;
    Server server;

    explicit ScoreBench(std::size_t count) : rows(count), x(make_rows(count, 3)) {
        clear();
        server.run("CREATE EXTENSION IF NOT EXISTS xsell");
        deploy("bench", made.blob);
        server.run("CREATE TABLE bench_row (id bigint, x real[])");
        server.copy("bench_row", rows, [&](std::string &out, std::size_t r) { array_row(out, r, &x[r * features]); });
        server.run("VACUUM ANALYZE bench_row");
    }
    ~ScoreBench() { clear(); }

    void deploy(const std::string &model, const std::vector<std::byte> &blob) {
        server.run("INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('" + model + "', 'bench', '1 day')");
        server.run(
            "WITH v AS (INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, "
            "algorithm, feature, blob_sha256) SELECT '" +
                model +
                "', 1, 'bench', 1, 'bench', array_agg('f' || i), "
                "encode(sha256($1), 'hex') FROM generate_series(1, 32) i)"
                " INSERT INTO xsell_internal.model_blob VALUES ('" +
                model + "', 1, 'flat', $1)",
            blob.data(), blob.size());
        server.run("SELECT version FROM xsell.deploy('" + model + "', 1)");
    }

    void need_columns() {
        if (server.run("SELECT to_regclass('bench_column')") != "") return;
        std::string columns;
        for (std::size_t f = 1; f <= features; ++f) columns += ", f" + std::to_string(f) + " real";
        server.run("CREATE TABLE bench_column (id bigint" + columns + ")");
        server.copy("bench_column", rows, [&](std::string &out, std::size_t r) {
            put(out, features + 1, 2);
            put_bigint(out, r);
            for (std::size_t f = 0; f < features; ++f) put_real(out, x[r * features + f]);
        });
        server.run("VACUUM ANALYZE bench_column");
    }

    // Both sides score the same rows; a difference in the sum means that they did not.
    void require_same(const std::string &sum_of_scores) {
        const float *peer = made.booster->predict(x.data(), rows);
        double expected = 0;
        for (std::size_t r = 0; r < rows; ++r) expected += peer[r];
        const double got = std::stod(server.run(sum_of_scores));
        if (!(std::fabs(got - expected) <= 1e-4 * static_cast<double>(rows))) {
            throw std::runtime_error("scores differ from XGBoost's: " + std::to_string(got) + " against " +
                                     std::to_string(expected));
        }
    }

  private:
    void clear() {
        server.run("DROP TABLE IF EXISTS bench_row, bench_column, bench_score, bench_peer_score, bench_booster");
        if (server.run("SELECT to_regclass('xsell_internal.model')") == "") return;
        for (const char *table : {"deployment", "model_version", "model"}) {
            server.run("DELETE FROM xsell_internal." + std::string(table) + " WHERE model LIKE 'bench%'");
        }
    }
    static void array_row(std::string &out, std::uint64_t id, const float *x) {
        const auto missing = static_cast<std::uint64_t>(std::count_if(x, x + features, [](float v) { return std::isnan(v); }));
        put(out, 2, 2);
        put_bigint(out, id);
        put(out, 20 + 8 * features - 4 * missing, 4);
        put(out, 1, 4);
        put(out, missing > 0 ? 1 : 0, 4);
        put(out, 700, 4);
        put(out, features, 4);
        put(out, 1, 4);
        for (std::size_t f = 0; f < features; ++f) put_real(out, x[f]);
    }
};

// Rounds in which both sides take turns; each returns the work done per second.
inline void compare(const std::string &name, const std::string &peer_name, const std::string &unit, int rounds,
                    const std::function<double(int)> &ours_once, const std::function<double(int)> &peer_once) {
    std::vector<double> ours, peer, ratios;
    for (int round = 0; round < rounds; ++round) {
        ours.push_back(ours_once(round));
        peer.push_back(peer_once(round));
        ratios.push_back(ours.back() / peer.back());
    }
    print_row({name, middle(ours), middle(peer), peer_name, unit, middle(ratios), rounds});
    std::fflush(stdout);
}

inline double cpu_rate(Server &server, const std::string &sql, std::size_t rows) {
    const double before = server.cpu_seconds();
    server.run(sql);
    return static_cast<double>(rows) / (server.cpu_seconds() - before);
}

inline double wall_rate(Server &server, const std::string &sql, std::size_t rows) {
    const double before = wall_seconds();
    server.run(sql);
    return static_cast<double>(rows) / (wall_seconds() - before);
}

// One statement that sums the scores of all rows against XGBoost's batch call.
inline void against_batches(ScoreBench &bench, const std::string &name, const std::string &sql) {
    constexpr std::size_t peer_rows = 200000;
    bench.require_same(sql);
    compare(
        name, "XGBoost C API in batches", "rows/s per core", 5, [&](int) { return cpu_rate(bench.server, sql, bench.rows); },
        [&](int round) {
            const double from = cpu_seconds();
            bench.made.booster->predict(bench.x.data() + static_cast<std::size_t>(round) * peer_rows % bench.rows * features,
                                        peer_rows);
            return static_cast<double>(peer_rows) / (cpu_seconds() - from);
        });
}

inline const char *sum_of_predict() { return "SELECT sum(xsell.predict('bench', x)) FROM bench_row"; }

inline void score_function(ScoreBench &bench) { against_batches(bench, "score_function", sum_of_predict()); }

inline void score_record(ScoreBench &bench) {
    bench.need_columns();
    against_batches(bench, "score_record", "SELECT sum(xsell.predict('bench', r)) FROM bench_column r");
}

inline void score_set(ScoreBench &bench) {
    against_batches(bench, "score_set", "SELECT sum(probability) FROM xsell.score_set('bench', 'SELECT id, x FROM bench_row')");
}

// Wall time: one worker beside the leader against none.
inline void score_parallel(ScoreBench &bench) {
    Server &server = bench.server;
    server.run("SET parallel_setup_cost = 0");
    server.run("SET parallel_tuple_cost = 0");
    server.run("SET min_parallel_table_scan_size = 0");
    const auto with_workers = [&](const char *workers) {
        server.run(std::string("SET max_parallel_workers_per_gather = ") + workers);
        return wall_rate(server, sum_of_predict(), bench.rows);
    };
    with_workers("1");
    compare(
        "score_parallel", "no worker", "rows/s, wall", 7, [&](int) { return with_workers("1"); },
        [&](int) { return with_workers("0"); });
    server.run("SET max_parallel_workers_per_gather = 0");
}

// The booster is loaded once per session and kept.
inline void score_vs_plpython(ScoreBench &bench) {
    constexpr std::size_t peer_rows = 5000;
    Server &server = bench.server;
    const std::string ubj = bench.made.booster->ubj();
    server.run("CREATE EXTENSION IF NOT EXISTS plpython3u");
    server.run("CREATE TABLE bench_booster (data bytea)");
    server.run("INSERT INTO bench_booster VALUES ($1)", ubj.data(), ubj.size());
    server.run(R"(CREATE OR REPLACE FUNCTION pg_temp.peer(x real[]) RETURNS double precision LANGUAGE plpython3u STABLE AS $$
if "booster" not in GD:
    import numpy, xgboost
    GD["numpy"] = numpy
    GD["booster"] = xgboost.Booster({"nthread": 1})
    GD["booster"].load_model(bytearray(plpy.execute("SELECT data FROM bench_booster")[0]["data"]))
row = GD["numpy"].array(x, dtype="float32").reshape(1, -1)
return float(GD["booster"].inplace_predict(row)[0])
$$)");
    const std::string few = "(SELECT x FROM bench_row LIMIT " + std::to_string(peer_rows) + ") r";
    const std::string differ =
        server.run("SELECT count(*) FROM " + few + " WHERE NOT abs(pg_temp.peer(x) - xsell.predict('bench', x)) < 1e-5");
    if (differ != "0") throw std::runtime_error("PL/Python scores " + differ + " rows otherwise");
    compare(
        "score_vs_plpython", "PL/Python, cached booster, row by row", "rows/s per core", 5,
        [&](int) { return cpu_rate(server, sum_of_predict(), bench.rows); },
        [&](int) { return cpu_rate(server, "SELECT sum(pg_temp.peer(x)) FROM " + few, peer_rows); });
}

// Wall time: what a user waits for until the scores are stored.
inline void score_vs_client(ScoreBench &bench) {
    Server &server = bench.server;
    bench.need_columns();
    const Scratch scratch;
    for (const char *table : {"bench_score", "bench_peer_score"}) {
        server.run(std::string("CREATE TABLE ") + table + " (id bigint, probability double precision)");
    }
    Peer peer({"/usr/bin/python3", "-B", "bench/peers/client.py", scratch.write("model.ubj", bench.made.booster->ubj())});
    compare(
        "score_vs_client", "COPY out, pandas, predict, COPY in", "rows/s, wall", 5,
        [&](int) {
            server.run("TRUNCATE bench_score");
            return wall_rate(server,
                             "INSERT INTO bench_score SELECT id::bigint, probability FROM xsell.score_set('bench', 'SELECT id, x "
                             "FROM bench_row')",
                             bench.rows);
        },
        [&](int) { return static_cast<double>(bench.rows) / peer.run(); });
    const std::string differ = server.run(
        "SELECT count(*) FROM bench_score s FULL JOIN bench_peer_score p USING (id) WHERE (abs(s.probability - p.probability) < "
        "1e-5) IS NOT TRUE");
    if (differ != "0") throw std::runtime_error("the client scores " + differ + " rows otherwise");
}

// The four-member ensemble; the peer has trained its own, of the same shapes, on the same rows.
inline void score_ensemble(ScoreBench &bench) {
    constexpr std::size_t peer_rows = 100000;
    const auto learn = make_matrix(20000, 1);
    const auto parameters = classic();
    bench.deploy("bench_ensemble",
                 xsell::core::pack(xsell::core::fit_ensemble(learn, make_matrix(4000, 3), parameters, no_hooks()).model));
    const Scratch scratch;
    Peer peer({"/usr/bin/python3", "-B", "bench/peers/ensemble.py", "score", scratch.write("x.f32", learn.values),
               scratch.write("y.f32", learn.label), std::to_string(parameters.neural_network.epochs),
               scratch.write("rows.f32", {bench.x.begin(), bench.x.begin() + peer_rows * features})});
    compare(
        "score_ensemble", "XGBoost and scikit-learn in batches", "rows/s per core", 5,
        [&](int) {
            return cpu_rate(bench.server,
                            "SELECT sum(probability) FROM xsell.score_set('bench_ensemble', 'SELECT id, x FROM bench_row')",
                            bench.rows);
        },
        [&](int) { return static_cast<double>(peer_rows) / peer.run(); });
}

// All contributions of a row; as many features as the model has.
inline void explain(ScoreBench &bench) {
    constexpr std::size_t our_rows = 4000, peer_rows = 500;
    compare(
        "explain", "XGBoost pred_contribs", "rows/s per core", 5,
        [&](int) {
            return cpu_rate(bench.server,
                            "SELECT sum(e.contribution) FROM (SELECT x FROM bench_row LIMIT " + std::to_string(our_rows) +
                                ") r, LATERAL xsell_internal.explain_values('bench', NULL, r.x, NULL) e",
                            our_rows);
        },
        [&](int) {
            const double from = cpu_seconds();
            bench.made.booster->contributions(bench.x.data(), peer_rows);
            return static_cast<double>(peer_rows) / (cpu_seconds() - from);
        });
}

// Facts without a peer, for the reader of the log: what the first call of a session costs beyond reading the blob, and what
// memory a session that only scores takes. Both against a session that reads the same rows and the blob, but does not score.
inline void facts(ScoreBench &bench) {
    const std::string row = bench.server.run("SELECT x FROM bench_row LIMIT 1");
    std::vector<double> first, module, memory;
    const auto milliseconds = [](Server &session, const std::string &sql) {
        const double from = session.cpu_seconds();
        session.run(sql);
        return 1e3 * (session.cpu_seconds() - from);
    };
    for (int i = 0; i < 21; ++i) {
        Server reads, scores;
        for (Server *session : {&reads, &scores}) session->run("SELECT '" + row + "'::real[]");
        const double reading =
            milliseconds(reads, "SELECT get_byte(data, 0) FROM xsell_internal.model_blob WHERE model = 'bench' AND version = 1");
        first.push_back(milliseconds(scores, "SELECT xsell.predict('bench', '" + row + "'::real[])") - reading);
        reads.run("SELECT sum(x[1]) FROM bench_row");
        scores.run(sum_of_predict());
        memory.push_back(scores.private_bytes() - reads.private_bytes());
        module.push_back(milliseconds(reads, "LOAD 'xsell'"));
    }
    std::fprintf(stderr,
                 "bench: first call in a session: %.2f ms of CPU beyond reading the blob, %.2f of them to load the module\n",
                 middle(first), middle(module));
    std::fprintf(stderr, "bench: memory of a scoring session: %.0f bytes, blob %zu bytes + %.0f (under 2097152)\n",
                 middle(memory), bench.made.blob.size(), middle(memory) - static_cast<double>(bench.made.blob.size()));
}

inline const std::vector<std::pair<std::string_view, void (*)(ScoreBench &)>> &score_benches() {
    static const std::vector<std::pair<std::string_view, void (*)(ScoreBench &)>> benches = {
        {"score_function", score_function},
        {"score_record", score_record},
        {"score_set", score_set},
        {"score_parallel", score_parallel},
        {"score_vs_plpython", score_vs_plpython},
        {"score_vs_client", score_vs_client},
        {"score_ensemble", score_ensemble},
        {"explain", explain},
        {"facts", facts}};
    return benches;
}

}  // namespace bench
