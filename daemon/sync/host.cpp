#include "sync/host.hpp"

#include <mutex>

namespace xsell::sync {
namespace {

std::mutex mutex;
std::function<void(const std::string &)> token_listener;

}  // namespace

void on_token(std::function<void(const std::string &)> listener) {
    const std::lock_guard guard(mutex);
    token_listener = std::move(listener);
}

void tell_token(const Token &token) {
    const std::lock_guard guard(mutex);
    if (!token_listener) return;
    for (const std::string *secret : {&token.access, &token.refresh}) {
        if (!secret->empty()) token_listener(*secret);
    }
}

}  // namespace xsell::sync
