// What the scoring tests compare with: models trained by XGBoost's C API, its predictions, and its JSON read independently.
#pragma once

#include <xgboost/c_api.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/scoring/tree.hpp"

namespace xsell::test {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

inline void require(int status) {
    if (status != 0) throw std::runtime_error(XGBGetLastError());
}

struct Shape {
    std::size_t features = 8;
    int rounds = 20;
    int depth = 4;
    std::size_t rows = 2000;
    int distinct = 0;  // values a feature takes; 0: any
    double missing_rate = 0.1;
    int max_bin = 256;
    const char *tree_method = "hist";
};

inline float random_value(const Shape &shape, std::mt19937 &random) {
    std::normal_distribution<float> normal;
    if (std::uniform_real_distribution<>()(random) < shape.missing_rate) return missing;
    if (shape.distinct > 0) return static_cast<float>(std::uniform_int_distribution<>(0, shape.distinct - 1)(random)) / 4;
    return normal(random);
}

inline std::vector<float> random_rows(const Shape &shape, std::size_t rows, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<float> x(rows * shape.features);
    for (float &v : x) v = random_value(shape, random);
    return x;
}

class Reference {
  public:
    Reference(const Shape &shape, unsigned seed) : features_(shape.features) {
        const std::vector<float> x = random_rows(shape, shape.rows, seed);
        const std::vector<float> y = labels(shape, x, seed + 1);
        DMatrixHandle matrix = make_matrix(x.data(), shape.rows);
        require(XGDMatrixSetFloatInfo(matrix, "label", y.data(), y.size()));
        require(XGBoosterCreate(&matrix, 1, &handle_));
        const std::map<std::string, std::string> settings = {{"objective", "binary:logistic"},
                                                             {"nthread", "1"},
                                                             {"eta", "0.3"},
                                                             {"min_child_weight", "0.1"},
                                                             {"base_score", "0.3"},
                                                             {"tree_method", shape.tree_method},
                                                             {"max_depth", std::to_string(shape.depth)},
                                                             {"max_bin", std::to_string(shape.max_bin)}};
        for (const auto &[name, value] : settings) require(XGBoosterSetParam(handle_, name.c_str(), value.c_str()));
        for (int round = 0; round < shape.rounds; ++round) require(XGBoosterUpdateOneIter(handle_, round, matrix));
        XGDMatrixFree(matrix);
    }
    Reference(const Reference &) = delete;
    Reference &operator=(const Reference &) = delete;
    ~Reference() { XGBoosterFree(handle_); }

    std::vector<float> margins(const std::vector<float> &x) const {
        const std::size_t rows = x.size() / features_;
        const std::string data = "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(x.data())) +
                                 ",true],\"shape\":[" + std::to_string(rows) + "," + std::to_string(features_) +
                                 "],\"typestr\":\"<f4\",\"version\":3}";
        const char *config =
            "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,"
            "\"strict_shape\":false,\"cache_id\":0}";
        const bst_ulong *shape = nullptr;
        bst_ulong dimensions = 0;
        const float *out = nullptr;
        require(XGBoosterPredictFromDense(handle_, data.c_str(), config, nullptr, &shape, &dimensions, &out));
        return {out, out + rows};
    }
    // The node number of the leaf, rows x trees. XGBoost reads rows from a matrix here, so no infinities.
    std::vector<float> leaves(const std::vector<float> &x) const { return predict(x, 6); }
    // Rows x (features + 1), the last one the base.
    std::vector<float> contributions(const std::vector<float> &x) const { return predict(x, 2); }

    core::Ensemble ensemble() const {
        bst_ulong size = 0;
        const char *bytes = nullptr;
        require(XGBoosterSaveModelToBuffer(handle_, "{\"format\":\"json\"}", &size, &bytes));
        const nlohmann::json model = nlohmann::json::parse(bytes, bytes + size);
        const nlohmann::json &learner = model.at("learner");
        core::Ensemble out;
        out.features = features_;
        const float base = std::stof(learner.at("learner_model_param").at("base_score").get<std::string>());
        out.base_margin = -std::log(1.0f / base - 1.0f);
        for (const nlohmann::json &tree : learner.at("gradient_booster").at("model").at("trees")) {
            std::vector<core::TreeNode> &nodes = out.trees.emplace_back(tree.at("left_children").size());
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                const nlohmann::json &direction = tree.at("default_left").at(i);
                nodes[i] = {tree.at("split_conditions").at(i).get<float>(),
                            tree.at("left_children").at(i).get<std::int32_t>(),
                            tree.at("right_children").at(i).get<std::int32_t>(),
                            tree.at("split_indices").at(i).get<std::uint16_t>(),
                            direction.is_boolean() ? direction.get<bool>() : direction.get<int>() != 0,
                            tree.at("sum_hessian").at(i).get<float>()};
            }
        }
        return out;
    }

  private:
    static std::vector<float> labels(const Shape &shape, const std::vector<float> &x, unsigned seed) {
        std::mt19937 random(seed);
        std::vector<float> y(shape.rows);
        for (std::size_t r = 0; r < shape.rows; ++r) {
            const float *row = &x[r * shape.features];
            double z = 0;
            for (std::size_t f = 0; f < shape.features; ++f) {
                const double a = std::isnan(row[f]) ? 1.2 : row[f];
                const double b = std::isnan(row[(f + 1) % shape.features]) ? -0.4 : row[(f + 1) % shape.features];
                z += a * b - (f % 2 ? a : 0.3);
            }
            y[r] = std::uniform_real_distribution<>()(random) < 1 / (1 + std::exp(-z)) ? 1.0f : 0.0f;
        }
        return y;
    }

    DMatrixHandle make_matrix(const float *x, std::size_t rows) const {
        DMatrixHandle matrix = nullptr;
        require(XGDMatrixCreateFromMat(x, rows, features_, missing, &matrix));
        return matrix;
    }

    std::vector<float> predict(const std::vector<float> &x, int type) const {
        const std::size_t rows = x.size() / features_;
        DMatrixHandle matrix = make_matrix(x.data(), rows);
        const std::string config = "{\"type\":" + std::to_string(type) +
                                   ",\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":true}";
        const bst_ulong *shape = nullptr;
        bst_ulong dimensions = 0;
        const float *out = nullptr;
        require(XGBoosterPredictFromDMatrix(handle_, matrix, config.c_str(), &shape, &dimensions, &out));
        std::size_t size = 1;
        for (bst_ulong d = 0; d < dimensions; ++d) size *= shape[d];
        std::vector<float> result(out, out + size);
        XGDMatrixFree(matrix);
        return result;
    }

    std::size_t features_;
    BoosterHandle handle_ = nullptr;
};

}  // namespace xsell::test
