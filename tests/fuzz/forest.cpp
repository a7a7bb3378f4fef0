// Damages model blobs at random, for as many rounds as the first argument says, or loads the files that are named after it.
// Build it with -DXSELL_SANITIZE=ON: whatever is not refused must be safe to score, explain and describe.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/scoring/model.hpp"
#include "../unit/core/scoring_models.hpp"

namespace {

using namespace xsell::core;

// From a single forest to all four members; the trees range from a single leaf to depth 9, past what the heap kernels take.
std::vector<std::byte> random_blob(std::mt19937 &random) {
    const std::size_t features = random() % 80 + 1;
    ModelDescription model = xsell::test::four_members(features, random() % 2 ? Blend::log_odds : Blend::probability, random);
    if (random() % 2) {
        model = xsell::test::one_forest(
            xsell::test::random_ensemble(features, random() % 20, static_cast<int>(random() % 10), 8, random));
    }
    model.calibration = {1.5, -0.25, 0.5, 0.75};
    if (random() % 2) model.calibration.knots = {{-1, -2}, {0, 0.5}, {3, 0.5}};
    if (random() % 2) model.encodings = xsell::test::random_encodings(features, random);
    return pack(model);
}

void damage(std::vector<std::byte> &blob, std::mt19937 &random) {
    for (unsigned n = random() % 4; n > 0; --n) {
        // Half of the time near the front, where the sizes are.
        const std::size_t range = random() % 2 ? std::min<std::size_t>(blob.size(), 240) : blob.size();
        blob[random() % range] = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    }
    if (random() % 5 == 0) blob.resize(random() % blob.size());
}

bool use(const std::vector<std::byte> &blob) {
    try {
        const auto model = Model::load(blob);
        std::vector<float> x(model->features() * 2, 1);
        x[0] = std::numeric_limits<float>::quiet_NaN();
        x[model->features() - 1] = -std::numeric_limits<float>::infinity();
        double p[2];
        model->probabilities(x.data(), model->features(), 2, p);
        if (!(p[0] >= 0 && p[0] <= 1) || p[0] != model->probability(x.data())) std::abort();
        if (!std::isfinite(model->margin(x.data()))) std::abort();
        const Explanation explanation = model->explain(x.data());
        double sum = explanation.base;
        for (const double c : explanation.contributions) sum += c;
        if (!std::isfinite(sum)) std::abort();
        return true;
    } catch (const Error &error) {
        if (error.kind != Kind::corrupt_model) throw;
        return false;
    }
}

}  // namespace

int main(int argc, char **argv) {
    for (int i = 2; i < argc; ++i) {
        std::ifstream file(argv[i], std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto *bytes = reinterpret_cast<const std::byte *>(text.data());
        std::printf("%s: %s\n", argv[i], use({bytes, bytes + text.size()}) ? "loads" : "refused");
    }
    const long rounds = argc > 1 ? std::atol(argv[1]) : 100000;
    std::mt19937 random(1);
    long loaded = 0;
    for (long round = 0; round < rounds; ++round) {
        std::vector<std::byte> blob = random_blob(random);
        damage(blob, random);
        loaded += use(blob);
    }
    std::printf("%ld blobs: %ld load, %ld refused\n", rounds, loaded, rounds - loaded);
    return 0;
}
