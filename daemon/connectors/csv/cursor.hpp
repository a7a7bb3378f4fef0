// Walks through one file as one object, page by page: rows as they are, or what invoice lines add up to.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/csv/file.hpp"
#include "sync/host.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::csv {

enum class Kind {
    rows,        // a row is a record
    line_items,  // invoice lines as opportunity_line
    invoices,    // invoice lines as opportunity, one for each invoice number
    customers,   // invoice lines as account, where no file lists the accounts
    articles,    // invoice lines as product, where no file lists the products
    buyers,      // deals as account, where no file lists the accounts
};

struct Source {
    const File *file = nullptr;
    Kind kind = Kind::rows;
};

struct Context {
    sync::Object object;
    std::vector<std::string> attributes;  // headers to keep in attributes
    std::int64_t file_time = 0;           // microseconds: modified_at of rows that have none
    std::shared_ptr<sync::Host> host;     // asked now and then whether to stop; none: never
};

// Where an earlier cursor over the same bytes ended.
struct Place {
    std::uint64_t offset = 0;
    std::int64_t line = 0;  // 0: not known
    std::int64_t rows = 0;
};

class Cursor {
  public:
    virtual ~Cursor() = default;
    // Appends up to `limit` records and rejects; false when the end was reached.
    virtual bool read(sync::Page &page, std::size_t limit) = 0;
    virtual Place place() const = 0;  // where the next read begins; rows: read so far, the rejected ones included
};

// A cursor at a place; offset 0: the beginning. What came before is gone through again as far as it must be known: ids that were
// seen (of a file of records the first half a million, so that memory stays flat) and lines that were counted. The context must
// outlive the cursor.
std::unique_ptr<Cursor> open_cursor(const Source &source, const Context &context, const Place &place);

}  // namespace xsell::connectors::csv
