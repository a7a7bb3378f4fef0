// How long pages wait, what a thrown thing means, and when a reading goes in circles.
#include <gtest/gtest.h>

#include <stdexcept>

#include "sync/backoff.hpp"
#include "sync/circles.hpp"
#include "sync/progress.hpp"

namespace xsell::sync {
namespace {

template <typename Thrown>
Failure failure(const Thrown &thrown, int attempt = 1, int told = 0) {
    return failure_of(std::make_exception_ptr(thrown), attempt, told, {});
}

TEST(Backoff, DoublesUpToACap) {
    const Retries retries;
    const double expected[] = {1, 2, 4, 8, 16, 32, 60, 60};
    for (int attempt = 1; attempt <= 8; ++attempt) EXPECT_EQ(longest_backoff(retries, attempt), expected[attempt - 1]);
    EXPECT_EQ(longest_backoff(retries, 1'000'000), 60);
    EXPECT_EQ(longest_backoff(retries, 0), 1);
}

TEST(Backoff, JitterIsFull) {
    const Retries retries;
    std::mt19937_64 random(7);
    for (const int attempt : {1, 4, 9}) {
        const double most = longest_backoff(retries, attempt);
        constexpr int draws = 20'000, bins = 10;
        int counts[bins] = {};
        for (int i = 0; i < draws; ++i) {
            const double wait = backoff(retries, attempt, random);
            ASSERT_GE(wait, 0);
            ASSERT_LT(wait, most);
            ++counts[static_cast<int>(wait / most * bins)];
        }
        double chi_square = 0;
        for (const int count : counts) chi_square += (count - draws / bins) * (count - draws / bins) / double(draws / bins);
        EXPECT_LT(chi_square, 27.9) << attempt;  // 9 degrees of freedom, 0.1 %
    }
}

TEST(Failures, TellWhatWasThrown) {
    EXPECT_EQ(failure(SyncError(Fault::org, "revoked")).fault, Fault::org);
    EXPECT_EQ(failure(SyncError(Fault::quota, "used up")).fault, Fault::quota);
    EXPECT_EQ(failure(SyncError(Fault::stopped, "stopped")).fault, Fault::stopped);
    EXPECT_EQ(failure(SyncError(Fault::lost, "lost")).fault, Fault::lost);
    EXPECT_EQ(failure(std::runtime_error("a bug")).fault, Fault::object);
    EXPECT_EQ(failure(std::runtime_error("a bug")).message, "a bug");
    EXPECT_EQ(failure(std::bad_alloc()).fault, Fault::transient);
    EXPECT_EQ(failure(17).fault, Fault::object);
    EXPECT_EQ(failure(SyncError(Fault::transient, "503"), 3).tries, 6);
}

TEST(Failures, ToldWaitsAreCappedAndCountApart) {
    const Failure told = failure(SyncError(Fault::transient, "429", 30));
    EXPECT_EQ(told.wait, 30);
    EXPECT_FALSE(told.counts);
    EXPECT_EQ(failure(SyncError(Fault::transient, "429", 1e9)).wait, 3600);
    EXPECT_EQ(failure(SyncError(Fault::transient, "429", 30), 1, 59).fault, Fault::transient);
    const Failure last = failure(SyncError(Fault::transient, "429", 30), 1, 60);
    EXPECT_EQ(last.fault, Fault::object);
    EXPECT_NE(last.message.find("asked to wait 60 times"), std::string::npos);
    for (int i = 0; i < 1000; ++i) EXPECT_LE(failure(SyncError(Fault::transient, "503"), 3).wait, 4);
}

Claim claim(std::int64_t page, const std::string &state) {
    Claim claim;
    claim.run = 1, claim.page = page, claim.state = state;
    return claim;
}

Page page(const std::string &next, const std::vector<std::string> &ids = {}) {
    Page page;
    page.next_state = next;
    for (const auto &id : ids) page.records.push_back({id, {}, "{}", false});
    return page;
}

TEST(Circles, AStateThatWasReadIsRefusedAtAnyDistance) {
    Circles circles;
    for (int i = 0; i < 50; ++i) {
        circles.enter(claim(i, "state " + std::to_string(i)));
        circles.check(claim(i, "state " + std::to_string(i)), page("state " + std::to_string(i + 1)));
    }
    circles.enter(claim(50, "state 50"));
    for (const char *back : {"state 50", "state 49", "state 0"})
        EXPECT_THROW(circles.check(claim(50, "state 50"), page(back)), SyncError) << back;
    Page end = page("state 0");
    end.done = true;
    EXPECT_NO_THROW(circles.check(claim(50, "state 50"), end));  // where the next sync begins
}

TEST(Circles, APageThatIsTriedAgainIsNone) {
    Circles circles;
    for (int i = 0; i < 100; ++i) {
        circles.enter(claim(7, "a"));
        EXPECT_NO_THROW(circles.check(claim(7, "a"), page("b", {"1", "2"})));
    }
    Claim other = claim(8, "b");
    other.run = 2;
    circles.enter(other);
    EXPECT_NO_THROW(circles.check(other, page("a")));  // another run reads the same states
}

TEST(Circles, TheSameRecordsPageAfterPage) {
    Circles circles;
    const auto read = [&](int i, const std::vector<std::string> &ids) {
        circles.enter(claim(i, std::to_string(i)));
        circles.check(claim(i, std::to_string(i)), page(std::to_string(i + 1), ids));
    };
    int i = 0;
    read(i++, {"1", "2"});
    for (int again = 1; again < Circles::repeated_pages; ++again) read(i++, {"2", "1"});
    read(i++, {"1", "3"});  // something new: counted from the start
    for (int again = 1; again < Circles::repeated_pages; ++again) read(i++, {"1", "2"});
    EXPECT_THROW(read(i++, {"1", "2"}), SyncError);
}

TEST(Circles, ManyEmptyPagesAreWindowsButNotForever) {
    Circles circles;
    const auto read = [&](int i) {
        circles.enter(claim(i, std::to_string(i)));
        circles.check(claim(i, std::to_string(i)), page(std::to_string(i + 1)));
    };
    for (int i = 1; i < Circles::empty_pages; ++i) read(i);
    EXPECT_THROW(read(Circles::empty_pages), SyncError);
}

TEST(Meter, RateAndRest) {
    Meter meter(5);
    RunReport report{12, "emea", "account", "PROCESSING_BATCHES", 1, {}, std::nullopt};
    meter.total(12, 10'000);
    EXPECT_TRUE(meter.due({report}, 100).empty());
    report.counts = {1000, 900, 0, 2};
    EXPECT_TRUE(meter.due({report}, 104).empty());
    const auto due = meter.due({report}, 105);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].rate, 200);
    EXPECT_EQ(due[0].left, 45);
    EXPECT_EQ(sentence(due[0]), "1000 of 10000 read, 900 changed, 2 rejected, 200/s, 45 s left");
    EXPECT_TRUE(meter.due({report}, 109).empty());
    report.counts.fetched = 12'000;  // more than the source said
    EXPECT_FALSE(meter.due({report}, 110).at(0).total);
    report.state = "COMPLETED";
    EXPECT_TRUE(meter.due({report}, 120).empty());
    EXPECT_TRUE(meter.due({{1, "emea", "", "PROCESSING_BATCHES", 0, {}, std::nullopt}}, 130).empty());
}

}  // namespace
}  // namespace xsell::sync
