#include "core/training/parameters.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <variant>

#include "core/error.hpp"

namespace xsell::core {
namespace {

struct Setting {
    const char *name;
    std::variant<int Parameters::*, double Parameters::*> member;
    double low;
    double high;
};

// Depth 6 is the bound of the fast scoring kernels.
const Setting settings[] = {
    {"rounds", &Parameters::rounds, 1, 5000},
    {"early_stopping", &Parameters::early_stopping, 1, 5000},
    {"max_depth", &Parameters::max_depth, 1, 6},
    {"eta", &Parameters::eta, 0.001, 1},
    {"subsample", &Parameters::subsample, 0.05, 1},
    {"colsample", &Parameters::colsample, 0.05, 1},
    {"min_child_weight", &Parameters::min_child_weight, 0, 1e6},
    {"lambda", &Parameters::lambda, 0, 1e6},
    {"alpha", &Parameters::alpha, 0, 1e6},
    {"gamma", &Parameters::gamma, 0, 1e6},
    {"snapshots", &Parameters::snapshots, 1, 24},
    {"max_rows", &Parameters::max_rows, 1000, 1e9},
};

std::string plain(double value) {
    return value == std::floor(value) ? std::to_string(static_cast<long long>(value)) : nlohmann::json(value).dump();
}

void assign(Parameters &parameters, const Setting &setting, const nlohmann::json &value) {
    const bool whole = std::holds_alternative<int Parameters::*>(setting.member);
    if (!value.is_number() || (whole && value.get<double>() != static_cast<int>(value.get<double>())) ||
        value.get<double>() < setting.low || value.get<double>() > setting.high) {
        throw Error(Kind::bad_argument, std::string("training parameter \"") + setting.name + "\" must be a " +
                                            (whole ? "whole " : "") + "number from " + plain(setting.low) + " to " +
                                            plain(setting.high));
    }
    if (whole) {
        parameters.*std::get<int Parameters::*>(setting.member) = value.get<int>();
    } else {
        parameters.*std::get<double Parameters::*>(setting.member) = value.get<double>();
    }
}

}  // namespace

Parameters parse_parameters(const std::string &json) {
    const auto object = nlohmann::json::parse(json, nullptr, false);
    if (!object.is_object()) {
        throw Error(Kind::bad_argument, "training parameters must be a JSON object");
    }
    Parameters parameters;
    for (const auto &[name, value] : object.items()) {
        const Setting *found = nullptr;
        std::string known;
        for (const Setting &setting : settings) {
            found = name == setting.name ? &setting : found;
            known += (known.empty() ? "" : ", ") + std::string(setting.name);
        }
        if (!found) {
            throw Error(Kind::bad_argument, "unknown training parameter \"" + name + "\"", "There are: " + known + ".");
        }
        assign(parameters, *found, value);
    }
    return parameters;
}

std::string to_json(const Parameters &parameters) {
    nlohmann::ordered_json object;
    for (const Setting &setting : settings) {
        std::visit([&](auto member) { object[setting.name] = parameters.*member; }, setting.member);
    }
    return object.dump();
}

}  // namespace xsell::core
