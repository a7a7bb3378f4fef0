// Lines of deals. Zoho keeps no list of them: they are read with what carries them, a deal's products or the subform of a quote,
// sales order or invoice, and replaced as a whole whenever their carrier has changed.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"
#include "connectors/zoho/api.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::zoho {

struct LineSource {
    const char *setting;  // value of the option `lines`
    const char *module;   // whose Modified_Time tells of changed lines
    const char *subform;  // its field that holds the lines; "": the related list Products
    const char *deal;     // its field that names the deal
    std::span<const Field> fields;
};

std::span<const LineSource> line_sources();

inline constexpr int lines_page = 50;  // carriers of a page: each takes a request or two

// Parameters of the list of carriers.
std::string carrier_fields(const LineSource &source);
// Fields of the lines that a related list must be asked for.
void read_lines(Api &api, const LineSource &source, const std::vector<std::string_view> &carriers, const Mapper &mapper,
                const sync::Object &object, sync::Page &page);

}  // namespace xsell::connectors::zoho
