// The model and the rows that the scoring benches share: 300 trees of depth 6 over 32 random floats, 10 % of four of
// them missing, and the XGBoost booster that made it, which is the peer.
#pragma once

#include <xgboost/c_api.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/scoring/model.hpp"
#include "core/training/xgboost_json.hpp"

namespace bench {

constexpr std::size_t features = 32;

inline void require(int status) {
    if (status != 0) throw std::runtime_error(XGBGetLastError());
}

// SplitMix64: the same rows on every machine.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    float normal() {
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += unit();
        return static_cast<float>(sum);
    }

  private:
    std::uint64_t state_;
};

inline std::vector<float> make_rows(std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> x(rows * features);
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = random.normal();
        if (i % features < 4 && random.unit() < 0.1) x[i] = std::numeric_limits<float>::quiet_NaN();
    }
    return x;
}

// Planted so that trees have something to find in every feature: interactions, steps, and missingness that matters.
inline std::vector<float> make_labels(const std::vector<float> &x, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> y(x.size() / features);
    for (std::size_t r = 0; r < y.size(); ++r) {
        const float *row = &x[r * features];
        double z = -1;
        for (std::size_t f = 0; f + 1 < features; ++f) {
            const double a = std::isnan(row[f]) ? 0.7 : row[f];
            const double b = std::isnan(row[f + 1]) ? -0.3 : row[f + 1];
            z += 0.25 * a * b + (a > 0.5 ? 0.3 : -0.1) * (f % 3 == 0 ? 1 : -1);
        }
        y[r] = random.unit() < 1 / (1 + std::exp(-z)) ? 1 : 0;
    }
    return y;
}

class Booster {
  public:
    Booster(const std::vector<float> &x, const std::vector<float> &y, int rounds, const char *depth, int threads) {
        const std::size_t rows = y.size();
        DMatrixHandle matrix = nullptr;
        require(XGDMatrixCreateFromMat(x.data(), rows, x.size() / rows, std::numeric_limits<float>::quiet_NaN(), &matrix));
        require(XGDMatrixSetFloatInfo(matrix, "label", y.data(), rows));
        require(XGBoosterCreate(&matrix, 1, &handle_));
        set("objective", "binary:logistic");
        set("tree_method", "hist");
        set("max_depth", depth);
        set("max_bin", "256");
        set("eta", "0.1");
        set("seed", "7");
        set("nthread", std::to_string(threads).c_str());
        for (int round = 0; round < rounds; ++round) require(XGBoosterUpdateOneIter(handle_, round, matrix));
        XGDMatrixFree(matrix);
        set("nthread", "1");
    }
    Booster(const Booster &) = delete;
    Booster &operator=(const Booster &) = delete;
    ~Booster() { XGBoosterFree(handle_); }

    std::string json() const { return save("{\"format\":\"json\"}"); }
    std::string ubj() const { return save("{\"format\":\"ubj\"}"); }

    // Probabilities by the fastest call that XGBoost has for rows in memory; valid until the next call.
    const float *predict(const float *x, std::size_t rows) const {
        const std::string data = "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(x)) + ",true],\"shape\":[" +
                                 std::to_string(rows) + "," + std::to_string(features) + "],\"typestr\":\"<f4\",\"version\":3}";
        const char *config =
            "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,"
            "\"strict_shape\":false,\"cache_id\":0}";
        const bst_ulong *shape = nullptr;
        bst_ulong dimensions = 0;
        const float *out = nullptr;
        require(XGBoosterPredictFromDense(handle_, data.c_str(), config, nullptr, &shape, &dimensions, &out));
        return out;
    }

    // Exact contributions, features + 1 a row; valid until the next call.
    const float *contributions(const float *x, std::size_t rows) const {
        DMatrixHandle matrix = nullptr;
        require(XGDMatrixCreateFromMat(x, rows, features, std::numeric_limits<float>::quiet_NaN(), &matrix));
        const bst_ulong *shape = nullptr;
        bst_ulong dimensions = 0;
        const float *out = nullptr;
        require(XGBoosterPredictFromDMatrix(
            handle_, matrix, "{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false}",
            &shape, &dimensions, &out));
        XGDMatrixFree(matrix);
        return out;
    }

  private:
    void set(const char *name, const char *value) { require(XGBoosterSetParam(handle_, name, value)); }
    std::string save(const char *config) const {
        bst_ulong size = 0;
        const char *bytes = nullptr;
        require(XGBoosterSaveModelToBuffer(handle_, config, &size, &bytes));
        return {bytes, size};
    }

    BoosterHandle handle_ = nullptr;
};

struct BenchModel {
    std::unique_ptr<Booster> booster;
    std::vector<std::byte> blob;  // as model_blob stores it
};

inline BenchModel make_model(std::size_t rows = 100000, int rounds = 300, int threads = 2) {
    const std::vector<float> x = make_rows(rows, 1);
    BenchModel model{std::make_unique<Booster>(x, make_labels(x, 2), rounds, "6", threads), {}};
    xsell::core::ModelDescription description;
    description.features = features;
    description.members.push_back({xsell::core::MemberKind::xgboost, 1, xsell::core::parse_xgboost_json(model.booster->json())});
    model.blob = xsell::core::pack(description);
    return model;
}

}  // namespace bench
