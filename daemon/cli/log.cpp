#include "cli/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <stdexcept>

#include "config/config.hpp"
#include "sync/context.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::cli {
namespace {

std::mutex secrets_mutex;
std::vector<std::string> secrets;  // the longest first
std::deque<std::string> tokens;    // in the order in which they came

// "[emea account run 12 page 3] ", or nothing.
std::string context_text(const sync::Context &context) {
    if (context.org.empty()) return "";
    std::string text = "[" + context.org + (context.object.empty() ? "" : " " + context.object);
    if (context.run != 0) text += " run " + std::to_string(context.run);
    if (context.page != 0) text += " page " + std::to_string(context.page);
    return text + "] ";
}

class HumanFormatter : public spdlog::formatter {
  public:
    void format(const spdlog::details::log_msg &message, spdlog::memory_buf_t &out) override {
        const std::string text =
            context_text(sync::Context::current()) + hidden({message.payload.data(), message.payload.size()});
        spdlog::details::log_msg copy = message;
        copy.payload = text;
        pattern_.format(copy, out);
        message.color_range_start = copy.color_range_start;
        message.color_range_end = copy.color_range_end;
    }
    std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<HumanFormatter>(); }

  private:
    spdlog::pattern_formatter pattern_{"%Y-%m-%dT%H:%M:%SZ %^%l%$ %v", spdlog::pattern_time_type::utc};
};

class JsonFormatter : public spdlog::formatter {
  public:
    void format(const spdlog::details::log_msg &message, spdlog::memory_buf_t &out) override {
        const auto &context = sync::Context::current();
        const auto level = spdlog::level::to_string_view(message.level);
        std::string line = "{\"time\":\"" + time_of(message) + "\",\"level\":\"" + std::string(level.data(), level.size()) + '"';
        const auto text = [&line](const char *key, const std::string &value) {
            if (value.empty()) return;
            line += std::string(",\"") + key + "\":";
            sync::append_json_string(line, sync::clean_text(value).text);
        };
        const auto number = [&line](const char *key, std::int64_t value) {
            if (value != 0) line += std::string(",\"") + key + "\":" + std::to_string(value);
        };
        text("org", context.org);
        text("object", context.object);
        number("run", context.run);
        number("page", context.page);
        text("message", hidden({message.payload.data(), message.payload.size()}));
        line += "}\n";
        out.append(line.data(), line.data() + line.size());
    }
    std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }

  private:
    static std::string time_of(const spdlog::details::log_msg &message) {
        const auto millis = std::chrono::floor<std::chrono::milliseconds>(message.time);
        const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(millis.time_since_epoch()).count();
        std::string time = sync::from_micros(micros);  // 2026-06-01 12:00:00.123000+00
        time[10] = 'T';
        return time.substr(0, 23) + "Z";
    }
};

std::shared_ptr<spdlog::sinks::sink> make_sink(const LogOptions &options) {
    constexpr std::size_t megabyte = 1 << 20;
    try {
        if (options.file.empty()) return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
        if (options.megabytes == 0) return std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
        return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, options.megabytes * megabyte, options.files);
    } catch (const spdlog::spdlog_ex &error) {
        throw std::runtime_error("--log-file: " + std::string(error.what()));
    }
}

}  // namespace

void start_logging(const LogOptions &options) {
    auto logger = std::make_shared<spdlog::logger>("xselld", make_sink(options));
    if (options.format == "json")
        logger->set_formatter(std::make_unique<JsonFormatter>());
    else
        logger->set_formatter(std::make_unique<HumanFormatter>());
    logger->set_level(spdlog::level::from_str(options.level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(logger);
}

void hide(const std::vector<std::string> &more) {
    const std::lock_guard guard(secrets_mutex);
    for (const auto &secret : more) {
        if (std::find(secrets.begin(), secrets.end(), secret) == secrets.end()) secrets.push_back(secret);
    }
    // A secret that holds another one goes first, else its rest would stay readable.
    std::sort(secrets.begin(), secrets.end(), [](const std::string &a, const std::string &b) { return a.size() > b.size(); });
}

void hide_token(const std::string &token) {
    constexpr std::size_t known = 256;
    {
        const std::lock_guard guard(secrets_mutex);
        if (std::find(secrets.begin(), secrets.end(), token) != secrets.end()) return;
        tokens.push_back(token);
        if (tokens.size() > known) {
            std::erase(secrets, tokens.front());
            tokens.pop_front();
        }
    }
    hide({token});
}

std::string hidden(const std::string &text) {
    const std::lock_guard guard(secrets_mutex);
    return config::redacted(text, secrets);
}

}  // namespace xsell::cli
