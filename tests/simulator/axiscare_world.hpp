// The agency at a moment: everything is a function of the seed and the time, so nothing has to be kept.
#pragma once
#include <nlohmann/json.hpp>

#include "base.hpp"

namespace xsell::simulator::care {

inline constexpr const char *planted = "PLANTED-DIAGNOSIS-";  // in every value that is health data, with a number behind it

// A value of our tables, by the names of crm.sql; "" is NULL.
using TruthRow = std::vector<std::string>;

struct Visit {
    nlohmann::json record;
    Time updated;  // as updatedSinceDate sees it: clocking in is not reported
    std::string day;
};

class Agency {
  public:
    Agency(std::uint64_t seed, Time opened) : seed_(seed), opened_(opened) {}

    std::vector<nlohmann::json> people(const std::string &list, Time now) const;  // clients, caregivers, leads; by id
    std::vector<Visit> visits(Time now) const;                                    // by day and id
    // What a perfect sync has that began when the agency opened: header and rows of an object; rows end with nothing of when a
    // record was changed, for AxisCare does not tell.
    std::vector<TruthRow> truth(const std::string &object, Time now) const;
    static const std::vector<std::string> &truth_columns(const std::string &object);

  private:
    struct Person;
    Person person(const std::string &list, std::size_t number, Time now) const;
    Visit visit(const Person &client, Time at, Time now) const;
    std::vector<Person> everybody(const std::string &list, Time now) const;
    nlohmann::json record(const std::string &list, const Person &person) const;
    std::uint64_t hash(std::uint64_t a, std::uint64_t b, std::uint64_t c) const;
    std::string mark(std::uint64_t kind, std::uint64_t number) const;
    std::uint64_t seed_;
    Time opened_;  // the clock when the simulator was started
};

}  // namespace xsell::simulator::care
