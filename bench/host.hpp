// What every bench prints: one JSON object a line, with the processor it was measured on.
#pragma once
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bench {

struct Row {
    std::string name;
    double ours, peer;
    std::string peer_name, unit;
    double ratio;  // how many times better we are: the median of the rounds' ratios
    int runs;
};

inline double middle(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Model and the widest instruction set that the kernels can use here.
inline std::string processor() {
    std::ifstream info("/proc/cpuinfo");
    std::string line, model = "unknown";
    bool vbmi = false, avx2 = false;
    while (std::getline(info, line)) {
        if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
        vbmi = vbmi || line.find("avx512_vbmi") != std::string::npos || line.find("avx512vbmi") != std::string::npos;
        avx2 = avx2 || line.find(" avx2") != std::string::npos;
    }
    return model + (vbmi ? ", AVX-512 VBMI" : avx2 ? ", AVX2" : ", x86-64");
}

inline void print_row(const Row &row) {
    const nlohmann::json out = {{"name", row.name}, {"ours", row.ours},   {"peer", row.peer}, {"peer_name", row.peer_name},
                                {"unit", row.unit}, {"ratio", row.ratio}, {"runs", row.runs}, {"cpu", processor()}};
    std::printf("%s\n", out.dump().c_str());
}

}  // namespace bench
