// How often a page is tried and how long one waits in between: exponential backoff with full jitter, or what the server asked
// for.
#pragma once
#include <exception>
#include <random>

#include "sync/store.hpp"

namespace xsell::sync {

struct Retries {
    int tries = 6;          // of one page, for faults that name no waiting time
    int told_waits = 60;    // of one page, when the server says how long to wait
    double first_wait = 1;  // seconds; doubled each time, drawn at random between 0 and the full value
    double longest_wait = 60;
    double longest_told_wait = 3600;
};

// Seconds before the try that follows try number `attempt` (from 1): evenly distributed from 0 to this.
double longest_backoff(const Retries &retries, int attempt);
double backoff(const Retries &retries, int attempt, std::mt19937_64 &random);
double backoff(const Retries &retries, int attempt);  // with the thread's own generator

// What a thrown thing means for the page that was being read. `told` counts the waits that the page was told so far, this one
// not included. Faults of kind lost and stopped keep their kind; the caller decides.
Failure failure_of(const std::exception_ptr &thrown, int attempt, int told, const Retries &retries);

}  // namespace xsell::sync
