#include "core/training/xgboost_json.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"

namespace xsell::core {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string &what) { throw Error(Kind::corrupt_model, "cannot read the XGBoost model: " + what); }

void check_layout(const json &model) {
    const json &version = model.at("version");
    if (version.at(0) != 1 || version.at(1) != 7) {
        refuse("it was written by version " + version.dump() + ", 1.7 is understood");
    }
    const json &learner = model.at("learner");
    if (learner.at("objective").at("name") != "binary:logistic") {
        refuse("its objective is " + learner.at("objective").at("name").dump());
    }
    if (learner.at("gradient_booster").at("name") != "gbtree") {
        refuse("its booster is " + learner.at("gradient_booster").at("name").dump());
    }
}

// base_score is a probability; XGBoost starts from its logit, taken in float32.
float base_margin(const json &learner) {
    const float probability = std::stof(learner.at("learner_model_param").at("base_score").get<std::string>());
    if (!(probability > 0.0f && probability < 1.0f)) {
        refuse("base_score is no probability");
    }
    return -std::log(1.0f / probability - 1.0f);
}

bool truth(const json &value) { return value.is_boolean() ? value.get<bool>() : value.get<int>() != 0; }

std::vector<TreeNode> parse_tree(const json &tree, std::size_t features) {
    const json &left = tree.at("left_children"), &right = tree.at("right_children"), &feature = tree.at("split_indices"),
               &condition = tree.at("split_conditions"), &direction = tree.at("default_left"), &cover = tree.at("sum_hessian");
    const std::size_t count = left.size();
    if (right.size() != count || feature.size() != count || condition.size() != count || direction.size() != count ||
        cover.size() != count || count == 0) {
        refuse("the columns of a tree differ in length");
    }
    std::vector<TreeNode> nodes(count);
    for (std::size_t i = 0; i < count; ++i) {
        TreeNode &node = nodes[i];
        node.left = left[i].get<std::int32_t>();
        node.right = right[i].get<std::int32_t>();
        node.threshold_or_leaf = condition[i].get<float>();
        node.cover = cover[i].get<float>();
        if (node.left == -1) {
            continue;
        }
        const auto index = feature[i].get<std::size_t>();
        if (index >= features || node.left < 0 || node.right < 0 || static_cast<std::size_t>(node.left) >= count ||
            static_cast<std::size_t>(node.right) >= count) {
            refuse("a node points outside");
        }
        node.feature = static_cast<std::uint16_t>(index);
        node.default_left = truth(direction[i]);
    }
    return nodes;
}

// XGBoost reads no more than nine digits of a number, which is what it takes to tell floats apart.
double nine_digits(float value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
    double result = 0;
    std::from_chars(text, text + std::strlen(text), result);
    return result;
}

template <class Visit>
void for_each_node(json &model, Visit visit) {
    for (json &tree : model.at("learner").at("gradient_booster").at("model").at("trees")) {
        const json &left = tree.at("left_children");
        for (std::size_t i = 0; i < left.size(); ++i) {
            visit(tree, i, left[i].get<std::int32_t>() == -1);
        }
    }
}

}  // namespace

Ensemble parse_xgboost_json(std::string_view text) {
    try {
        const json model = json::parse(text);
        check_layout(model);
        const json &learner = model.at("learner");
        const json &trees = learner.at("gradient_booster").at("model").at("trees");
        Ensemble ensemble;
        ensemble.features = std::stoul(learner.at("learner_model_param").at("num_feature").get<std::string>());
        if (ensemble.features > std::numeric_limits<std::uint16_t>::max()) {
            refuse("it has too many features");
        }
        ensemble.base_margin = base_margin(learner);
        for (const json &tree : trees) {
            ensemble.trees.push_back(parse_tree(tree, ensemble.features));
        }
        return ensemble;
    } catch (const json::exception &error) {
        refuse(error.what());
    } catch (const std::logic_error &) {  // stof, stoul
        refuse("a number is not one");
    }
}

std::vector<double> parse_xgboost_gain(std::string_view text) {
    try {
        json model = json::parse(text);
        std::vector<double> gain(std::stoul(model.at("learner").at("learner_model_param").at("num_feature").get<std::string>()));
        double sum = 0;
        for_each_node(model, [&](const json &tree, std::size_t i, bool leaf) {
            if (!leaf) {
                const double taken = tree.at("loss_changes").at(i).get<double>();
                gain.at(tree.at("split_indices").at(i).get<std::size_t>()) += taken;
                sum += taken;
            }
        });
        for (double &one : gain) {
            one = sum > 0 ? one / sum : 0;
        }
        return gain;
    } catch (const json::exception &error) {
        refuse(error.what());
    } catch (const std::logic_error &) {
        refuse("a number is not one");
    }
}

std::string replace_xgboost_leaves(std::string_view text, const std::function<float(float)> &replacement) {
    try {
        json model = json::parse(text);
        for_each_node(model, [&](json &tree, std::size_t i, bool leaf) {
            if (leaf) {
                json &value = tree.at("split_conditions").at(i);
                value = nine_digits(replacement(value.get<float>()));
                tree.at("base_weights").at(i) = value;
            }
        });
        return model.dump();
    } catch (const json::exception &error) {
        refuse(error.what());
    }
}

}  // namespace xsell::core
