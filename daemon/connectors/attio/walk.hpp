// Reading a list by offset while it changes. Pages overlap by a few rows: as long as one of the rows that were read last is found
// on the next page, nothing between has been missed. The API marks no end: a page that is shorter than those before it is the
// last one, and a short first page is only believed when the rows behind it were asked for in vain (a server that clamps the
// limit would otherwise look like one that has no more, and a sweep would delete the rest).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace xsell::connectors::attio {

struct Walk {
    std::int64_t offset = 0;        // of the page to be read
    std::int64_t full = 0;          // rows of a full page, as the server gives them; 0: nothing was read yet
    std::int64_t seen = 0;          // rows read, each once
    bool doubted = false;           // the first page was short
    bool went_back = false;         // the rows had moved so far that the page before is read again
    int backs = 0;                  // how often
    std::vector<std::string> tail;  // ids read last, in their order
};

// Takes the ids of a page; true when it was the last one. Throws SyncError (object) when the server repeats itself, (transient)
// when the rows keep moving.
bool advance(Walk &walk, const std::vector<std::string> &ids, std::int64_t limit, const std::string &what);

}  // namespace xsell::connectors::attio
