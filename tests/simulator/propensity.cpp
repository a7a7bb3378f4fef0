#include "propensity.hpp"

namespace xsell::simulator {
namespace {

using Table = std::vector<std::vector<double>>;

Table filled(const World &world, double value) {
    return Table(world.companies.size(), std::vector<double>(org_count * world.products.size(), value));
}

}  // namespace

std::vector<Propensity> propensities(const WorldOptions &options, Time from, Time ahead, std::size_t futures) {
    const World past(options, from);
    Table sum = filled(past, 0);
    for (std::size_t n = 0; n < futures; n++) {
        Expectation expectation{from, from + ahead, filled(past, 1)};
        World future = past;
        future.continue_from(from, options.seed * 1000003 + n, expectation);
        future.simulate(from + ahead);
        for (std::size_t c = 0; c < sum.size(); c++) {
            for (std::size_t p = 0; p < sum[c].size(); p++) sum[c][p] += 1 - expectation.missed[c][p];
        }
    }
    std::vector<Propensity> result;
    const std::size_t products = past.products.size();
    for (std::size_t c = 0; c < sum.size(); c++) {
        for (std::size_t p = 0; p < sum[c].size(); p++) {
            if (sum[c][p] > 0) result.push_back({c, p / products, p % products, sum[c][p] / static_cast<double>(futures)});
        }
    }
    return result;
}

}  // namespace xsell::simulator
