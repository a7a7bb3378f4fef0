// Logs for people or for machines, on standard error or in files that rotate. Every line carries what its thread is reading;
// known secrets are blotted out of every line.
#pragma once
#include <string>
#include <vector>

namespace xsell::cli {

struct LogOptions {
    std::string level = "info";    // trace, debug, info, warning, error
    std::string format = "human";  // or json: one object a line
    std::string file;              // empty: standard error, in colour on a terminal
    std::size_t megabytes = 0;     // a file of this size is put aside and a new one begun; 0: never
    std::size_t files = 5;         // that many put aside are kept
};

void start_logging(const LogOptions &options);       // throws std::runtime_error when the file cannot be opened
void hide(const std::vector<std::string> &secrets);  // from now on; adds to what is hidden already
void hide_token(const std::string &token);           // the same for one that will be replaced; the latest 256 are known
std::string hidden(const std::string &text);         // for what is printed without the log

}  // namespace xsell::cli
