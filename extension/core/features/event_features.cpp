#include "core/features/event_features.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "core/math.hpp"

namespace xsell::core {
namespace {

constexpr std::int64_t microseconds_a_day = 86'400'000'000;
constexpr int longest_window = 36500;
constexpr int trend_days = 90, trend_whole = 365;
constexpr std::uint64_t nothing = 0xFFF8'0000'0000'05E1;  // of sums and extremes: a NaN that no arithmetic yields

struct Named {
    std::string_view name;
    Measure measure;
    bool time, number, flag, label;  // of which columns
    bool windows;
};
constexpr Named measures[] = {
    {"count", Measure::count, true, true, true, true, true},
    {"sum", Measure::sum, false, true, false, false, true},
    {"mean", Measure::mean, false, true, false, false, true},
    {"min", Measure::least, false, true, false, false, true},
    {"max", Measure::most, false, true, false, false, true},
    {"share", Measure::share, false, false, true, false, true},
    {"distinct", Measure::distinct, false, true, true, true, true},
    {"first", Measure::first, true, false, false, false, false},
    {"last", Measure::last, true, false, false, false, false},
    {"recency", Measure::recency, true, false, false, false, false},
    {"gap", Measure::gap, true, false, false, false, false},
    {"gap_ratio", Measure::gap_ratio, true, false, false, false, false},
    {"trend", Measure::trend, true, false, false, false, false},
};

bool applies(const Named &measure, EventColumnKind kind) {
    switch (kind) {
        case EventColumnKind::time: return measure.time;
        case EventColumnKind::number: return measure.number;
        case EventColumnKind::flag: return measure.flag;
        case EventColumnKind::label: return measure.label;
    }
    return false;
}

[[noreturn]] void refuse(std::string_view name, std::span<const EventColumn> columns) {
    std::string there;
    std::string by_days = "; a window needs a column of times before";
    for (const EventColumn &column : columns) {
        if (column.kind == EventColumnKind::time) {
            by_days = "; counts, sums, means, extremes, shares and distincts also by days: " + column.name + "_count_90";
        }
        for (const Named &measure : measures) {
            if (applies(measure, column.kind)) {
                there += (there.empty() ? "" : ", ") + column.name + '_' + std::string(measure.name);
            }
        }
    }
    throw Error(Kind::bad_argument, "there is no feature \"" + std::string(name) + '"', "There are " + there + by_days + '.');
}

// The days of "_90"; 0 of "", -1 of anything else.
int window(std::string_view rest) {
    if (rest.empty()) {
        return 0;
    }
    int days = -1;
    const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), days);
    return rest[0] == '_' && error == std::errc{} && end == rest.data() + rest.size() && days >= 1 && days <= longest_window
               ? days
               : -1;
}

double days_between(std::int64_t from, std::int64_t to) {
    // Apart in doubles: the difference of two times may be more than an integer holds.
    return (static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(microseconds_a_day);
}

}  // namespace

EventFeature event_feature(std::string_view name, std::span<const EventColumn> columns) {
    bool timed = false;
    const EventColumn *found = nullptr;
    EventFeature feature{};
    for (std::size_t c = 0; c < columns.size(); ++c) {
        timed = timed || columns[c].kind == EventColumnKind::time;
        const std::string &column = columns[c].name;
        if (!name.starts_with(column + '_') || (found != nullptr && found->name.size() > column.size())) {
            continue;
        }
        for (const Named &measure : measures) {
            const std::string_view said = name.substr(column.size() + 1);
            const int days = said.starts_with(measure.name) ? window(said.substr(measure.name.size())) : -1;
            if (applies(measure, columns[c].kind) && (days == 0 || (days > 0 && measure.windows && timed))) {
                found = &columns[c];
                feature = {c, measure.measure, days};
            }
        }
    }
    if (found == nullptr) {
        refuse(name, columns);
    }
    return feature;
}

EventFeatures::EventFeatures(std::vector<EventColumn> columns, const std::vector<EventFeature> &features, std::int64_t as_of,
                             MemoryBudget &budget)
    : budget_(budget), columns_(std::move(columns)), as_of_(as_of), labels_(columns_.size()) {
    streams_.push_back({no_column, {}});
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (columns_[c].kind == EventColumnKind::time) {
            streams_.push_back({c, {}});
        }
    }
    for (const EventFeature &feature : features) {
        if (feature.measure == Measure::distinct && labels_[feature.column] == nullptr) {
            labels_[feature.column] = std::make_unique<Labels>();
        }
        plans_.push_back(plan(feature));
    }
    lines_ = std::max<std::size_t>(1, (blank_.size() + 7) / 8);
    std::erase_if(streams_, [](const Stream &stream) { return stream.steps.empty(); });
}

// Where something of a column is gathered; features that need the same share it.
std::size_t EventFeatures::slot(Take take, std::size_t column, int days) {
    const std::int64_t since = days == 0 ? std::numeric_limits<std::int64_t>::min() : as_of_ - days * microseconds_a_day;
    Stream *stream = &streams_[0];
    for (Stream &s : streams_) {
        if (s.column != no_column && s.column <= column) {
            stream = &s;
        }
    }
    for (const Step &step : stream->steps) {
        if (step.take == take && step.column == column && step.since == since) {
            return step.slot;
        }
    }
    const std::size_t slot = blank_.size();
    if (slot + 2 > std::numeric_limits<std::uint16_t>::max()) {
        throw Error(Kind::bad_argument, "too many features");
    }
    const bool valued = take == Take::sum || take == Take::least || take == Take::most;
    blank_.push_back(valued ? nothing : 0);
    if (take == Take::first || take == Take::last) {
        blank_[slot] = static_cast<std::uint64_t>(take == Take::first ? std::numeric_limits<std::int64_t>::max()
                                                                      : std::numeric_limits<std::int64_t>::min());
    }
    further_.resize(slot + 1);
    if (take == Take::distinct) {  // 64 labels as bits, the number of further ones beside
        blank_.push_back(0);
        further_[slot] = std::make_unique<Codes<std::int64_t>>();
    }
    stream->steps.push_back({take, static_cast<std::uint16_t>(column), static_cast<std::uint16_t>(slot), since});
    return slot;
}

EventFeatures::Plan EventFeatures::plan(const EventFeature &feature) {
    const std::size_t c = feature.column;
    const EventColumnKind kind = columns_[c].kind;
    Plan plan{feature.measure, kind, {}};
    const Take counted = kind == EventColumnKind::flag ? Take::raised : Take::present;
    switch (feature.measure) {
        case Measure::count: plan.slot[0] = slot(counted, c, feature.days); break;
        case Measure::sum: plan.slot[0] = slot(Take::sum, c, feature.days); break;
        case Measure::least: plan.slot[0] = slot(Take::least, c, feature.days); break;
        case Measure::most: plan.slot[0] = slot(Take::most, c, feature.days); break;
        case Measure::distinct: plan.slot[0] = slot(Take::distinct, c, feature.days); break;
        case Measure::first: plan.slot[0] = slot(Take::first, c, 0); break;
        case Measure::last:
        case Measure::recency: plan.slot[0] = slot(Take::last, c, 0); break;
        case Measure::mean:
        case Measure::share:
            plan.slot[0] = slot(kind == EventColumnKind::flag ? Take::raised : Take::sum, c, feature.days);
            plan.slot[1] = slot(Take::present, c, feature.days);
            break;
        case Measure::gap:
        case Measure::gap_ratio:
            plan.slot[0] = slot(Take::first, c, 0);
            plan.slot[1] = slot(Take::last, c, 0);
            plan.slot[2] = slot(Take::present, c, 0);
            break;
        case Measure::trend:
            plan.slot[0] = slot(Take::present, c, trend_days);
            plan.slot[1] = slot(Take::present, c, trend_whole);
            break;
    }
    return plan;
}

std::uint64_t *EventFeatures::state(std::size_t key) {
    while (key >= keys_) {
        if (keys_ % chunk_keys == 0) {
            budget_.take(chunk_keys * lines_ * sizeof(Line));
            chunks_.push_back(std::make_unique<Line[]>(chunk_keys * lines_));
        }
        std::copy(blank_.begin(), blank_.end(), reinterpret_cast<std::uint64_t *>(lines(keys_)));
        ++keys_;
    }
    return reinterpret_cast<std::uint64_t *>(lines(key));
}

void EventFeatures::take(std::uint64_t *state, std::size_t key, const Step &step, const EventValue &value) {
    std::uint64_t &to = state[step.slot];
    const auto had = std::bit_cast<double>(to);
    switch (step.take) {
        case Take::present:
        case Take::raised: break;  // in add()
        case Take::sum: to = std::bit_cast<std::uint64_t>(to == nothing ? value.number : had + value.number); break;
        // As SQL orders them: NaN is above every number.
        case Take::least:
            if (to == nothing || value.number < had || (had != had && value.number == value.number)) {
                to = std::bit_cast<std::uint64_t>(value.number);
            }
            break;
        case Take::most:
            if (to == nothing || value.number > had || (value.number != value.number)) {
                to = std::bit_cast<std::uint64_t>(value.number);
            }
            break;
        case Take::first: to = static_cast<std::uint64_t>(std::min(static_cast<std::int64_t>(to), value.integer)); break;
        case Take::last: to = static_cast<std::uint64_t>(std::max(static_cast<std::int64_t>(to), value.integer)); break;
        case Take::distinct:
            if (value.code < 64) {
                to |= std::uint64_t{1} << value.code;
            } else {
                Codes<std::int64_t> &pairs = *further_[step.slot];
                const std::size_t before = pairs.size();
                pairs.of(static_cast<std::int64_t>(key << 32 | value.code), budget_);
                state[step.slot + 1] += pairs.size() - before;
            }
            break;
    }
}

void EventFeatures::add(std::size_t key, const EventValue *row) {
    std::uint64_t *to = state(key);
    for (const Stream &stream : streams_) {
        std::int64_t at = 0;
        if (stream.column != no_column) {
            at = row[stream.column].integer;
            if (!row[stream.column].present || at > as_of_) {
                continue;
            }
        }
        for (const Step &step : stream.steps) {
            const EventValue &value = row[step.column];
            const bool counts = at >= step.since && value.present;
            // Nobody can foretell which window an event falls into: what only counts does so without a branch.
            if (step.take == Take::present) {
                to[step.slot] += counts;
            } else if (step.take == Take::raised) {
                to[step.slot] += static_cast<std::uint64_t>(value.integer) & -static_cast<std::uint64_t>(counts);
            } else if (counts) {
                take(to, key, step, value);
            }
        }
    }
}

EventResult EventFeatures::result(std::size_t key, std::size_t feature) const {
    const Plan &plan = plans_[feature];
    const auto *from = reinterpret_cast<const std::uint64_t *>(lines(key));
    const std::uint64_t first = from[plan.slot[0]];
    const auto whole = [](std::uint64_t value) { return EventResult{EventResult::integer, static_cast<std::int64_t>(value), 0}; };
    const auto real = [](double value) { return EventResult{EventResult::real, 0, value}; };
    const EventResult none{EventResult::missing, 0, 0};
    const auto at = [&](int i) { return static_cast<std::int64_t>(from[plan.slot[i]]); };
    switch (plan.measure) {
        case Measure::count: return whole(first);
        case Measure::distinct: return whole(static_cast<std::uint64_t>(std::popcount(first)) + from[plan.slot[0] + 1]);
        case Measure::sum:
        case Measure::least:
        case Measure::most: return first == nothing ? none : real(std::bit_cast<double>(first));
        case Measure::mean: return first == nothing ? none : real(std::bit_cast<double>(first) / static_cast<double>(at(1)));
        case Measure::share: return at(1) == 0 ? none : real(static_cast<double>(at(0)) / static_cast<double>(at(1)));
        case Measure::first:
            return at(0) == std::numeric_limits<std::int64_t>::max() ? none : EventResult{EventResult::time, at(0), 0};
        case Measure::last:
            return at(0) == std::numeric_limits<std::int64_t>::min() ? none : EventResult{EventResult::time, at(0), 0};
        case Measure::recency:
            return at(0) == std::numeric_limits<std::int64_t>::min() ? none : real(days_between(at(0), as_of_));
        case Measure::gap:
        case Measure::gap_ratio: {
            if (at(2) < 2) {
                return none;
            }
            const double gap = days_between(at(0), at(1)) / static_cast<double>(at(2) - 1);
            if (plan.measure == Measure::gap) {
                return real(gap);
            }
            return gap > 0 ? real(days_between(at(1), as_of_) / gap) : none;
        }
        case Measure::trend: {
            const double rate = (static_cast<double>(at(0)) + 0.5) / trend_days;
            const double before = (static_cast<double>(at(1) - at(0)) + 0.5) / (trend_whole - trend_days);
            return at(1) > 0 ? real(log(rate / before)) : none;
        }
    }
    return none;
}

}  // namespace xsell::core
