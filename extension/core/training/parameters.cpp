#include "core/training/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <variant>

#include "core/error.hpp"

namespace xsell::core {
namespace {

using nlohmann::json;

template <class Owner>
struct Setting {
    const char *name;
    std::variant<int Owner::*, double Owner::*> member;
    double low;
    double high;
};

// Depth 6 is the bound of the fast scoring kernels.
const Setting<BoosterParameters> booster_settings[] = {
    {"rounds", &BoosterParameters::rounds, 1, 5000},
    {"early_stopping", &BoosterParameters::early_stopping, 1, 5000},
    {"max_depth", &BoosterParameters::max_depth, 1, 6},
    {"max_leaves", &BoosterParameters::max_leaves, 0, 64},
    {"eta", &BoosterParameters::eta, 0.001, 1},
    {"subsample", &BoosterParameters::subsample, 0.05, 1},
    {"colsample", &BoosterParameters::colsample, 0.05, 1},
    {"colsample_bynode", &BoosterParameters::colsample_bynode, 0.05, 1},
    {"min_child_weight", &BoosterParameters::min_child_weight, 0, 1e6},
    {"lambda", &BoosterParameters::lambda, 0, 1e6},
    {"alpha", &BoosterParameters::alpha, 0, 1e6},
    {"gamma", &BoosterParameters::gamma, 0, 1e6},
};

const Setting<ForestParameters> forest_settings[] = {
    {"trees", &ForestParameters::trees, 1, 5000},         {"max_depth", &ForestParameters::max_depth, 1, 12},
    {"subsample", &ForestParameters::subsample, 0.05, 1}, {"colsample_bynode", &ForestParameters::colsample_bynode, 0, 1},
    {"min_leaf", &ForestParameters::min_leaf, 0, 1e6},    {"prior", &ForestParameters::prior, 0.01, 1e6},
};

const Setting<NetworkParameters> network_settings[] = {
    {"epochs", &NetworkParameters::epochs, 1, 1000},  {"early_stopping", &NetworkParameters::early_stopping, 1, 1000},
    {"batch", &NetworkParameters::batch, 8, 65536},   {"learning_rate", &NetworkParameters::learning_rate, 1e-6, 1},
    {"dropout", &NetworkParameters::dropout, 0, 0.9}, {"weight_decay", &NetworkParameters::weight_decay, 0, 10},
};

const Setting<Parameters> general_settings[] = {
    {"folds", &Parameters::folds, 0, 20},
    {"snapshots", &Parameters::snapshots, 1, 24},
    {"max_rows", &Parameters::max_rows, 1000, 1e9},
};

constexpr int most_layers = 8, widest_layer = 1024;

template <class Value>
struct Choice {
    const char *name;
    Value value;
};

constexpr Choice<Blend> blends[] = {{"log_odds", Blend::log_odds}, {"probability", Blend::probability}};
constexpr Choice<CalibrationChoice> calibrations[] = {
    {"auto", CalibrationChoice::automatic}, {"platt", CalibrationChoice::platt}, {"isotonic", CalibrationChoice::isotonic}};

[[noreturn]] void refuse(const std::string &name, const std::string &must) {
    throw Error(Kind::bad_argument, "training parameter \"" + name + "\" must be " + must);
}

[[noreturn]] void refuse_name(const std::string &name, const std::vector<std::string> &known) {
    std::string list;
    for (const std::string &one : known) {
        list += (list.empty() ? "" : ", ") + one;
    }
    throw Error(Kind::bad_argument, "unknown training parameter \"" + name + "\"", "There are: " + list + ".");
}

std::string plain(double value) {
    return value == std::floor(value) ? std::to_string(static_cast<long long>(value)) : json(value).dump();
}

// False when the table has no such name.
template <class Owner, std::size_t count>
bool assign(Owner &owner, const Setting<Owner> (&settings)[count], const std::string &path, const std::string &name,
            const json &value) {
    const auto found = std::find_if(std::begin(settings), std::end(settings), [&](const auto &s) { return name == s.name; });
    if (found == std::end(settings)) {
        return false;
    }
    const bool whole = std::holds_alternative<int Owner::*>(found->member);
    if (!value.is_number() || !(value.get<double>() >= found->low && value.get<double>() <= found->high) ||
        (whole && value.get<double>() != std::floor(value.get<double>()))) {
        refuse(path + name,
               std::string("a ") + (whole ? "whole " : "") + "number from " + plain(found->low) + " to " + plain(found->high));
    }
    std::visit([&](auto member) { owner.*member = static_cast<std::decay_t<decltype(owner.*member)>>(value.get<double>()); },
               found->member);
    return true;
}

template <class Owner, std::size_t count>
void append_names(std::vector<std::string> &names, const Setting<Owner> (&settings)[count]) {
    for (const auto &setting : settings) {
        names.emplace_back(setting.name);
    }
}

std::vector<int> parse_layers(const json &value) {
    const bool fits =
        value.is_array() && !value.empty() && value.size() <= most_layers &&
        std::all_of(value.begin(), value.end(), [](const json &width) {
            return width.is_number_integer() && width.get<long long>() >= 1 && width.get<long long>() <= widest_layer;
        });
    if (!fits) {
        refuse("neural_network.layers", "an array of 1 to " + std::to_string(most_layers) + " whole numbers from 1 to " +
                                            std::to_string(widest_layer) + ", the widths of the hidden layers");
    }
    return value.get<std::vector<int>>();
}

template <class Owner, std::size_t count>
void assign_group(Owner &owner, const Setting<Owner> (&settings)[count], const std::string &group, const json &object) {
    if (!object.is_object()) {
        refuse(group, "an object");
    }
    for (const auto &[name, value] : object.items()) {
        if constexpr (std::is_same_v<Owner, NetworkParameters>) {
            if (name == "layers") {
                owner.layers = parse_layers(value);
                continue;
            }
        }
        if (!assign(owner, settings, group + ".", name, value)) {
            std::vector<std::string> known;
            append_names(known, settings);
            if constexpr (std::is_same_v<Owner, NetworkParameters>) {
                known.insert(known.begin(), "layers");
            }
            refuse_name(group + "." + name, known);
        }
    }
}

std::string names_of_members() {
    std::string names;
    for (const MemberKind kind : member_kinds) {
        names += (names.empty() ? "" : ", ") + std::string(name_of(kind));
    }
    return names;
}

std::size_t position(MemberKind kind) { return static_cast<std::size_t>(kind) - 1; }

void assign_members(Parameters &parameters, const json &value) {
    std::array<bool, member_kinds.size()> wanted{};
    bool fits = value.is_array() && !value.empty();
    for (std::size_t i = 0; fits && i < value.size(); ++i) {
        const auto kind = value[i].is_string() ? member_kind(value[i].get<std::string>()) : std::nullopt;
        fits = kind.has_value();
        if (fits) {
            wanted[position(*kind)] = true;
        }
    }
    if (!fits) {
        refuse("members", "an array of some of: " + names_of_members());
    }
    parameters.members.clear();
    std::copy_if(member_kinds.begin(), member_kinds.end(), std::back_inserter(parameters.members),
                 [&](MemberKind kind) { return wanted[position(kind)]; });
}

void assign_weights(Parameters &parameters, const json &value) {
    parameters.weights.reset();
    if (value.is_null()) {
        return;
    }
    bool fits = value.is_object();
    double sum = 0;
    std::array<double, member_kinds.size()> weights{};
    for (auto one = value.begin(); fits && one != value.end(); ++one) {
        const auto kind = member_kind(one.key());
        fits = kind && one->is_number() && one->get<double>() >= 0 && one->get<double>() <= 100;
        if (fits) {
            sum += weights[position(*kind)] = one->get<double>();
        }
    }
    if (!fits || sum <= 0) {
        refuse("weights", "null or an object with numbers from 0 to 100, not all of them 0, for some of: " + names_of_members());
    }
    parameters.weights = weights;
}

void assign_target_encode(Parameters &parameters, const json &value) {
    if (value.is_boolean()) {
        parameters.target_encode = value.get<bool>();
        return;
    }
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), [](const json &name) { return name.is_string(); })) {
        refuse("target_encode", "true for all categorical features, false, or an array of their names");
    }
    parameters.target_encode = value.get<std::vector<std::string>>();
}

template <class Value, std::size_t count>
Value parse_choice(const Choice<Value> (&choices)[count], const std::string &name, const json &value) {
    std::string known;
    for (const auto &choice : choices) {
        if (value == choice.name) {
            return choice.value;
        }
        known += (known.empty() ? "\"" : ", \"") + std::string(choice.name) + "\"";
    }
    refuse(name, "one of " + known);
}

template <class Value, std::size_t count>
const char *choice_name(const Choice<Value> (&choices)[count], Value value) {
    return std::find_if(std::begin(choices), std::end(choices), [&](const auto &c) { return c.value == value; })->name;
}

using Assign = void (*)(Parameters &, const json &);
const std::pair<const char *, Assign> structured[] = {
    {"members", assign_members},
    {"xgboost", [](Parameters &p, const json &v) { assign_group(p.xgboost, booster_settings, "xgboost", v); }},
    {"random_forest", [](Parameters &p, const json &v) { assign_group(p.random_forest, forest_settings, "random_forest", v); }},
    {"gradient_boosting",
     [](Parameters &p, const json &v) { assign_group(p.gradient_boosting, booster_settings, "gradient_boosting", v); }},
    {"neural_network",
     [](Parameters &p, const json &v) { assign_group(p.neural_network, network_settings, "neural_network", v); }},
    {"weights", assign_weights},
    {"blend", [](Parameters &p, const json &v) { p.blend = parse_choice(blends, "blend", v); }},
    {"calibration", [](Parameters &p, const json &v) { p.calibration = parse_choice(calibrations, "calibration", v); }},
    {"target_encode", assign_target_encode},
};

void assign_any(Parameters &parameters, const std::string &name, const json &value) {
    const auto found = std::find_if(std::begin(structured), std::end(structured), [&](const auto &s) { return name == s.first; });
    if (found != std::end(structured)) {
        found->second(parameters, value);
    } else if (!assign(parameters, general_settings, "", name, value) &&
               !assign(parameters.xgboost, booster_settings, "", name, value)) {
        std::vector<std::string> known;
        for (const auto &one : structured) {
            known.emplace_back(one.first);
        }
        append_names(known, general_settings);
        append_names(known, booster_settings);
        refuse_name(name, known);
    }
}

void require_consistent(const Parameters &p) {
    if (!p.weights) {
        if (p.folds < 2 && p.members.size() > 1) {
            throw Error(Kind::bad_argument, "training parameter \"folds\" must be at least 2 where weights are to be fitted",
                        "Give weights, or one member only, to do without cross-validation.");
        }
        if (p.blend == Blend::probability) {
            throw Error(Kind::bad_argument, "a blend of probabilities needs training parameter \"weights\"",
                        "Only the weights of a blend in log-odds are fitted.");
        }
    } else if (std::none_of(p.members.begin(), p.members.end(),
                            [&](MemberKind kind) { return (*p.weights)[position(kind)] > 0; })) {
        throw Error(Kind::bad_argument, "training parameter \"weights\" gives no weight to any of the members");
    }
    if (p.folds == 1) {
        refuse("folds", "0 or a whole number from 2 to 20");
    }
}

Parameters default_preset() {
    Parameters p;
    p.gradient_boosting.max_depth = 6;
    p.gradient_boosting.max_leaves = 8;
    p.gradient_boosting.colsample = 0.5;
    p.gradient_boosting.colsample_bynode = 0.5;
    p.gradient_boosting.lambda = 20;
    p.gradient_boosting.alpha = 1;
    return p;
}

// What that platform's code did; its trees had no lower bound on leaves, and its network saw 50 epochs.
Parameters classic_preset() {
    Parameters p;
    p.xgboost = {.rounds = 100, .max_depth = 6, .eta = 0.1, .subsample = 1, .colsample = 1, .min_child_weight = 1, .lambda = 1};
    p.random_forest = {.trees = 100, .max_depth = 10, .min_leaf = 1, .prior = 1};
    p.gradient_boosting = {
        .rounds = 100, .max_depth = 5, .eta = 0.1, .subsample = 1, .colsample = 1, .min_child_weight = 1, .lambda = 0};
    p.neural_network = {.epochs = 50, .learning_rate = 0.001, .dropout = 0.3, .weight_decay = 0};
    p.weights = {0.3, 0.2, 0.2, 0.3};
    p.blend = Blend::probability;
    p.folds = 0;
    return p;
}

template <class Owner, std::size_t count>
nlohmann::ordered_json print(const Owner &owner, const Setting<Owner> (&settings)[count]) {
    nlohmann::ordered_json object;
    for (const auto &setting : settings) {
        std::visit([&](auto member) { object[setting.name] = owner.*member; }, setting.member);
    }
    return object;
}

}  // namespace

Parameters preset(std::string_view name) {
    constexpr std::pair<std::string_view, Parameters (*)()> presets[] = {{"default", default_preset},
                                                                         {"classic", classic_preset}};
    for (const auto &[known, make] : presets) {
        if (name == known) {
            return make();
        }
    }
    throw Error(Kind::bad_argument, "unknown preset \"" + std::string(name) + "\"", "There are: default, classic.");
}

Parameters parse_parameters(const std::string &text, std::string_view preset_name) {
    const auto object = json::parse(text, nullptr, false);
    if (!object.is_object()) {
        throw Error(Kind::bad_argument, "training parameters must be a JSON object");
    }
    Parameters parameters = preset(preset_name);
    for (const auto &[name, value] : object.items()) {
        assign_any(parameters, name, value);
    }
    require_consistent(parameters);
    return parameters;
}

std::string to_json(const Parameters &parameters) {
    nlohmann::ordered_json object;
    for (const MemberKind kind : parameters.members) {
        object["members"].push_back(name_of(kind));
    }
    object["xgboost"] = print(parameters.xgboost, booster_settings);
    object["random_forest"] = print(parameters.random_forest, forest_settings);
    object["gradient_boosting"] = print(parameters.gradient_boosting, booster_settings);
    object["neural_network"] = print(parameters.neural_network, network_settings);
    object["neural_network"]["layers"] = parameters.neural_network.layers;
    object["weights"] = nullptr;
    for (const MemberKind kind : member_kinds) {
        if (parameters.weights) {
            object["weights"][std::string(name_of(kind))] = (*parameters.weights)[position(kind)];
        }
    }
    object["blend"] = choice_name(blends, parameters.blend);
    object["calibration"] = choice_name(calibrations, parameters.calibration);
    std::visit([&](const auto &which) { object["target_encode"] = which; }, parameters.target_encode);
    object.update(print(parameters, general_settings));
    return object.dump();
}

}  // namespace xsell::core
