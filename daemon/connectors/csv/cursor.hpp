// Walks through one file as one object, page by page: rows as they are, or what invoice lines add up to.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/csv/file.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::csv {

enum class Kind {
    rows,        // a row is a record
    line_items,  // invoice lines as opportunity_line
    invoices,    // invoice lines as opportunity, one for each invoice number
    customers,   // invoice lines as account, where no file lists the accounts
    articles,    // invoice lines as product, where no file lists the products
};

struct Source {
    const File *file = nullptr;
    Kind kind = Kind::rows;
};

struct Context {
    sync::Object object;
    std::vector<std::string> attributes;  // headers to keep in attributes
    std::int64_t file_time = 0;           // microseconds: modified_at of rows that have none
};

class Cursor {
  public:
    virtual ~Cursor() = default;
    // Appends up to `limit` records and rejects; false when the end was reached.
    virtual bool read(sync::Page &page, std::size_t limit) = 0;
    virtual std::uint64_t offset() const = 0;  // where the next read begins
    virtual std::int64_t rows() const = 0;     // read so far, the rejected ones included
};

// A cursor at `offset` (of an earlier cursor over the same bytes; 0: the beginning). What came before is gone through again,
// because ids that were seen and lines that were counted must be known. The context must outlive the cursor.
std::unique_ptr<Cursor> open_cursor(const Source &source, const Context &context, std::uint64_t offset);

}  // namespace xsell::connectors::csv
