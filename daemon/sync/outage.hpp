// What the threads of an engine know together of a database that is away: said once, then now and then.
#pragma once
#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace xsell::sync {

class Outage {
  public:
    using Clock = std::chrono::steady_clock;
    explicit Outage(double note_every) : note_every_(note_every) {}

    // A thread could not reach it. Returns the line to be logged, if one is due.
    std::optional<std::string> down(const std::string &message) {
        const std::lock_guard guard(mutex_);
        const auto now = Clock::now();
        if (!since_) since_ = now;
        message_ = message;
        std::erase(message_, '\t');  // libpq's messages have lines; a log line is one
        std::replace(message_.begin(), message_.end(), '\n', ' ');
        if (noted_ && std::chrono::duration<double>(now - *noted_).count() < note_every_) return std::nullopt;
        noted_ = now, said_ = true;
        return message_ + "; trying again until it is there";
    }

    // A thread reached it.
    std::optional<std::string> up() {
        const std::lock_guard guard(mutex_);
        if (!since_) return std::nullopt;
        since_.reset();
        return std::exchange(said_, false) ? std::optional<std::string>("the database answers again") : std::nullopt;
    }

    double seconds() const {
        const std::lock_guard guard(mutex_);
        return since_ ? std::chrono::duration<double>(Clock::now() - *since_).count() : 0;
    }
    std::string message() const {
        const std::lock_guard guard(mutex_);
        return message_;
    }

  private:
    const double note_every_;
    mutable std::mutex mutex_;
    std::optional<Clock::time_point> since_, noted_;
    bool said_ = false;  // of the present outage
    std::string message_;
};

}  // namespace xsell::sync
