#include "connectors/scaling_test/connector.hpp"

namespace xsell::connectors {

const char *const scaling_test_init_text =
    R"toml(# Synthetic records, for load tests: a fifth accounts, three tenths contacts, the rest opportunities.
[[org]]
id = "load"
connector = "scaling_test"
records = 100000                        # made in the process; or, with base_url, read over HTTP from the simulator:
# base_url = "http://127.0.0.1:8080"    # of a simulator that was started with --scaling-records
# seed = 1                              # the same seed makes the same records
# page_size = 2000
# lookback = "10m"
)toml";

const Traits scaling_test_traits = {
    "synthetic records, for load tests",
    "account, contact, opportunity",
    "numbered pages of a stable total, all at once",
    "modification date with lookback, as of one revision",
    "none: nothing is ever deleted",
};

}  // namespace xsell::connectors
