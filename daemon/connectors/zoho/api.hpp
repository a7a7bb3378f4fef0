// Zoho's REST API as reading takes it: empty answers, the flag that ends a list, fields by the fifty.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"
#include "connectors/parts.hpp"
#include "connectors/rest.hpp"
#include "connectors/zoho/faults.hpp"
#include "connectors/zoho/login.hpp"

namespace xsell::connectors::zoho {

// One page of a list. Empty (204: there is nothing, 304: nothing was modified) is the end of it.
struct List {
    Listing listing;
    bool more = false;
    std::optional<std::int64_t> page = {};  // its number, as the server says
    std::string token;                      // next_page_token; empty where there is none
};

class Api {
  public:
    Api(const Login &login, std::string root, std::shared_ptr<sync::Host> host);
    Api(const Api &) = delete;
    Api &operator=(const Api &) = delete;

    // Paths begin behind /crm/v8. Throws SyncError; `since`: microseconds, for If-Modified-Since.
    http::Response get(const std::string &path, const Subject &subject, std::optional<std::int64_t> since = {});
    List list(const std::string &path, const char *key, const Subject &subject, std::optional<std::int64_t> since = {});
    // The same, of an answer that is not paged.
    nlohmann::json object(const std::string &path, const Subject &subject);

    void log_in() { session_.log_in(); }
    std::int64_t now() const { return require_time(session_); }  // the server's, as of the last response

  private:
    Subject subject_;  // of the running request
    Session session_;
    std::string root_;
};

// "2019-07-25T15:26:49+00:00"
std::string header_time(std::int64_t micros);

Subject module_subject(const std::string &module);
Subject settings_subject(const std::string &name, const std::string &scope);

// The fields of a module that the token's user can see; nothing where they are not told.
std::optional<std::set<std::string>> known_fields(Api &api, const std::string &module);

// Cut into lists of at most fifty; Modified_Time is in the first of them, and at least one list there is.
std::vector<std::string> field_lists(const std::vector<std::string> &fields);

// The rows' texts, with the fields of the other lists put in: they are asked for by id, a hundred at a time.
std::vector<std::string> completed(Api &api, const std::string &module, const std::string &extra,
                                   const std::vector<std::string_view> &rows, const std::vector<std::string> &lists);

}  // namespace xsell::connectors::zoho
