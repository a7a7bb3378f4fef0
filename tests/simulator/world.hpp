// The generated market behind the CRMs: companies, the group's products, and who buys what when. It knows no CRM format.
#pragma once
#include <array>
#include <map>

#include "base.hpp"

namespace xsell::simulator {

inline constexpr std::size_t org_count = 3;
inline constexpr std::array<const char *, org_count> org_names = {"emea", "amer", "apac"};
inline constexpr std::size_t industry_count = 10, size_count = 4, cluster_count = 8;

struct Country {
    const char *name, *top_level, *dial;
    std::vector<const char *> cities, legal_forms;
};
const std::vector<Country> &countries(std::size_t org);
const char *industry_name(std::size_t industry);

// A company as one org sees it.
struct Presence {
    std::size_t org = 0;
    Time since = 0;
    bool duplicated = false;  // the org has two accounts for it
};

struct Stretch {  // weeks in which a company is in a buying mood
    Time from = 0, to = 0;
};

struct Company {
    std::size_t number = 0;
    std::string stem;    // name without its legal form
    std::string domain;  // "" when it has no web site
    const Country *country = nullptr;
    std::string city, legal_form, phone;  // phone: +49 30 1234567
    std::size_t industry = 0, size = 0, cluster = 0;
    long employees = 0;
    long revenue = 0;
    std::vector<Presence> presences;
    bool moody = false;
    std::vector<Stretch> moods;
    std::map<std::size_t, Time> holds;     // product -> first win
    std::map<std::size_t, Time> expected;  // product -> close of the open deal about it
};

struct Product {
    std::size_t number = 0, family = 0;
    std::string code, name;
    std::array<std::string, org_count> names;  // "" where the org does not sell it
    double price = 0, popularity = 0, trend = 0, preferred_size = 0;
    Time launch = 0, retired = 0;  // retired 0: still sold
    bool installed = false;        // wins leave an asset
    std::array<double, industry_count> industry_taste{};
    std::array<double, cluster_count> cluster_taste{};
    struct FollowUp {
        std::size_t product;
        double strength;
        Time lag;
    };
    std::vector<FollowUp> follow_ups;
    bool sold_by(std::size_t org) const { return !names[org].empty(); }
};
const char *family_name(std::size_t family);

struct DealLine {
    std::size_t product;
    long quantity;
    double price;
};

struct Deal {
    std::size_t company, org;
    Time created, closes;
    bool won, renewal;
    std::vector<DealLine> lines;
};

struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t accounts = 1500, activities = 20000, products = 40;
    double years = 3;
    Time now = 0;
};

// Wins that a future may bring: for each company, and each org and product (org x products + product), the chance that no deal
// within (from, to] is one.
struct Expectation {
    Time from = 0, to = 0;
    std::vector<std::vector<double>> missed;
};

class World {
  public:
    explicit World(const WorldOptions &options) : World(options, options.now + 90 * day) {}
    World(const WorldOptions &options, Time until);
    // From here on the market goes another way than it went, and writes down what could be expected of it. What is open is won
    // or lost anew.
    void continue_from(Time at, std::uint64_t seed, Expectation &expectation);
    // Lets the market live until `to`; deals appear in order of the week they were begun in.
    void simulate(Time to);
    // A company that enters the market at `since`, in one org.
    std::size_t add_company(std::size_t org, Time since, Rng &rng);

    const WorldOptions options;
    Time begin;  // of the history
    std::vector<Company> companies;
    std::vector<Product> products;
    std::vector<Deal> deals;

  private:
    void make_products();
    void make_companies();
    Company make_company(std::size_t home, Rng &rng);
    void live_one_week(Company &company, Time at);
    void begin_deal(Company &company, Time at);
    std::optional<std::size_t> choose(const Company &company, Time at, std::optional<std::size_t> org,
                                      const std::vector<DealLine> &taken);
    void expect(const Company &company, Time at, std::optional<std::size_t> org, const std::vector<double> &odds);
    double liking(const Company &company, const Product &product, Time at) const;
    Rng rng_, market_;
    Time simulated_;
    Expectation *expected_ = nullptr;
    bool expecting_ = false;
    std::map<std::string, int> stems_, domains_;
};

// Spellings.
std::string make_stem(std::size_t industry, Rng &rng);
std::string ascii(std::string_view text);  // folds the accents that our names use
std::string domain_of(std::string_view stem, const Country &country, std::size_t org);
std::string full_name(const Company &company);
std::string respelled(const Company &company, Rng &rng);  // as another person would type it
std::string website(std::string_view domain, Rng &rng);
std::string phone_format(std::string_view phone, Rng &rng);
struct PersonName {
    std::string first, last;
};
PersonName person(Rng &rng);
std::string job_title(Rng &rng);
std::string email_of(const PersonName &name, std::string_view domain);

}  // namespace xsell::simulator
