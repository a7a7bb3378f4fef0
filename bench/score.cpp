// Scoring against its peers. `kernels [rows] [rounds]` measures inside this process and prints a table; the other names measure
// through SQL on a running cluster and print one JSON object each; no name: all of them. Run it in the project's root.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "kernels.hpp"
#include "score_sql.hpp"

namespace {

int usage() {
    std::fprintf(stderr, "usage: bench_score [NAME ...] | kernels [rows] [rounds], names:");
    for (const auto &[name, run] : bench::score_benches()) std::fprintf(stderr, " %s", std::string(name).c_str());
    std::fprintf(stderr, "\n");
    return 2;
}

}  // namespace

int main(int argc, char **argv) {
    try {
        if (argc > 1 && std::strcmp(argv[1], "kernels") == 0) {
            bench::bench_kernels(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1000000, argc > 3 ? std::atoi(argv[3]) : 7);
            return 0;
        }
        const std::vector<std::string_view> names(argv + 1, argv + argc);
        const auto &benches = bench::score_benches();
        for (const std::string_view name : names) {
            if (std::none_of(benches.begin(), benches.end(), [&](const auto &known) { return known.first == name; }))
                return usage();
        }
        bench::ScoreBench shared(1000000);
        for (const auto &[name, run] : benches) {
            if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) run(shared);
        }
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_score: %s\n", error.what());
        return 1;
    }
}
