// The text that a connector keeps of its state between pages: a JSON object. Each struct of a state names its members once, in a
// function `fields(archive, value)`, and is both read and written by that; an optional or a map that holds nothing is left out.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors {

class StateReader {
  public:
    explicit StateReader(const nlohmann::json &json) : json_(json) {
        if (!json.is_object()) refuse_state();
    }

    template <typename Value>
    void operator()(const char *name, Value &value) {
        if constexpr (requires(StateReader & inner) { fields(inner, value); }) {
            StateReader inner(json_.at(name));
            fields(inner, value);
        } else {
            value = json_.at(name).template get<Value>();
        }
    }
    template <typename Value>
    void operator()(const char *name, std::optional<Value> &value) {
        if (json_.contains(name)) (*this)(name, value.emplace());
    }
    template <typename Key, typename Value>
    void operator()(const char *name, std::map<Key, Value> &value) {
        if (json_.contains(name)) value = json_.at(name).template get<std::map<Key, Value>>();
    }
    // An enumeration by the names of its values, in their order.
    template <typename Value, std::size_t Count>
    void operator()(const char *name, Value &value, const std::array<const char *, Count> &names) {
        const auto text = json_.at(name).template get<std::string>();
        const auto found = std::find(names.begin(), names.end(), text);
        if (found == names.end()) refuse_state();
        value = static_cast<Value>(found - names.begin());
    }

  private:
    const nlohmann::json &json_;
};

class StateWriter {
  public:
    template <typename Value>
    void operator()(const char *name, Value &value) {
        if constexpr (requires(StateWriter & inner) { fields(inner, value); }) {
            StateWriter inner;
            fields(inner, value);
            json_[name] = std::move(inner.json_);
        } else {
            json_[name] = value;
        }
    }
    template <typename Value>
    void operator()(const char *name, std::optional<Value> &value) {
        if (value) (*this)(name, *value);
    }
    template <typename Key, typename Value>
    void operator()(const char *name, std::map<Key, Value> &value) {
        if (!value.empty()) json_[name] = value;
    }
    template <typename Value, std::size_t Count>
    void operator()(const char *name, Value &value, const std::array<const char *, Count> &names) {
        json_[name] = names[static_cast<std::size_t>(value)];
    }

    std::string text() const { return json_.dump(); }

  private:
    nlohmann::json json_ = nlohmann::json::object();
};

// The empty text is a state that has read nothing. Throws SyncError (object) for a text that write_text did not make.
template <typename State>
State read_text(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const auto json = nlohmann::json::parse(text);
        StateReader reader(json);
        fields(reader, state);
    } catch (const nlohmann::json::exception &) {
        refuse_state();
    }
    return state;
}

template <typename State>
std::string write_text(State state) {
    StateWriter writer;
    fields(writer, state);
    return writer.text();
}

}  // namespace xsell::connectors
