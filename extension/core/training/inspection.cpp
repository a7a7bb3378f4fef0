#include "core/training/inspection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/metrics/binary.hpp"

namespace xsell::core {
namespace {

// Sorting every row for every feature would cost more than training; so many rows say it as well.
constexpr std::size_t enough_rows = 200000;

bool varies(const Matrix &matrix, std::size_t feature) {
    const float first = matrix.row(0)[feature];
    for (std::size_t i = 1; i < matrix.rows(); ++i) {
        const float value = matrix.row(i)[feature];
        if (value != first && !(std::isnan(value) && std::isnan(first))) {
            return true;
        }
    }
    return false;
}

void require_classes(const Matrix &matrix, const char *slice) {
    const std::size_t positives = matrix.positives();
    if (positives == 0) {
        throw Error(Kind::no_data, std::string("none of the ") + slice + " rows has the label 1: there is nothing to learn from",
                    "Look at xsell.training_set. Where the label is a win, take a longer horizon or wait for more history; "
                    "recommendations come from the heuristic until then.");
    }
    if (positives == matrix.rows()) {
        throw Error(Kind::no_data,
                    std::string("every one of the ") + slice + " rows has the label 1: there is nothing to tell apart");
    }
}

}  // namespace

void require_trainable(const Matrix &train, const Matrix &calibrate) {
    if (train.rows() == 0) {
        throw Error(Kind::no_data, "there are no training rows",
                    "Look at xsell.training_set: labels without features, or no customer that held anything at its times.");
    }
    if (calibrate.rows() == 0) {
        throw Error(Kind::no_data, "there are no calibration rows",
                    "Entities are kept apart for it by a hash; with few of them, let the label query say so in a column slice.");
    }
    bool any = false;
    for (std::size_t feature = 0; feature < train.features && !any; ++feature) {
        any = varies(train, feature);
    }
    if (!any) {
        throw Error(Kind::no_data, "every feature column is constant or NULL: there is nothing to learn from");
    }
    require_classes(train, "training");
    require_classes(calibrate, "calibration");
}

std::vector<Suspect> suspected_leaks(const Matrix &train, std::span<const std::string> names,
                                     const std::function<void()> &checkpoint, double limit) {
    const std::size_t stride = std::max<std::size_t>(1, train.rows() / enough_rows);
    std::vector<std::uint8_t> label;
    for (std::size_t i = 0; i < train.rows(); i += stride) {
        label.push_back(train.label[i] > 0);
    }
    std::vector<Suspect> suspects;
    std::vector<double> value(label.size());
    for (std::size_t feature = 0; feature < train.features; ++feature) {
        checkpoint();
        for (std::size_t i = 0; i < label.size(); ++i) {
            const float v = train.row(i * stride)[feature];
            value[i] = std::isnan(v) ? -std::numeric_limits<double>::infinity() : v;
        }
        const double area = auc(value, label);
        if (std::max(area, 1 - area) > limit) {
            suspects.push_back({names[feature], std::max(area, 1 - area)});
        }
    }
    return suspects;
}

}  // namespace xsell::core
