#include "core/scoring/encoding.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/scoring/bytes.hpp"

namespace xsell::core {

float CodeMap::operator()(float x) const {
    if (std::isnan(x)) return x;
    if (!(x >= 0 && x < static_cast<float>(value.size())) || x != std::floor(x)) return otherwise;
    return value[static_cast<std::size_t>(x)];
}

void check_encodings(std::span<const CodeMap> encodings, std::size_t features, Kind kind) {
    const auto refuse = [kind](const char *what) {
        if (kind == Kind::corrupt_model) corrupt(what);
        throw Error(kind, std::string("model cannot be stored: ") + what);
    };
    for (std::size_t i = 0; i < encodings.size(); ++i) {
        const CodeMap &map = encodings[i];
        if (map.feature >= features) refuse("it encodes a feature that does not exist");
        if (i > 0 && map.feature <= encodings[i - 1].feature) refuse("its encodings are out of order");
        if (map.value.size() > max_codes) refuse("an encoding has too many codes");
        const bool finite = std::all_of(map.value.begin(), map.value.end(), [](float v) { return std::isfinite(v); });
        if (!finite || !std::isfinite(map.otherwise)) refuse("an encoding has a value that is not finite");
    }
}

}  // namespace xsell::core
