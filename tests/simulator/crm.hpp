// What one org's CRM holds: its tables, and how companies, deals and activities of the world become records.
#pragma once
#include <array>
#include <unordered_map>

#include "table.hpp"
#include "world.hpp"

namespace xsell::simulator {

// The kinds of records the CRMs keep. Salesforce keeps tasks, calls and e-mails as Task and meetings as Event.
enum class Source { user, account, contact, lead, product, opportunity, line, asset, task, event, call, email, meeting, note };
inline constexpr std::size_t source_count = 14;
const Object &object_of(Source source);  // the canonical object that a kind of record belongs to

// An amount of time by which a transaction may commit after the moment that its rows are stamped with.
inline constexpr Time latest_commit = 590;

class Crm {
  public:
    Crm(std::size_t org, const World &world, std::uint64_t seed);

    Table &table(Source source) { return tables_[static_cast<std::size_t>(source)]; }
    const Table &table(Source source) const { return tables_[static_cast<std::size_t>(source)]; }
    const std::string &name() const { return name_; }
    std::size_t org() const { return org_; }
    bool hubspot() const { return org_ == 2; }
    std::size_t company_of(std::size_t account) const { return account_company_[account]; }

    void add_users(Time begin);
    void add_products(Time now);
    std::size_t add_account(const Company &company, const Presence &presence, Time now, bool home);
    std::size_t add_contact(std::size_t account, Time at, Time visible = 0);
    void add_lead(Time at);
    // The deal as it stands at `now`; it is remembered as open until close_deal.
    void add_deal(const Deal &deal, std::size_t deal_number, Time now, Time visible = 0);
    void close_deal(std::size_t opportunity, Time at, Time visible = 0);
    void add_activity(std::size_t account, std::optional<std::size_t> opportunity, Time at, Time visible = 0);
    void convert_lead(std::size_t lead, Time at, Time now);

    // The older account of a company in this org; -1 when there is none (yet).
    std::optional<std::size_t> account_of(std::size_t company) const;
    const std::vector<std::uint32_t> &contacts_of(std::size_t account) const { return contacts_[account]; }
    void merge(Source source, std::size_t winner, std::size_t loser, Time at);
    // HubSpot never tells when a record was merged away: what can be known is the winner's date when the merge is first seen.
    void date_merges();
    const std::vector<std::uint32_t> &losers(Source source, std::size_t winner) const;
    bool settle();

    struct OpenDeal {
        std::size_t opportunity, deal;
        Time closes;
    };
    std::vector<OpenDeal> open_deals;
    std::unordered_map<std::size_t, std::vector<std::uint32_t>> accounts_of;  // company -> accounts
    std::unordered_map<std::size_t, std::size_t> opportunity_of;              // deal -> opportunity
    std::vector<std::int32_t> product_row;                                    // product of the group -> row, -1: not sold here
    Rng rng;

  private:
    std::string owner() { return table(Source::user).id(rng.below(table(Source::user).size())); }
    std::string currency_of(const Company &company) const;
    void add_asset(std::size_t account, const DealLine &line, Time at);
    void move_children(std::string_view column, std::initializer_list<Source> tables, const std::string &from,
                       const std::string &to, Time at);

    std::string name_;
    std::size_t org_;
    const World &world_;
    std::vector<Table> tables_;
    std::vector<std::size_t> account_company_;
    std::vector<std::vector<std::uint32_t>> contacts_;
    std::array<std::unordered_map<std::size_t, std::vector<std::uint32_t>>, source_count> losers_;
    struct Merge {
        Source source;
        std::size_t winner, loser;
    };
    std::vector<Merge> fresh_merges_;
};

inline const char *boolean(bool value) { return value ? "t" : "f"; }

}  // namespace xsell::simulator
