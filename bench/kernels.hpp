// The scoring kernels in this process against XGBoost's own batch call on one thread, in CPU time.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "model.hpp"

namespace bench {

inline double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Variant {
    std::string name;
    std::size_t rows;
    std::function<void(std::size_t)> run;
    std::vector<double> rate;  // rows per CPU second, one per round
};

// Interleaved: a round runs every variant once, starting with another one each time.
inline void measure(std::vector<Variant> &variants, int rounds) {
    for (Variant &variant : variants) variant.run(variant.rows);
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < variants.size(); ++i) {
            Variant &variant = variants[(i + static_cast<std::size_t>(round)) % variants.size()];
            const double from = cpu_seconds();
            variant.run(variant.rows);
            variant.rate.push_back(static_cast<double>(variant.rows) / (cpu_seconds() - from));
        }
    }
}

// ratio: median over rounds of the ratio to `peer` in the same round.
inline double ratio_to(const Variant &variant, const Variant &peer) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < variant.rate.size(); ++i) ratios.push_back(variant.rate[i] / peer.rate[i]);
    return median(ratios);
}

inline void print(const std::vector<Variant> &variants) {
    std::printf("%-44s %14s %12s %8s\n", "variant", "rows/CPU s", "CPU us/row", "ratio");
    for (const Variant &variant : variants) {
        const double rate = median(variant.rate);
        std::printf("%-44s %14.0f %12.3f %7.2fx\n", variant.name.c_str(), rate, 1e6 / rate, ratio_to(variant, variants[0]));
    }
}

inline void bench_kernels(std::size_t rows, int rounds) {
    using xsell::core::Kernel;
    using xsell::core::Model;
    const BenchModel made = make_model();
    const std::vector<float> x = make_rows(rows, 3);
    std::vector<double> out(rows);
    std::vector<std::unique_ptr<const Model>> models;
    std::vector<Variant> variants;
    variants.push_back({"XGBoost batch, nthread=1",
                        std::min<std::size_t>(rows, 200000),
                        [&](std::size_t n) { made.booster->predict(x.data(), n); },
                        {}});
    const std::pair<Kernel, const char *> kernels[] = {{Kernel::walker, "walker"},
                                                       {Kernel::heap_portable, "heap_portable"},
                                                       {Kernel::heap_avx2, "heap_avx2"},
                                                       {Kernel::heap_avx512, "heap_avx512"}};
    const auto reference = Model::load(made.blob, Kernel::walker);
    for (const auto &[kernel, name] : kernels) {
        if (!reference->forest(0)->fits(kernel)) continue;
        const Model *model = models.emplace_back(Model::load(made.blob, kernel)).get();
        variants.push_back({std::string(name) + ", row",
                            rows / 4,
                            [&, model](std::size_t n) {
                                for (std::size_t r = 0; r < n; ++r) out[r] = model->probability(&x[r * features]);
                            },
                            {}});
        variants.push_back({std::string(name) + ", block",
                            rows / 2,
                            [&, model](std::size_t n) { model->probabilities(x.data(), features, n, out.data()); },
                            {}});
    }
    measure(variants, rounds);
    print(variants);

    std::vector<Variant> explainers;
    double sink = 0;
    explainers.push_back(
        {"XGBoost pred_contribs, nthread=1", 500, [&](std::size_t n) { made.booster->contributions(x.data(), n); }, {}});
    explainers.push_back({"explain",
                          2000,
                          [&](std::size_t n) {
                              for (std::size_t r = 0; r < n; ++r) sink += models[0]->explain(&x[r * features]).contributions[0];
                          },
                          {}});
    explainers.push_back({"load the model",
                          20,
                          [&](std::size_t n) {
                              for (std::size_t r = 0; r < n; ++r) sink += static_cast<double>(Model::load(made.blob)->bytes());
                          },
                          {}});
    measure(explainers, rounds);
    print(explainers);
    std::printf("blob %zu bytes, in memory %zu bytes, %zu trees (%.0f)\n", made.blob.size(), Model::load(made.blob)->bytes(),
                reference->forest(0)->trees(), sink == 0 ? 0.0 : 1.0);
}

}  // namespace bench
