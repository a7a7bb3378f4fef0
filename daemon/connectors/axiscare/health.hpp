// Parts what is kept of a record from what may be health data. Only what is listed is kept, and only where the value is of the
// kind that the field should hold: notes in a date, a text in place of an object, unknown fields all go aside.
#pragma once
#include <span>
#include <string>

#include <nlohmann/json.hpp>

namespace xsell::connectors::axiscare {

enum class Content { id, text, date, flag, email, phone };

// A field that is kept. The path is dotted; * stands for every element of an array.
struct Kept {
    const char *path;
    Content content;
};

struct Parted {
    nlohmann::json kept;   // null when nothing is kept
    nlohmann::json aside;  // everything else but social security numbers, which are nowhere; null when there is nothing
};

Parted part_health(nlohmann::json record, std::span<const Kept> kept);

}  // namespace xsell::connectors::axiscare
