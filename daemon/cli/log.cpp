#include "cli/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "config/config.hpp"

namespace xsell::cli {
namespace {

std::mutex secrets_mutex;
std::vector<std::string> secrets;

class HidingFormatter : public spdlog::formatter {
  public:
    explicit HidingFormatter(std::unique_ptr<spdlog::formatter> inner) : inner_(std::move(inner)) {}
    void format(const spdlog::details::log_msg &message, spdlog::memory_buf_t &out) override {
        const std::string text = hidden(std::string(message.payload.data(), message.payload.size()));
        spdlog::details::log_msg copy = message;
        copy.payload = text;
        inner_->format(copy, out);
    }
    std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<HidingFormatter>(inner_->clone()); }

  private:
    std::unique_ptr<spdlog::formatter> inner_;
};

}  // namespace

void start_logging(bool debug, const std::string &file) {
    std::shared_ptr<spdlog::sinks::sink> sink;
    try {
        if (file.empty())
            sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
        else
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    } catch (const spdlog::spdlog_ex &error) {
        throw std::runtime_error("--log-file: " + std::string(error.what()));
    }
    auto logger = std::make_shared<spdlog::logger>("xselld", sink);
    auto pattern = std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%SZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    logger->set_formatter(std::make_unique<HidingFormatter>(std::move(pattern)));
    logger->set_level(debug ? spdlog::level::debug : spdlog::level::info);
    logger->flush_on(spdlog::level::info);
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

std::string hidden(const std::string &text) {
    const std::lock_guard guard(secrets_mutex);
    return config::redacted(text, secrets);
}

}  // namespace xsell::cli
