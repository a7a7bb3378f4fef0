// Exchange rates from a CSV file: currency, valid_from, rate.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace xsell::config {

// Empty when the rate is fine.
std::string rate_problem(const Rate &rate);

// Problems are appended: "rates.csv:7: rate: 'abc' is not a number".
std::vector<Rate> read_rates(const std::filesystem::path &file, std::vector<std::string> &problems);

}  // namespace xsell::config
