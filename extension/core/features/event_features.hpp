// Features of streams of events by key, in one pass over the events in any order. A row has a key and columns; a column of times
// is a stream, and the columns that follow it are what is said of its events. What is asked for is named
// <column>_<measure>[_<days>].
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/features/codes.hpp"

namespace xsell::core {

enum class EventColumnKind { time, number, flag, label };

struct EventColumn {
    std::string name;
    EventColumnKind kind;
};

enum class Measure { count, sum, mean, least, most, share, distinct, first, last, recency, gap, gap_ratio, trend };

struct EventFeature {
    std::size_t column;
    Measure measure;
    int days;  // 0: ever
};

// Throws an error that says what there is, if the name is none.
EventFeature event_feature(std::string_view name, std::span<const EventColumn> columns);

// A value of a row: times (microseconds) and flags in integer, numbers in number, what is told apart in code.
struct EventValue {
    bool present;
    std::uint32_t code;
    std::int64_t integer;
    double number;
};

struct EventResult {
    enum { missing, integer, real, time } kind;
    std::int64_t whole;
    double number;
};

class EventFeatures {
  public:
    EventFeatures(std::vector<EventColumn> columns, const std::vector<EventFeature> &features, std::int64_t as_of,
                  MemoryBudget &budget);

    // Whether some feature counts the distinct values of a column; they are numbered by code().
    bool tells_apart(std::size_t column) const { return labels_[column] != nullptr; }
    std::uint32_t code(std::size_t column, std::int64_t value) { return labels_[column]->integers.of(value, budget_); }
    std::uint32_t code(std::size_t column, std::string_view value) { return labels_[column]->texts.of(value, budget_); }

    // An event of the n-th key, keys numbered from 0 as they come: row holds a value for each column. Times after as_of are not
    // seen.
    void add(std::size_t key, const EventValue *row);
    // Has the memory that add() will write to on its way while other things are done.
    void expect(std::size_t key) const {
        if (key < keys_) {
            const Line *from = lines(key);
            for (std::size_t line = 0; line < lines_; ++line) {
                __builtin_prefetch(from + line, 1);
            }
        }
    }
    std::size_t keys() const { return keys_; }
    EventResult result(std::size_t key, std::size_t feature) const;

  private:
    enum class Take : std::uint8_t { present, raised, sum, least, most, first, last, distinct };
    struct Step {
        Take take;
        std::uint16_t column;
        std::uint16_t slot;
        std::int64_t since;
    };
    struct alignas(64) Line {  // of the processor's cache: a key shares none with another
        std::uint64_t slots[8];
    };
    struct Stream {
        std::size_t column;  // its times; no_column: of no time, always counted
        std::vector<Step> steps;
    };
    struct Labels {
        Codes<std::int64_t> integers;
        Codes<std::string_view> texts;
    };
    struct Plan {  // the slots that a feature is made of
        Measure measure;
        EventColumnKind kind;
        std::size_t slot[3];
    };
    static constexpr std::size_t no_column = static_cast<std::size_t>(-1);
    static constexpr std::size_t chunk_keys = 1024;

    std::size_t slot(Take take, std::size_t column, int days);
    Plan plan(const EventFeature &feature);
    void take(std::uint64_t *state, std::size_t key, const Step &step, const EventValue &value);
    Line *lines(std::size_t key) const { return &chunks_[key / chunk_keys][key % chunk_keys * lines_]; }
    std::uint64_t *state(std::size_t key);

    MemoryBudget &budget_;
    std::vector<EventColumn> columns_;
    std::int64_t as_of_;
    std::vector<Stream> streams_;
    std::vector<Plan> plans_;
    std::vector<std::unique_ptr<Labels>> labels_;
    std::vector<std::uint64_t> blank_;                           // the state of a key without events
    std::vector<std::unique_ptr<Codes<std::int64_t>>> further_;  // by slot: pairs of key and label that bits have no place for
    std::size_t lines_ = 0;                                      // that a state takes
    std::vector<std::unique_ptr<Line[]>> chunks_;
    std::size_t keys_ = 0;
};

}  // namespace xsell::core
