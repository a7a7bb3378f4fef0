// Public sets as training rows, for the bench of the search.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/training/matrix.hpp"

namespace bench {

using xsell::core::Matrix;

inline std::vector<std::string> split(const std::string &line) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
        if (c == ',') {
            fields.emplace_back();
        } else if (c != '\r') {
            fields.back() += c;
        }
    }
    return fields;
}

// Task A: who owns a caravan policy, by 85 features; rows are customers, of one time.
inline std::optional<Matrix> read_coil2000() {
    std::ifstream file("../shared/data/coil2000/train.csv");
    std::string line;
    if (!std::getline(file, line)) return {};
    Matrix matrix;
    matrix.features = split(line).size() - 2;
    while (std::getline(file, line)) {
        const std::vector<std::string> fields = split(line);
        for (std::size_t i = 1; i + 1 < fields.size(); ++i) matrix.values.push_back(std::stof(fields[i]));
        matrix.label.push_back(std::stof(fields.back()));
        matrix.weight.push_back(1);
    }
    return matrix;
}

struct Purchase {
    int day;
    std::string product;
    float revenue;
};

inline int day_of(const std::string &date) {  // days of 31-day months: only differences of weeks matter
    return std::stoi(date.substr(0, 4)) * 372 + std::stoi(date.substr(5, 2)) * 31 + std::stoi(date.substr(8, 2));
}

// Counts, revenue and breadth in windows before a day, and recency.
inline std::vector<float> features_at(const std::vector<Purchase> &purchases, int day) {
    std::vector<float> x;
    for (const int window : {31, 93, 1000}) {
        std::set<int> days;
        std::set<std::string> products;
        float lines = 0, revenue = 0;
        for (const Purchase &p : purchases) {
            if (p.day < day && p.day >= day - window) {
                days.insert(p.day);
                products.insert(p.product);
                ++lines;
                revenue += p.revenue;
            }
        }
        for (const float value : {static_cast<float>(days.size()), static_cast<float>(products.size()), lines, revenue})
            x.push_back(value);
    }
    int first = day, last = 0;
    for (const Purchase &p : purchases) {
        first = std::min(first, p.day);
        last = p.day < day ? std::max(last, p.day) : last;
    }
    x.push_back(static_cast<float>(day - first));
    x.push_back(static_cast<float>(day - last));
    return x;
}

// Whether an account buys, within a month, something that it never bought; as of the first day of eight months.
inline std::optional<Matrix> read_retail() {
    std::ifstream file("../shared/data/online_retail_2011/invoice_lines.csv");
    std::string line;
    if (!std::getline(file, line)) return {};
    std::map<std::int64_t, std::vector<Purchase>> accounts;
    while (std::getline(file, line)) {
        const std::vector<std::string> f = split(line);
        accounts[std::stoll(f[2])].push_back({day_of(f[1]), f[3], std::stof(f[4]) * std::stof(f[5])});
    }
    Matrix matrix;
    for (const auto &[account, purchases] : accounts) {
        for (int month = 4; month <= 11; ++month) {
            const int day = 2011 * 372 + month * 31 + 1;
            std::set<std::string> held;
            for (const Purchase &p : purchases) {
                if (p.day < day) held.insert(p.product);
            }
            if (held.empty()) continue;
            const bool bought = std::any_of(purchases.begin(), purchases.end(), [&](const Purchase &p) {
                return p.day >= day && p.day < day + 31 && !held.contains(p.product);
            });
            const std::vector<float> x = features_at(purchases, day);
            matrix.features = x.size();
            matrix.values.insert(matrix.values.end(), x.begin(), x.end());
            matrix.label.push_back(bought ? 1 : 0);
            matrix.weight.push_back(1);
            matrix.entity.push_back(account);
            matrix.time.push_back(month);
        }
    }
    return matrix;
}

}  // namespace bench
