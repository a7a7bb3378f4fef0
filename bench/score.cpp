// Scoring against XGBoost's own C API. `kernels [rows] [rounds]` measures inside this process and prints a table; the names
// score_function and score_set measure through SQL on a running cluster and print one JSON object each.
#include <cstdlib>
#include <cstring>
#include <exception>

#include "kernels.hpp"
#include "score_sql.hpp"

int main(int argc, char **argv) {
    try {
        if (argc > 1 && std::strcmp(argv[1], "kernels") == 0) {
            bench::bench_kernels(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1000000, argc > 3 ? std::atoi(argv[3]) : 7);
            return 0;
        }
        const std::vector<std::string_view> names(argv + 1, argv + argc);
        for (const std::string_view name : names) {
            if (name != "score_function" && name != "score_set") {
                std::fprintf(stderr, "usage: bench_score [score_function] [score_set] | kernels [rows] [rounds]\n");
                return 2;
            }
        }
        bench::bench_sql(names.empty() ? std::vector<std::string_view>{"score_function", "score_set"} : names);
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_score: %s\n", error.what());
        return 1;
    }
}
