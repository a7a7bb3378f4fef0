#include <cstdio>

#include "cli/commands.hpp"
#include "connectors/registry.hpp"

namespace xsell::cli {

int connectors_command() {
    for (const auto &entry : connectors::registry()) {
        const auto &traits = *entry.traits;
        std::printf("%s\n", entry.name);
        const std::pair<const char *, const char *> lines[] = {{"source", traits.source},
                                                               {"objects", traits.objects},
                                                               {"paging", traits.paging},
                                                               {"changes", traits.changes},
                                                               {"deletes", traits.deletes}};
        for (const auto &[title, text] : lines) std::printf("  %-8s %s\n", title, text);
    }
    std::printf("\nxselld init CONNECTOR prints a commented configuration.\n");
    return 0;
}

}  // namespace xsell::cli
