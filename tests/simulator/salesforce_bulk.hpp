// Salesforce's Bulk API 2.0: query jobs.
#pragma once
#include "service.hpp"

namespace xsell::simulator {

void mount_bulk(httplib::Server &server, Service &service);

}  // namespace xsell::simulator
