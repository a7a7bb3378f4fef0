#include "core/scoring/model.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

#include "core/math.hpp"
#include "core/scoring/blend.hpp"
#include "core/scoring/bytes.hpp"
#include "core/scoring/network.hpp"
#include "core/scoring/path_explain.hpp"

// Layout, little-endian: magic, version, members, features, blend, intercept; calibration (slope, intercept, prior shift,
// interval half width, number of knots, the knots); in version 3 the encodings (how many; for each its feature, what stands for
// unknown codes, number of codes, what stands for them); then per member its kind, its weight in the blend, its size and its
// bytes. A model without encodings is of version 2.
namespace xsell::core {

namespace {

constexpr std::uint32_t model_magic = 0x4d535821;  // "!XSM"
constexpr std::uint16_t plain_version = 2, encoding_version = 3;
constexpr std::size_t max_members = member_kinds.size();

std::vector<double> weights_of(const ModelDescription &model) {
    std::vector<double> weights;
    for (const Member &member : model.members) weights.push_back(member.weight);
    return weights;
}

std::size_t features_of(const Member &member) {
    return std::visit([](const auto &learned) { return learned.features; }, member.learned);
}

void check(const ModelDescription &model) {
    const auto refuse = [](const char *what) { throw Error(Kind::bad_argument, std::string("model cannot be stored: ") + what); };
    if (model.members.empty()) refuse("it has no member");
    for (std::size_t i = 0; i < model.members.size(); ++i) {
        const Member &member = model.members[i];
        if (i > 0 && member.kind <= model.members[i - 1].kind) refuse("its members are out of order");
        if (features_of(member) != model.features) refuse("its members differ in their number of features");
        if ((member.kind == MemberKind::neural_network) != std::holds_alternative<Network>(member.learned))
            refuse("a member is not of the kind it says");
    }
    check_blend(model.blend, model.intercept, weights_of(model), Kind::bad_argument);
    check_calibration(model.calibration, Kind::bad_argument);
    check_encodings(model.encodings, model.features, Kind::bad_argument);
}

void put(ByteWriter &out, const Calibration &calibration) {
    for (const double part : {calibration.slope, calibration.intercept, calibration.prior_shift, calibration.interval_half_width})
        out.put(part);
    out.put(static_cast<std::uint32_t>(calibration.knots.size()));
    for (const Knot &knot : calibration.knots) {
        out.put(knot.margin);
        out.put(knot.log_odds);
    }
}

Calibration read_calibration(ByteReader &in) {
    Calibration calibration;
    for (double *part : {&calibration.slope, &calibration.intercept, &calibration.prior_shift, &calibration.interval_half_width})
        *part = in.get<double>();
    const auto knots = in.get<std::uint32_t>();
    in.expect(knots, sizeof(Knot));
    calibration.knots.resize(knots);
    for (Knot &knot : calibration.knots) {
        knot.margin = in.get<double>();
        knot.log_odds = in.get<double>();
    }
    check_calibration(calibration, Kind::corrupt_model);
    return calibration;
}

void put(ByteWriter &out, const std::vector<CodeMap> &encodings) {
    out.put(static_cast<std::uint32_t>(encodings.size()));
    for (const CodeMap &map : encodings) {
        out.put(static_cast<std::uint32_t>(map.feature));
        out.put(map.otherwise);
        out.put(static_cast<std::uint32_t>(map.value.size()));
        for (const float value : map.value) out.put(value);
    }
}

std::vector<CodeMap> read_encodings(ByteReader &in, std::size_t features) {
    const auto count = in.get<std::uint32_t>();
    if (count == 0) corrupt("it has no encodings");
    in.expect(count, 2 * sizeof(std::uint32_t) + sizeof(float));
    std::vector<CodeMap> encodings(count);
    for (CodeMap &map : encodings) {
        map.feature = in.get<std::uint32_t>();
        map.otherwise = in.get<float>();
        const auto codes = in.get<std::uint32_t>();
        in.expect(codes, sizeof(float));
        map.value.resize(codes);
        for (float &value : map.value) value = in.get<float>();
    }
    check_encodings(encodings, features, Kind::corrupt_model);
    return encodings;
}

}  // namespace

// Rows as the members see them: the caller's own where nothing is encoded, else a copy.
struct EncodedRows {
    std::vector<float> copy;
    const float *x;
    std::size_t stride;
};

// What a model asks of a member, whatever it is made of.
class MemberModel {
  public:
    virtual ~MemberModel() = default;
    virtual std::size_t features() const = 0;
    virtual float margin(const float *x) const = 0;
    virtual void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const = 0;
    virtual Explanation explain(const float *x, Attribution how) const = 0;
    virtual const Forest *forest() const { return nullptr; }
    virtual std::size_t bytes() const = 0;
    virtual std::size_t explainer_bytes() const { return 0; }
};

namespace {

class TreeMember final : public MemberModel {
  public:
    TreeMember(std::span<const std::byte> blob, Kernel kernel) : forest_(Forest::load(blob)) {
        if (kernel == Kernel::automatic || kernel == forest_->kernel()) return;
        forest_ = Forest::load(blob, forest_->fits(kernel) ? kernel : Kernel::walker);
    }
    std::size_t features() const override { return forest_->features(); }
    float margin(const float *x) const override { return forest_->margin(x); }
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        forest_->margins(x, stride, rows, out);
    }
    Explanation explain(const float *x, Attribution how) const override {
        if (how == Attribution::path) return attribute(path_once_, path_explainer_, x);
        return attribute(once_, explainer_, x);
    }
    const Forest *forest() const override { return forest_.get(); }
    std::size_t bytes() const override {
        return sizeof(*this) + forest_->bytes() + (explainer_ ? explainer_->bytes() : 0) +
               (path_explainer_ ? path_explainer_->bytes() : 0);
    }
    std::size_t explainer_bytes() const override { return Explainer::bytes_for(*forest_); }

  private:
    template <class T>
    Explanation attribute(std::once_flag &once, std::unique_ptr<const T> &explainer, const float *x) const {
        std::call_once(once, [&] { explainer = std::make_unique<T>(*forest_); });
        Explanation explanation{explainer->base(), std::vector<double>(features())};
        explainer->explain(x, explanation.contributions.data());
        return explanation;
    }

    std::unique_ptr<const Forest> forest_;
    mutable std::once_flag once_, path_once_;
    mutable std::unique_ptr<const Explainer> explainer_;
    mutable std::unique_ptr<const PathExplainer> path_explainer_;
};

class NetworkMember final : public MemberModel {
  public:
    NetworkMember(std::span<const std::byte> blob, Kernel kernel) : network_(Perceptron::load(blob, kernel)) {}
    std::size_t features() const override { return network_->features(); }
    float margin(const float *x) const override { return network_->margin(x); }
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        network_->margins(x, stride, rows, out);
    }
    Explanation explain(const float *x, Attribution) const override { return network_->explain(x); }
    std::size_t bytes() const override { return sizeof(*this) + network_->bytes(); }

  private:
    std::unique_ptr<const Perceptron> network_;
};

std::unique_ptr<const MemberModel> load_member(MemberKind kind, std::span<const std::byte> blob, Kernel kernel) {
    if (kind == MemberKind::neural_network) return std::make_unique<NetworkMember>(blob, kernel);
    return std::make_unique<TreeMember>(blob, kernel);
}

}  // namespace

std::vector<std::byte> pack(const ModelDescription &model) {
    check(model);
    ByteWriter out;
    out.put(model_magic);
    out.put(model.encodings.empty() ? plain_version : encoding_version);
    out.put(static_cast<std::uint16_t>(model.members.size()));
    out.put(static_cast<std::uint32_t>(model.features));
    out.put(static_cast<std::uint32_t>(model.blend));
    out.put(model.intercept);
    put(out, model.calibration);
    if (!model.encodings.empty()) put(out, model.encodings);
    for (const Member &member : model.members) {
        const Network *network = std::get_if<Network>(&member.learned);
        const std::vector<std::byte> bytes = network ? pack_network(*network) : pack_forest(std::get<Ensemble>(member.learned));
        out.put(static_cast<std::uint32_t>(member.kind));
        out.put(member.weight);
        out.put(static_cast<std::uint64_t>(bytes.size()));
        out.put_all(bytes);
    }
    return out.take();
}

Model::Model() = default;
Model::~Model() = default;

std::unique_ptr<const Model> Model::load(std::span<const std::byte> blob, Kernel kernel) {
    ByteReader in(blob);
    if (in.get<std::uint32_t>() != model_magic) corrupt("it is no model");
    const auto version = in.get<std::uint16_t>();
    if (version != plain_version && version != encoding_version) corrupt("it has an unknown version");
    const auto members = in.get<std::uint16_t>();
    if (members == 0 || members > max_members) corrupt("it has an unknown number of members");
    std::unique_ptr<Model> model(new Model);
    model->features_ = in.get<std::uint32_t>();
    model->blend_ = static_cast<Blend>(in.get<std::uint32_t>());
    model->intercept_ = in.get<double>();
    model->calibration_ = read_calibration(in);
    if (version == encoding_version) model->encodings_ = read_encodings(in, model->features_);
    for (std::uint16_t i = 0; i < members; ++i) {
        const auto kind = in.get<std::uint32_t>();
        if (kind < 1 || kind > max_members) corrupt("it has a member of an unknown kind");
        if (i > 0 && kind <= static_cast<std::uint32_t>(model->kinds_.back())) corrupt("its members are out of order");
        model->kinds_.push_back(static_cast<MemberKind>(kind));
        model->weights_.push_back(in.get<double>());
        const std::span<const std::byte> bytes = in.get_all(in.get<std::uint64_t>());
        model->scorers_.push_back(load_member(model->kinds_.back(), bytes, kernel));
        if (model->scorers_.back()->features() != model->features_) corrupt("its members differ in their number of features");
    }
    in.expect_end();
    check_blend(model->blend_, model->intercept_, model->weights_, Kind::corrupt_model);
    return model;
}

const Forest *Model::forest(std::size_t i) const { return scorers_[i]->forest(); }

float Model::blended(const float *margin) const {
    return blend_margins(blend_, intercept_, weights_, std::span(margin, members()));
}

EncodedRows Model::encoded(const float *x, std::size_t stride, std::size_t rows) const {
    if (encodings_.empty()) return {{}, x, stride};
    EncodedRows result{std::vector<float>(rows * features_), nullptr, features_};
    for (std::size_t r = 0; r < rows; ++r) {
        float *row = result.copy.data() + r * features_;
        std::copy_n(x + r * stride, features_, row);
        for (const CodeMap &map : encodings_) row[map.feature] = map(row[map.feature]);
    }
    result.x = result.copy.data();
    return result;
}

float Model::member_margin(std::size_t i, const float *x) const {
    const EncodedRows row = encoded(x, features_, 1);
    return scorers_[i]->margin(row.x);
}

float Model::margin(const float *x) const {
    const EncodedRows row = encoded(x, features_, 1);
    float margin[max_members];
    for (std::size_t i = 0; i < members(); ++i) margin[i] = scorers_[i]->margin(row.x);
    return blended(margin);
}

Score Model::score(const float *x) const {
    const EncodedRows row = encoded(x, features_, 1);
    float margin[max_members];
    Score score{};
    score.member.fill(std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < members(); ++i) {
        margin[i] = scorers_[i]->margin(row.x);
        score.member[static_cast<std::size_t>(kinds_[i]) - 1] = sigmoid(margin[i]);
    }
    score.margin = blended(margin);
    score.raw = sigmoid(score.margin);
    score.probability = calibration_.probability(score.margin);
    score.low = calibration_.low(score.margin);
    score.high = calibration_.high(score.margin);
    return score;
}

void Model::margins(const float *x, std::size_t stride, std::size_t rows, float *out) const {
    float block[max_members][block_rows];
    for (std::size_t done = 0; done < rows; done += block_rows) {
        const std::size_t now = std::min(block_rows, rows - done);
        const EncodedRows seen = encoded(x + done * stride, stride, now);
        for (std::size_t i = 0; i < members(); ++i) scorers_[i]->margins(seen.x, seen.stride, now, block[i]);
        for (std::size_t r = 0; r < now; ++r) {
            float margin[max_members];
            for (std::size_t i = 0; i < members(); ++i) margin[i] = block[i][r];
            out[done + r] = blended(margin);
        }
    }
}

void Model::probabilities(const float *x, std::size_t stride, std::size_t rows, double *out) const {
    float block[block_rows];
    for (std::size_t done = 0; done < rows; done += block_rows) {
        const std::size_t now = std::min(block_rows, rows - done);
        margins(x + done * stride, stride, now, block);
        for (std::size_t r = 0; r < now; ++r) out[done + r] = calibration_.probability(block[r]);
    }
}

Explanation Model::explain_encoded(std::size_t i, const float *x, Attribution how) const {
    Explanation explanation = scorers_[i]->explain(x, how);
    close_gap(explanation, scorers_[i]->margin(x));
    return explanation;
}

Explanation Model::explain_member(std::size_t i, const float *x) const {
    const EncodedRows row = encoded(x, features_, 1);
    return explain_encoded(i, row.x, Attribution::shapley);
}

Explanation Model::explain(const float *x, Attribution how) const {
    const EncodedRows row = encoded(x, features_, 1);
    std::vector<Explanation> explanation;
    float margin[max_members];
    for (std::size_t i = 0; i < members(); ++i) {
        explanation.push_back(explain_encoded(i, row.x, how));
        margin[i] = scorers_[i]->margin(row.x);
    }
    return blend_explanations(blend_, intercept_, weights_, std::span(margin, members()), explanation);
}

std::size_t Model::bytes() const {
    std::size_t sum = sizeof(*this) + members() * (sizeof(MemberKind) + sizeof(double) + sizeof(void *)) +
                      calibration_.knots.capacity() * sizeof(Knot) + encodings_.capacity() * sizeof(CodeMap);
    for (const CodeMap &map : encodings_) sum += map.value.capacity() * sizeof(float);
    for (const auto &scorer : scorers_) sum += scorer->bytes();
    return sum;
}

std::size_t Model::explainer_bytes() const {
    std::size_t sum = 0;
    for (const auto &scorer : scorers_) sum += scorer->explainer_bytes();
    return sum;
}

}  // namespace xsell::core
