// Attio's view of the rows of apac: uuids, values in arrays, no modified date and no trace of what was deleted.
#pragma once
#include "dialect.hpp"

namespace xsell::simulator {

class Service;

extern const Dialect attio_dialect;
void mount_attio(httplib::Server &server, Service &service);

}  // namespace xsell::simulator
