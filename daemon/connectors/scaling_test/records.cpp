#include "connectors/scaling_test/records.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace xsell::scaling {
namespace {

// A run of one of these characters is replaced in place: # the record's number, $ the number of its account, ~ random digits,
// ! a word of the run's length, ^ when it was modified.
constexpr std::string_view markers = "#$~!^";

constexpr std::string_view account_text =
    R"({"attributes":{"type":"Account","url":"/services/data/v60.0/sobjects/Account/001############AAA"},"Id":"001############AAA",)"
    R"("IsDeleted":false,"MasterRecordId":null,"Name":"Company ########## and Partners","Type":"Customer - Direct","ParentId":null,)"
    R"("Industry":"!!!!!!!!!!!!!","Website":"https://www.company##########.example.com/start","Phone":"+49 30 5550~~~~~~",)"
    R"("BillingStreet":"~~~ High Street","BillingCity":"Berlin","BillingState":null,"BillingPostalCode":"1~~~~","BillingCountry":"Germany",)"
    R"("ShippingStreet":"~~~ Dock Road","ShippingCity":"Hamburg","ShippingPostalCode":"2~~~~","ShippingCountry":"Germany",)"
    R"("AnnualRevenue":1~~~~~~.~5,"NumberOfEmployees":1~~~,"AccountSource":"Web","Rating":"Warm","Description":"A company that makes, )"
    R"(sells and mends things; it is number ########## of those that were made for a load test, and its words are not long.",)"
    R"("OwnerId":"005000000000~~~AAA","LastActivityDate":"2026-01-01","CreatedDate":"2020-!!!!!T21:03:23.000+0000",)"
    R"("SystemModstamp":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^"})";

constexpr std::string_view contact_text =
    R"({"attributes":{"type":"Contact","url":"/services/data/v60.0/sobjects/Contact/003############AAA"},"Id":"003############AAA",)"
    R"("IsDeleted":false,"MasterRecordId":null,"AccountId":"001$$$$$$$$$$$$AAA","Salutation":"Dr.","FirstName":"Kim ~~~~~","LastName":)"
    R"("Example ##########","Name":"Kim Example ##########","Title":"Head of purchasing","Department":"Purchasing",)"
    R"("Email":"kim.##########@company$$$$$$$$$$.example.com","Phone":"+49 30 5551~~~~~~","MobilePhone":"+49 151 5~~~~~~~","Fax":null,)"
    R"("MailingStreet":"~~~ High Street","MailingCity":"Berlin","MailingState":null,"MailingPostalCode":"1~~~~","MailingCountry":"Germany",)"
    R"("OtherStreet":null,"OtherCity":null,"OtherCountry":null,"ReportsToId":null,"LeadSource":"Trade show","Birthdate":null,)"
    R"("HasOptedOutOfEmail":false,"DoNotCall":false,"IsEmailBounced":false,"Description":"Number ########## of those that were made for )"
    R"(a load test.","OwnerId":"005000000000~~~AAA","LastActivityDate":"2026-01-01","CreatedDate":"2020-!!!!!T21:03:23.000+0000",)"
    R"("SystemModstamp":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^"})";

constexpr std::string_view opportunity_text =
    R"({"attributes":{"type":"Opportunity","url":"/services/data/v60.0/sobjects/Opportunity/006############AAA"},"Id":"006############AAA",)"
    R"("IsDeleted":false,"AccountId":"001$$$$$$$$$$$$AAA","Name":"Deal ########## with company $$$$$$$$$$","StageName":"!!!!!!!!!!",)"
    R"("Amount":1~~~~~.~5,"Probability":5~,"ExpectedRevenue":1~~~~.~5,"TotalOpportunityQuantity":null,"CloseDate":"2025-!!!!!",)"
    R"("Type":"Existing Customer - Upgrade","NextStep":"Send the offer, then call","LeadSource":"Trade show","ForecastCategory":"Pipeline",)"
    R"("ForecastCategoryName":"Pipeline","CampaignId":null,"HasOpportunityLineItem":false,"Pricebook2Id":null,"ContactId":null,)"
    R"("FiscalYear":2025,"FiscalQuarter":2,"Description":"Number ########## of the deals that were made for a load test; what is said of )"
    R"(it is as long as such texts usually are, and nothing hangs on it.","OwnerId":"005000000000~~~AAA","IsPrivate":false,)"
    R"("LastActivityDate":"2026-01-01","CreatedDate":"2024-!!!!!T21:03:23.000+0000","LastModifiedById":"005000000000~~~AAA",)"
    R"("LastModifiedDate":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^","SystemModstamp":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^"})";

// Words by their length: days of a year, stages, industries.
constexpr std::string_view words[] = {"01-15",         "03-02",         "04-22",         "06-30",
                                      "08-11",         "11-05",         "Qualifying",    "Negotiated",
                                      "Closed Won",    "Closed Won",    "Close Lost",    "Manufacturing",
                                      "Biotechnology", "Entertainment", "Communication", "Environmental"};

struct Slot {
    std::size_t at, width;
    char marker;
};

struct Template {
    std::string_view text;
    std::vector<Slot> slots;
    explicit Template(std::string_view source) : text(source) {
        for (std::size_t at = source.find_first_of(markers); at != source.npos; at = source.find_first_of(markers, at)) {
            const std::size_t end = std::min(source.find_first_not_of(source[at], at), source.size());
            slots.push_back({at, end - at, source[at]});
            at = end;
        }
    }
};

const Template &template_of(Kind kind) {
    static const Template templates[] = {Template(account_text), Template(contact_text), Template(opportunity_text)};
    return templates[static_cast<std::size_t>(kind)];
}

struct Word {
    std::array<std::string_view, 8> list;
    std::size_t count = 0;
};

std::string_view word(std::size_t width, std::uint64_t random) {
    static const std::vector<Word> by_width = [] {
        std::vector<Word> out(16);
        for (const auto text : words) out[text.size()].list[out[text.size()].count++] = text;
        return out;
    }();
    const Word &found = by_width[width];
    return found.list[random % found.count];
}

std::uint64_t mixed(std::uint64_t value) {  // splitmix64
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

constexpr std::size_t longest_number = 12;

void digits(char *to, std::size_t width, std::uint64_t value) {
    for (std::size_t i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Eight bits of chance make two digits: no division, for there are many.
void random_digits(char *to, std::size_t width, std::uint64_t random) {
    static const std::array<std::array<char, 2>, 256> pairs = [] {
        std::array<std::array<char, 2>, 256> out{};
        for (unsigned i = 0; i < 256; ++i) digits(out[i].data(), 2, i * 100 / 256);
        return out;
    }();
    for (std::size_t i = 0; i < width; i += 2, random >>= 8)
        std::memcpy(to + i, pairs[random & 255].data(), width - i > 1 ? 2 : 1);
}

std::string stamp(std::int64_t seconds) {
    const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.000+0000", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return std::string(text).substr(0, 28);
}

constexpr std::int64_t made = 1767225600;  // 2026-01-01: when all records were made

}  // namespace

std::optional<Kind> kind_named(std::string_view name) {
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
        if (name == kind_names[i]) return static_cast<Kind>(i);
    }
    return std::nullopt;
}

Feed::Feed(std::uint64_t seed, std::uint64_t records) : seed_(seed), times_{made}, stamps_{stamp(made)} {
    const std::uint64_t accounts = records / 5, contacts = records * 3 / 10;
    counts_ = {accounts, contacts, records - accounts - contacts};
    for (std::size_t kind = 0; kind < counts_.size(); ++kind) history_[kind].push_back({{0, counts_[kind], 0}});
}

// What the fresh segment covers is no longer what it was.
void Feed::paint(Segments &segments, const Segment &fresh) {
    Segments out;
    for (const Segment &old : segments) {
        if (old.from < std::min(old.to, fresh.from)) out.push_back({old.from, std::min(old.to, fresh.from), old.revision});
        if (old.from <= fresh.from && fresh.from < old.to) out.push_back(fresh);
        if (std::max(old.from, fresh.to) < old.to) out.push_back({std::max(old.from, fresh.to), old.to, old.revision});
    }
    segments = std::move(out);
}

void Feed::change(std::uint64_t records, std::int64_t at) {
    const std::uint64_t all = counts_[0] + counts_[1] + counts_[2], fresh = times_.size();
    for (std::size_t kind = 0; kind < counts_.size(); ++kind) {
        Segments segments = history_[kind].back();
        const std::uint64_t size = counts_[kind];
        // Rounded up, so that one change is seen whatever the number of records.
        if (const std::uint64_t part = all ? std::min(size, (records * size + all - 1) / all) : 0; part > 0) {
            const std::uint64_t from = mixed(seed_ ^ mixed(fresh * 3 + kind)) % (size - part + 1);
            paint(segments, {from, from + part, fresh});
        }
        history_[kind].push_back(std::move(segments));
    }
    times_.push_back(at);
    stamps_.push_back(stamp(at));
}

void Feed::append(std::string &out, Kind kind, std::uint64_t number, std::uint64_t revision) const {
    const Template &record = template_of(kind);
    const std::size_t begin = out.size();
    out.append(record.text);
    std::uint64_t random = mixed(seed_ ^ mixed(number * 4 + static_cast<std::uint64_t>(kind)) ^ revision);
    const std::uint64_t account = counts_[0] ? mixed(seed_ + number) % counts_[0] : 0;
    char own[longest_number], parent[longest_number];
    digits(own, longest_number, number);
    digits(parent, longest_number, account);
    for (const Slot &slot : record.slots) {
        char *to = out.data() + begin + slot.at;
        switch (slot.marker) {
            case '#': std::memcpy(to, own + longest_number - slot.width, slot.width); break;
            case '$': std::memcpy(to, parent + longest_number - slot.width, slot.width); break;
            case '~': random_digits(to, slot.width, random = mixed(random)); break;
            case '!': std::memcpy(to, word(slot.width, random = mixed(random)).data(), slot.width); break;
            default: std::memcpy(to, stamps_[revision].data(), slot.width);
        }
    }
}

std::string Feed::body(Kind kind, const Query &query) const {
    const std::uint64_t revision = std::min(query.revision.value_or(this->revision()), this->revision());
    const Segments &segments = history_[static_cast<std::size_t>(kind)][revision];
    std::uint64_t total = 0, skip = (query.page - 1) * query.per_page, left = query.per_page;
    for (const Segment &segment : segments) {
        if (times_[segment.revision] >= query.since) total += segment.to - segment.from;
    }
    const bool more = skip + query.per_page < total;
    std::string out = "{\"total\":" + std::to_string(total) + ",\"revision\":" + std::to_string(revision) +
                      ",\"has_more\":" + (more ? "true" : "false") + ",\"data\":[";
    const std::uint64_t shown = skip < total ? std::min(left, total - skip) : 0;
    out.reserve(out.size() + shown * (template_of(kind).text.size() + 1) + 64);
    for (const Segment &segment : segments) {
        if (times_[segment.revision] < query.since) continue;
        const std::uint64_t from = std::min(segment.from + skip, segment.to);
        skip -= from - segment.from;
        const std::uint64_t to = std::min(segment.to, from + left);
        left -= to - from;
        for (std::uint64_t number = from; number < to; ++number) {
            if (out.back() != '[') out += ',';
            append(out, kind, number, segment.revision);
        }
    }
    return out + "]}";
}

}  // namespace xsell::scaling
