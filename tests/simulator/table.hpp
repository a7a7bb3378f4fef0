// One kind of record of one org: values as text in one arena, ids by position, and an index by (modified, id).
#pragma once
#include <initializer_list>
#include <utility>

#include "base.hpp"

namespace xsell::simulator {

enum class Kind { text, phone, email, number, boolean, time, reference };

struct Column {
    const char *name;
    Kind kind;
};

// The columns of an object as crm.sql names them; values are kept in this order.
struct Object {
    const char *name;
    std::vector<Column> columns;
    int column(std::string_view name) const;  // -1 when there is none
};
const Object &object_named(std::string_view name);
const std::vector<Object> &objects();

struct Row {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t merged_into = 0;  // position + 1 of the winner; 0: not merged
    Time modified = 0;
    Time visible = 0;  // when its transaction commits; later than modified for late commits
    Time deleted = 0;  // 0: live
};

inline constexpr std::uint64_t number_step = 14;

// How positions become ids: Salesforce ids are base 62 with a key prefix, HubSpot ids are numbers.
struct IdScheme {
    std::string prefix;      // Salesforce: key prefix and pod, 5 characters
    std::uint64_t base = 0;  // HubSpot: the id of position 0; ids are number_step apart
    std::string make(std::size_t position) const;
    std::optional<std::size_t> position(std::string_view id) const;
};

class Table {
  public:
    using Change = std::pair<int, std::string>;

    Table(const Object &object, IdScheme ids) : object_(&object), ids_(std::move(ids)) {}
    const Object &object() const { return *object_; }
    std::size_t size() const { return rows_.size(); }
    const Row &row(std::size_t position) const { return rows_[position]; }
    std::string id(std::size_t position) const { return ids_.make(position); }
    std::uint64_t number(std::size_t position) const { return ids_.base + number_step * position; }
    std::optional<std::size_t> find(std::string_view id) const;  // by 15 or 18 characters, or digits
    std::string_view value(std::size_t position, int column) const;
    std::string_view value(std::size_t position, std::string_view column) const {
        return value(position, object_->column(column));
    }
    std::vector<std::string_view> values(std::size_t position) const;
    bool visible(std::size_t position, Time now) const { return rows_[position].visible <= now; }
    bool live(std::size_t position, Time now) const { return visible(position, now) && rows_[position].deleted == 0; }

    // The values must not lie in this table: it may move while they are copied.
    std::size_t add(std::initializer_list<std::string_view> values, Time modified, Time visible = 0);
    void set(std::size_t position, std::initializer_list<Change> changes, Time modified);
    void set(std::size_t position, const std::vector<Change> &changes, Time modified);
    void touch(std::size_t position, Time modified);
    void remove(std::size_t position, Time at, bool bump, std::uint32_t merged_into = 0);
    void restore(std::size_t position, Time at);

    // Brings the index up to date after a batch of changes; true when there were any.
    bool settle();
    const std::vector<std::uint32_t> &by_modified() const { return index_; }

  private:
    const Object *object_;
    IdScheme ids_;
    std::string arena_;
    std::vector<Row> rows_;
    std::vector<std::uint32_t> index_;
    std::vector<std::uint32_t> changed_;
};

}  // namespace xsell::simulator
