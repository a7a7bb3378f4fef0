// Synthetic records of any number, for load tests: GET /scaling/v1/{object}?page=N&per_page=M&modified_since=T&revision=R
#pragma once
#include <cstdint>

namespace httplib {
class Server;
}
namespace CLI {
class App;
}

namespace xsell::simulator {

class Service;

struct ScalingOptions {
    std::uint64_t records = 0, seed = 1;
};
void declare_scaling(CLI::App &app, ScalingOptions &options);

// Also POST /_sim/scaling: {"changed": K} gives K records new values as of the world's clock and answers {"revision": R};
// {"fault": {"kind": "429", "count": 3, "every": 5, "retry_after": 1}} makes requests fail (429, 500, cut, truncate; none ends
// it).
void mount_scaling(httplib::Server &server, Service &service, const ScalingOptions &options);

}  // namespace xsell::simulator
