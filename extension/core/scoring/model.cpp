#include "core/scoring/model.hpp"

#include <algorithm>
#include <cmath>

#include "core/scoring/bytes.hpp"

// Layout, little-endian: magic, version, members, calibration (slope, intercept, prior shift, interval half width); then per
// member its kind, its weight in the blend, its size and its bytes.
namespace xsell::core {

namespace {

constexpr std::uint32_t model_magic = 0x4d535821;  // "!XSM"
constexpr std::uint16_t model_version = 1;
constexpr std::uint32_t kind_forest = 1;

void check(const Calibration &calibration, Kind kind) {
    for (const double part :
         {calibration.slope, calibration.intercept, calibration.prior_shift, calibration.interval_half_width}) {
        if (!(std::fabs(part) <= 1e6)) throw Error(kind, "calibration of the model is out of range");
    }
    if (calibration.interval_half_width < 0) throw Error(kind, "interval of the model has a negative width");
}

}  // namespace

std::vector<std::byte> pack(const Ensemble &ensemble, const Calibration &calibration) {
    check(calibration, Kind::bad_argument);
    const std::vector<std::byte> forest = pack_forest(ensemble);
    ByteWriter out;
    out.put(model_magic);
    out.put(model_version);
    out.put(std::uint16_t{1});
    out.put(calibration.slope);
    out.put(calibration.intercept);
    out.put(calibration.prior_shift);
    out.put(calibration.interval_half_width);
    out.put(kind_forest);
    out.put(1.0);
    out.put(static_cast<std::uint64_t>(forest.size()));
    out.put_all(forest);
    return out.take();
}

Model::Model(std::unique_ptr<const Forest> forest, const Calibration &calibration)
    : forest_(std::move(forest)), calibration_(calibration) {}

std::unique_ptr<const Model> Model::load(std::span<const std::byte> blob, Kernel kernel) {
    ByteReader in(blob);
    if (in.get<std::uint32_t>() != model_magic) corrupt("it is no model");
    if (in.get<std::uint16_t>() != model_version) corrupt("it has an unknown version");
    if (in.get<std::uint16_t>() != 1) corrupt("it has an unknown number of members");
    Calibration calibration;
    calibration.slope = in.get<double>();
    calibration.intercept = in.get<double>();
    calibration.prior_shift = in.get<double>();
    calibration.interval_half_width = in.get<double>();
    check(calibration, Kind::corrupt_model);
    if (in.get<std::uint32_t>() != kind_forest) corrupt("it has a member of an unknown kind");
    if (in.get<double>() != 1.0) corrupt("the weights of its members do not add up");
    const std::span<const std::byte> member = in.get_all(in.get<std::uint64_t>());
    in.expect_end();
    return std::unique_ptr<const Model>(new Model(Forest::load(member, kernel), calibration));
}

Score Model::score(const float *x) const {
    const float m = margin(x);
    return {calibration_.probability(m), calibration_.low(m), calibration_.high(m), m};
}

void Model::probabilities(const float *x, std::size_t stride, std::size_t rows, double *out) const {
    float block[block_rows];
    for (std::size_t done = 0; done < rows; done += block_rows) {
        const std::size_t now = std::min(block_rows, rows - done);
        forest_->margins(x + done * stride, stride, now, block);
        for (std::size_t r = 0; r < now; ++r) out[done + r] = calibration_.probability(block[r]);
    }
}

Explanation Model::explain(const float *x) const {
    std::call_once(explainer_once_, [this] { explainer_ = std::make_unique<Explainer>(*forest_); });
    Explanation explanation{explainer_->base(), std::vector<double>(features())};
    explainer_->explain(x, explanation.contributions.data());
    return explanation;
}

std::size_t Model::bytes() const { return sizeof(*this) + forest_->bytes() + (explainer_ ? explainer_->bytes() : 0); }

}  // namespace xsell::core
