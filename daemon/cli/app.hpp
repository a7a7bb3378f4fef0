// The command line of xselld.
#pragma once

namespace xsell::cli {

// Exit status: 0 done, 1 something failed, 2 the command line or the configuration is wrong.
int main(int argc, char **argv);

}  // namespace xsell::cli
