#include "cli/app.hpp"

int main(int argc, char **argv) { return xsell::cli::main(argc, argv); }
