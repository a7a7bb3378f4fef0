// Tells the service manager how the service is doing; nothing happens where there is none.
#pragma once
#include <string>

namespace xsell::cli {

void notify_ready(const std::string &status);  // the service works now
void notify_stopping();

}  // namespace xsell::cli
