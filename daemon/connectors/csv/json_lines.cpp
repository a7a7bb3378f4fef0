#include "connectors/csv/json_lines.hpp"

#include <simdjson.h>

#include <algorithm>

#include "sync/text.hpp"

namespace xsell::connectors::csv {
namespace {

namespace od = simdjson::ondemand;

constexpr std::size_t chunk = 1 << 18;
constexpr std::size_t header_limit = 2000;  // names: an object whose names are ids has no header
constexpr int depth_limit = 8;

// Calls `leaf(name, value)` for each member that is no object itself, and for objects nested too deep.
template <class Leaf>
void walk(od::object object, const std::string &prefix, int depth, const Leaf &leaf) {
    for (auto field : object) {
        const std::string name = prefix + std::string(std::string_view(field.unescaped_key()));
        od::value value = field.value();
        if (value.type() == od::json_type::object && depth < depth_limit)
            walk(value.get_object(), name + '.', depth + 1, leaf);
        else
            leaf(name, value);
    }
}

std::string text_of(od::value value) {
    switch (value.type().value()) {
        case od::json_type::string: return std::string(std::string_view(value.get_string()));
        case od::json_type::null: return "";
        case od::json_type::array: {
            od::array array = value.get_array();
            return std::string(std::string_view(array.raw_json()));
        }
        case od::json_type::object: {
            od::object object = value.get_object();
            return std::string(std::string_view(object.raw_json()));
        }
        default: return std::string(sync::trim(value.raw_json_token()));  // a number keeps its digits
    }
}

}  // namespace

std::vector<std::string> json_header(std::string_view text) {
    std::vector<std::string> names;
    std::unordered_map<std::string, bool> seen;
    od::parser parser;
    for (std::size_t from = 0, end = text.find('\n'); end != text.npos; from = end + 1, end = text.find('\n', from)) {
        const simdjson::padded_string line(sync::clean_json(text.substr(from, end - from)).text);
        try {
            od::document document = parser.iterate(line);
            walk(document.get_object(), "", 0, [&](const std::string &name, od::value) {
                if (names.size() < header_limit && seen.emplace(name, true).second) names.push_back(name);
            });
        } catch (const simdjson::simdjson_error &) {
            // The line is rejected when it is read.
        }
    }
    return names;
}

struct JsonLines::Parsers {
    simdjson::dom::parser checking;  // the whole line is looked at: what is stored must be JSON to its end
    od::parser reading;
};

JsonLines::JsonLines(Bytes bytes, const std::vector<std::string> &header)
    : bytes_(std::move(bytes)), values_(header.size()), parsers_(std::make_unique<Parsers>()) {
    for (std::size_t i = 0; i < header.size(); ++i) places_.emplace(header[i], i);
}

JsonLines::~JsonLines() = default;

void JsonLines::seek(std::uint64_t offset, std::int64_t line) {
    buffer_.clear();
    base_ = offset, position_ = 0, exhausted_ = false, line_ = line;
}

bool JsonLines::fill() {
    if (exhausted_) return false;
    buffer_.erase(0, position_);
    base_ += position_;
    position_ = 0;
    const std::size_t old = buffer_.size();
    buffer_.resize(old + chunk);
    const std::size_t got = bytes_(base_ + old, buffer_.data() + old, chunk);
    buffer_.resize(old + got);
    exhausted_ = got == 0;
    return got > 0;
}

// The next line into text_, at most row_limit of it; false at the end.
bool JsonLines::take_line(Row &row) {
    text_.clear();
    std::size_t length = 0;
    for (;;) {
        const std::size_t end = std::min(buffer_.find('\n', position_), buffer_.size());
        const std::size_t room = row_limit - std::min(row_limit, text_.size());
        text_.append(buffer_, position_, std::min(end - position_, room));
        length += end - position_;
        position_ = end;
        if (end < buffer_.size()) {
            ++position_;
            break;
        }
        if (!fill()) {
            if (length == 0) return false;
            break;
        }
    }
    row.line = line_++;
    if (length > row_limit) row.error = "the line is longer than 1 MB";
    return true;
}

void JsonLines::parse(Row &row) {
    if (!row.error.empty()) return;
    if (!sync::is_utf8(text_)) {
        row.error = "the line is not UTF-8";
        return;
    }
    auto cleaned = sync::clean_json(sync::trim(text_));
    json_ = std::move(cleaned.text);
    json_.reserve(json_.size() + simdjson::SIMDJSON_PADDING);
    simdjson::dom::object object;
    if (const auto error = parsers_->checking.parse(json_).get(object); error) {
        row.error = std::string("is no JSON object: ") + simdjson::error_message(error);
        return;
    }
    for (auto &value : values_) value.clear();
    try {
        od::document document =
            parsers_->reading.iterate(simdjson::padded_string_view(json_.data(), json_.size(), json_.capacity()));
        walk(document.get_object(), "", 0, [this](const std::string &name, od::value value) {
            if (const auto place = places_.find(name); place != places_.end()) values_[place->second] = text_of(value);
        });
    } catch (const simdjson::simdjson_error &error) {
        row.error = std::string("is no JSON object: ") + error.what();
        return;
    }
    row.fields.assign(values_.begin(), values_.end());
    row.json = json_;
    row.repaired = cleaned.repaired;
}

bool JsonLines::next(Row &row) {
    do {
        row = {};
        if (base_ + position_ == 0 && buffer_.empty() && fill() && buffer_.starts_with("\xEF\xBB\xBF")) position_ = 3;
        if (!take_line(row)) return false;
    } while (row.error.empty() && sync::trim(text_).empty());
    raw_ = sync::cut(text_, sync::payload_limit);
    row.raw = raw_;
    parse(row);
    return true;
}

}  // namespace xsell::connectors::csv
