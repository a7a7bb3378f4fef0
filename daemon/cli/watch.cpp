// xselld status --watch: the readings under way, drawn anew whenever something happens, until Ctrl-C.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "sync/text.hpp"

namespace xsell::cli {
namespace {

constexpr const char *query_text =
    "SELECT r.org_id, r.object, r.state, r.fetched, r.changed, r.rejected, r.total, r.rate,"
    " CASE WHEN r.eta IS NOT NULL THEN pg_catalog.to_char(GREATEST(r.eta - pg_catalog.clock_timestamp(), interval '0'), "
    "'HH24:MI:SS') END,"
    " COALESCE(r.error, r.last_error)"
    " FROM xsell.sync_run r JOIN xsell_internal.sync_object o ON o.object = r.object"
    " WHERE r.parent_id = ANY (SELECT pg_catalog.max(p.run_id) FROM xsell.sync_run p WHERE p.object IS NULL GROUP BY p.org_id)"
    " ORDER BY r.org_id, o.position";

// "=====>    " of 20 characters.
std::string bar(double share) {
    constexpr int width = 20;
    const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
    std::string text(static_cast<std::size_t>(full), '=');
    if (full < width) text += '>';
    return text + std::string(static_cast<std::size_t>(width) - text.size(), ' ');
}

std::string progress(const store::Rows &rows, std::size_t row) {
    const auto state = rows.rows[row].at(2);
    if (state == "COMPLETED") return bar(1);
    const std::int64_t total = rows.number(row, 6);
    return total > 0 ? bar(static_cast<double>(rows.number(row, 3)) / static_cast<double>(total)) : "";
}

std::string screen(store::Database &database) {
    const auto rows = database.query(query_text);
    if (rows.rows.empty()) return "Nothing has been synced yet: xselld sync\n";
    Table table({"org", "object", "state", "progress", "read>", "changed>", "rejected>", "per second>", "left>", "last error"});
    for (std::size_t i = 0; i < rows.rows.size(); ++i) {
        const auto text = [&](std::size_t column) { return rows.rows[i].at(column).value_or(""); };
        table.add(
            {text(0), text(1), text(2), progress(rows, i), text(3), text(4), text(5), text(7), text(8), sync::cut(text(9), 60)});
    }
    return table.text();
}

// Lines that are too long would wrap, and the next drawing would not cover them.
std::string fitted(const std::string &text) {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
    std::string out;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = std::min(text.find('\n', from), text.size());
        out += sync::cut(text.substr(from, end - from), size.ws_col) + "\033[K\n";
        from = end + 1;
    }
    return out;
}

}  // namespace

int watch_command(const std::filesystem::path &file) {
    const config::Config config = load_config(file, Needs::database);
    Signals::listen();
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    const auto database = connect(config, "xselld status");
    database->execute("LISTEN xsell_sync");
    std::string last;
    while (!Signals::stop) {
        const std::string text = hidden(screen(*database));
        if (terminal)
            std::printf("\033[H\033[J%s\nCtrl-C ends.\n", fitted(text).c_str());
        else if (text != last)
            std::printf("%s\n", text.c_str());
        std::fflush(stdout);
        last = text;
        // Rates and times move without news.
        for (int tenth = 0; tenth < 10 && !Signals::stop; ++tenth)
            if (!database->notifications(0.1).empty()) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return 0;
}

}  // namespace xsell::cli
