#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <variant>

#include "core/error.hpp"
#include "core/training/search.hpp"
#include "core/training/xgboost.hpp"

namespace xsell::core {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

template <class Owner>
struct Tuned {
    Dimension dimension;
    std::variant<int Owner::*, double Owner::*> member;
};

// Rounds are not among them: every trial stops where its own loss does.
const Tuned<BoosterParameters> booster[] = {
    {{"max_depth", 2, 6, false, true}, &BoosterParameters::max_depth},
    {{"eta", 0.01, 0.3, true}, &BoosterParameters::eta},
    {{"subsample", 0.4, 1}, &BoosterParameters::subsample},
    {{"colsample", 0.2, 1}, &BoosterParameters::colsample},
    {{"min_child_weight", 0.5, 200, true}, &BoosterParameters::min_child_weight},
    {{"lambda", 0.1, 100, true}, &BoosterParameters::lambda},
    {{"alpha", 0, 5}, &BoosterParameters::alpha},
    {{"gamma", 0, 5}, &BoosterParameters::gamma},
};

const Tuned<ForestParameters> forest[] = {
    {{"max_depth", 3, 10, false, true}, &ForestParameters::max_depth},
    {{"subsample", 0.3, 1}, &ForestParameters::subsample},
    {{"colsample_bynode", 0, 1}, &ForestParameters::colsample_bynode},
    {{"min_leaf", 1, 200, true}, &ForestParameters::min_leaf},
    {{"prior", 0.5, 100, true}, &ForestParameters::prior},
};

const Tuned<NetworkParameters> network[] = {
    {{"learning_rate", 0.0002, 0.02, true}, &NetworkParameters::learning_rate},
    {{"dropout", 0, 0.6}, &NetworkParameters::dropout},
    {{"weight_decay", 0.00001, 0.1, true}, &NetworkParameters::weight_decay},
};

// The widths are a choice beside them, in the last place.
std::vector<std::vector<int>> layer_choices(const NetworkParameters &base) {
    std::vector<std::vector<int>> choices = {{16}, {64}, {32, 16}, {64, 32, 16}, {128, 64}};
    if (std::find(choices.begin(), choices.end(), base.layers) == choices.end()) {
        choices.push_back(base.layers);
    }
    return choices;
}

// Calls `visit(tuned parameters, their owner)` for the member.
template <class SomeParameters, class Visit>
void with_owner(MemberKind member, SomeParameters &parameters, Visit visit) {
    switch (member) {
        case MemberKind::xgboost: visit(booster, parameters.xgboost); break;
        case MemberKind::random_forest: visit(forest, parameters.random_forest); break;
        case MemberKind::gradient_boosting: visit(booster, parameters.gradient_boosting); break;
        case MemberKind::neural_network: visit(network, parameters.neural_network); break;
    }
}

[[noreturn]] void refuse(const std::string &name, const std::string &must) {
    throw Error(Kind::bad_argument, "search option \"" + name + "\" must be " + must);
}

double number_in(const std::string &name, const json &value, double low, double high, const char *must) {
    if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
        refuse(name, must);
    }
    return value.get<double>();
}

void assign_trials(SearchOptions &options, const json &value) {
    constexpr auto must = "a whole number from 1 to 10000";
    const double trials = number_in("trials", value, 1, 10000, must);
    if (trials != std::floor(trials)) {
        refuse("trials", must);
    }
    options.trials = static_cast<int>(trials);
}

void assign_timeout(SearchOptions &options, const json &value) {
    options.timeout = number_in("timeout", value, 0, 1e9, "a number of seconds, 0 for no limit");
}

void assign_members(SearchOptions &options, const json &value) {
    options.members.clear();
    std::string known;
    for (const MemberKind kind : member_kinds) {
        const bool wanted = value.is_array() && std::find(value.begin(), value.end(), name_of(kind)) != value.end();
        if (wanted) {
            options.members.push_back(kind);
        }
        known += (known.empty() ? "" : ", ") + std::string(name_of(kind));
    }
    if (options.members.empty() || options.members.size() != value.size()) {
        refuse("members", "an array of some of: " + known + ", each once");
    }
}

constexpr std::pair<const char *, Pruner> pruners[] = {
    {"median", Pruner::median}, {"halving", Pruner::halving}, {"none", Pruner::none}};

void assign_pruner(SearchOptions &options, const json &value) {
    const auto found = std::find_if(std::begin(pruners), std::end(pruners), [&](const auto &p) { return value == p.first; });
    if (found == std::end(pruners)) {
        refuse("pruner", "\"median\", \"halving\" or \"none\"");
    }
    options.pruner = found->second;
}

constexpr std::pair<const char *, void (*)(SearchOptions &, const json &)> option_names[] = {
    {"trials", assign_trials}, {"timeout", assign_timeout}, {"members", assign_members}, {"pruner", assign_pruner}};

constexpr std::pair<TrialState, const char *> state_names[] = {
    {TrialState::complete, "complete"}, {TrialState::pruned, "pruned"}, {TrialState::failed, "failed"}};

const auto &state_name(TrialState state) {
    return *std::find_if(std::begin(state_names), std::end(state_names), [&](const auto &s) { return s.first == state; });
}

TrialState trial_state(const std::string &name) {
    const auto found =
        std::find_if(std::begin(state_names), std::end(state_names), [&](const auto &s) { return name == s.second; });
    if (found == std::end(state_names)) {
        throw Error(Kind::bad_argument, "unknown state of a trial \"" + name + "\"");
    }
    return found->first;
}

ordered_json print_point(MemberKind member, const Parameters &base, std::span<const double> point) {
    ordered_json object;
    const std::vector<Dimension> space = search_space(member, base);
    for (std::size_t i = 0; i < space.size(); ++i) {
        if (space[i].choices > 0) {
            object[space[i].name] = layer_choices(base.neural_network).at(static_cast<std::size_t>(point[i]));
        } else if (space[i].whole) {
            object[space[i].name] = static_cast<int>(point[i]);
        } else {
            object[space[i].name] = point[i];  // with as many digits as give the same number back
        }
    }
    return object;
}

std::vector<double> parse_point(MemberKind member, const Parameters &base, const json &object) {
    std::vector<double> point;
    for (const Dimension &dimension : search_space(member, base)) {
        const json &value = object.at(dimension.name);
        if (dimension.choices > 0) {
            const auto choices = layer_choices(base.neural_network);
            const auto found = std::find(choices.begin(), choices.end(), value.get<std::vector<int>>());
            point.push_back(static_cast<double>(found - choices.begin()));
        } else {
            point.push_back(value.get<double>());
        }
    }
    return point;
}

MemberTrial parse_trial(const json &object, const Parameters &base) {
    const auto member = member_kind(object.at("member").get<std::string>());
    if (!member) {
        throw Error(Kind::bad_argument, "a trial is of no known member");
    }
    MemberTrial result{*member, {}};
    Trial &trial = result.trial;
    trial.number = object.at("number").get<int>();
    trial.point = parse_point(*member, base, object.at("parameters"));
    trial.state = trial_state(object.at("state").get<std::string>());
    trial.value = object.at("value").is_null() ? std::numeric_limits<double>::quiet_NaN() : object.at("value").get<double>();
    const auto steps = object.at("step").get<std::vector<int>>();
    const auto values = object.at("intermediate").get<std::vector<double>>();
    for (std::size_t i = 0; i < std::min(steps.size(), values.size()); ++i) {
        trial.intermediate.push_back({steps[i], values[i]});
    }
    return result;
}

}  // namespace

SearchOptions parse_search(const std::string &text) {
    const auto object = json::parse(text, nullptr, false);
    if (!object.is_object()) {
        throw Error(Kind::bad_argument, "search options must be a JSON object", "For example: {\"trials\": 30}.");
    }
    SearchOptions options;
    for (const auto &[name, value] : object.items()) {
        std::string known;
        void (*assign)(SearchOptions &, const json &) = nullptr;
        for (const auto &[option, function] : option_names) {
            assign = name == option ? function : assign;
            known += (known.empty() ? "" : ", ") + std::string(option);
        }
        if (assign == nullptr) {
            throw Error(Kind::bad_argument, "unknown search option \"" + name + "\"", "There are: " + known + ".");
        }
        assign(options, value);
    }
    return options;
}

std::vector<double> point_of(MemberKind member, const Parameters &parameters) {
    std::vector<double> point;
    with_owner(member, parameters, [&](const auto &tuned, const auto &owner) {
        for (const auto &one : tuned) {
            // 0 has no place on a logarithmic scale; the lower end of the range is the nearest to it.
            const double value = std::visit([&](auto field) { return static_cast<double>(owner.*field); }, one.member);
            point.push_back(one.dimension.logarithmic && value <= 0 ? one.dimension.low : value);
        }
    });
    if (member == MemberKind::neural_network) {
        const auto choices = layer_choices(parameters.neural_network);
        const auto found = std::find(choices.begin(), choices.end(), parameters.neural_network.layers);
        point.push_back(static_cast<double>(found - choices.begin()));
    }
    return point;
}

std::vector<Dimension> search_space(MemberKind member, const Parameters &base) {
    std::vector<Dimension> space;
    const std::vector<double> start = point_of(member, base);
    with_owner(member, base, [&](const auto &tuned, const auto &) {
        for (const auto &one : tuned) {
            Dimension dimension = one.dimension;
            dimension.low = std::min(dimension.low, start[space.size()]);
            dimension.high = std::max(dimension.high, start[space.size()]);
            space.push_back(std::move(dimension));
        }
    });
    if (member == MemberKind::neural_network) {
        space.push_back({.name = "layers", .choices = layer_choices(base.neural_network).size()});
    }
    return space;
}

Parameters with_point(MemberKind member, const Parameters &base, std::span<const double> point) {
    Parameters parameters = base;
    std::size_t i = 0;
    with_owner(member, parameters, [&](const auto &tuned, auto &owner) {
        for (const auto &one : tuned) {
            std::visit([&](auto field) { owner.*field = static_cast<std::decay_t<decltype(owner.*field)>>(point[i]); },
                       one.member);
            ++i;
        }
    });
    if (member == MemberKind::neural_network) {
        parameters.neural_network.layers = layer_choices(base.neural_network).at(static_cast<std::size_t>(point[i]));
    }
    return parameters;
}

int search_folds(const Parameters &base) { return base.folds >= 2 ? base.folds : 3; }

std::string to_json(const MemberTrial &trial, const Parameters &base) {
    ordered_json object;
    object["member"] = name_of(trial.member);
    object["number"] = trial.trial.number;
    object["parameters"] = print_point(trial.member, base, trial.trial.point);
    object["state"] = state_name(trial.trial.state).second;
    object["value"] = trial.trial.value;  // NaN becomes null
    object["step"] = json::array();
    object["intermediate"] = json::array();
    for (const Intermediate &i : trial.trial.intermediate) {
        object["step"].push_back(i.step);
        object["intermediate"].push_back(i.value);
    }
    return object.dump();
}

std::vector<MemberTrial> trials_from_json(const std::string &array, const Parameters &base) {
    std::vector<MemberTrial> trials;
    for (const json &one : json::parse(array)) {
        trials.push_back(parse_trial(one, base));
    }
    return trials;
}

std::string search_signature(const SearchOptions &options, const Parameters &base) {
    ordered_json object;
    object["seed"] = base.seed;
    object["folds"] = search_folds(base);
    for (const auto &[name, pruner] : pruners) {
        if (pruner == options.pruner) {
            object["pruner"] = name;
        }
    }
    object["library"] = xgboost::version();
    // Weights, the blend and the calibration come after the search and do not change it; a member's own parameters do.
    const auto parameters = ordered_json::parse(to_json(base));
    object["target_encode"] = parameters.at("target_encode");
    for (const MemberKind member : member_kinds) {
        ordered_json ranges;
        for (const Dimension &d : search_space(member, base)) {
            ranges[d.name] = {d.low, d.high, d.choices};
        }
        object[std::string(name_of(member))] = {{"base", parameters.at(std::string(name_of(member)))}, {"space", ranges}};
    }
    return object.dump();
}

}  // namespace xsell::core
