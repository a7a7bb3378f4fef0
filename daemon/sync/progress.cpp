#include "sync/progress.hpp"

#include <algorithm>
#include <cmath>

namespace xsell::sync {
namespace {

// "38 s", "12 min", "3.4 h".
std::string duration(double seconds) {
    const auto whole = [](double value) { return std::to_string(static_cast<std::int64_t>(std::ceil(value))); };
    if (seconds < 120) return whole(seconds) + " s";
    if (seconds < 7200) return whole(seconds / 60) + " min";
    const auto tenths = static_cast<std::int64_t>(std::ceil(std::min(seconds, 1e9) / 360));
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " h";
}

}  // namespace

void Meter::total(std::int64_t run, std::int64_t records) {
    const std::lock_guard guard(mutex_);
    totals_[run] = records;
}

std::vector<Progress> Meter::due(const std::vector<RunReport> &reports, double now) {
    const std::lock_guard guard(mutex_);
    std::vector<Progress> out;
    for (const auto &report : reports) {
        if (report.object.empty() || (report.pages == 0 && !report.finished())) continue;  // it waits for its turn
        if (report.finished()) {
            totals_.erase(report.run);
            paces_.erase(report.run);
            continue;
        }
        const auto [at, fresh] = paces_.try_emplace(report.run, Pace{now, 0, report.counts.fetched});
        Pace &pace = at->second;
        if (fresh || now - pace.told < every_) continue;
        const double rate = static_cast<double>(report.counts.fetched - pace.fetched) / (now - pace.told);
        pace = {now, pace.rate > 0 ? (pace.rate + rate) / 2 : rate, report.counts.fetched};
        Progress &progress = out.emplace_back(Progress{report, pace.rate, std::nullopt, std::nullopt});
        const auto total = totals_.find(report.run);
        if (total == totals_.end() || total->second < report.counts.fetched) continue;
        progress.total = total->second;
        if (pace.rate > 0) progress.left = static_cast<double>(total->second - report.counts.fetched) / pace.rate;
    }
    return out;
}

std::string sentence(const Progress &progress) {
    const auto &c = progress.run.counts;
    std::string text = std::to_string(c.fetched) + (progress.total ? " of " + std::to_string(*progress.total) : "") + " read, " +
                       std::to_string(c.changed) + " changed, " + std::to_string(c.rejected) + " rejected, " +
                       std::to_string(static_cast<std::int64_t>(std::llround(progress.rate))) + "/s";
    if (progress.left) text += ", " + duration(*progress.left) + " left";
    return text;
}

}  // namespace xsell::sync
