#include "sync/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <new>

namespace xsell::sync {
namespace {

Failure of_transient(const SyncError &error, int attempt, int told, const Retries &retries) {
    Failure failure{Fault::transient, error.what(), 0, true, retries.tries};
    if (error.wait <= 0) {
        failure.wait = backoff(retries, attempt);
        return failure;
    }
    failure.counts = false;
    failure.wait = std::min(error.wait, retries.longest_told_wait);
    if (told >= retries.told_waits) {
        failure.fault = Fault::object;
        failure.message += " (the source asked to wait " + std::to_string(told) + " times; given up until the next sync)";
    }
    return failure;
}

}  // namespace

double longest_backoff(const Retries &retries, int attempt) {
    // Past 2^30 the cap has long been reached, and a float stays exact.
    return std::min(retries.longest_wait, std::ldexp(retries.first_wait, std::clamp(attempt - 1, 0, 30)));
}

double backoff(const Retries &retries, int attempt, std::mt19937_64 &random) {
    return std::uniform_real_distribution<double>(0, longest_backoff(retries, attempt))(random);
}

double backoff(const Retries &retries, int attempt) {
    thread_local std::mt19937_64 random{std::random_device{}()};
    return backoff(retries, attempt, random);
}

Failure failure_of(const std::exception_ptr &thrown, int attempt, int told, const Retries &retries) {
    try {
        std::rethrow_exception(thrown);
    } catch (const SyncError &error) {
        if (error.fault == Fault::transient) return of_transient(error, attempt, told, retries);
        return {error.fault, error.what(), error.wait, true, retries.tries};
    } catch (const std::bad_alloc &) {
        // Other pages give back what they hold; a page that never fits fails when its tries are used up.
        return of_transient({Fault::transient, "out of memory"}, attempt, told, retries);
    } catch (const std::exception &error) {
        return {Fault::object, error.what(), 0, true, retries.tries};
    } catch (...) {
        return {Fault::object, "something that is no std::exception was thrown", 0, true, retries.tries};
    }
}

}  // namespace xsell::sync
