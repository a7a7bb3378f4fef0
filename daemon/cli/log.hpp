// Logs for people, on standard error or in a file; known secrets are blotted out of every line.
#pragma once
#include <string>
#include <vector>

namespace xsell::cli {

void start_logging(bool debug, const std::string &file);  // throws std::runtime_error when the file cannot be opened
void hide(const std::vector<std::string> &secrets);       // from now on; adds to what is hidden already
std::string hidden(const std::string &text);              // for what is printed without the log

}  // namespace xsell::cli
