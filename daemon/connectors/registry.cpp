#include "connectors/registry.hpp"

#include "connectors/attio/connector.hpp"
#include "connectors/axiscare/connector.hpp"
#include "connectors/csv/connector.hpp"
#include "connectors/hubspot/connector.hpp"
#include "connectors/pipedrive/connector.hpp"
#include "connectors/salesforce/connector.hpp"
#include "connectors/scaling_test/connector.hpp"
#include "connectors/sql/connector.hpp"
#include "connectors/zoho/connector.hpp"

namespace xsell::connectors {

const std::vector<Entry> &registry() {
    static const std::vector<Entry> entries = {
        {"salesforce", make_salesforce, &salesforce_init_text, &salesforce_traits},
        {"hubspot", make_hubspot, &hubspot_init_text, &hubspot_traits},
        {"pipedrive", make_pipedrive, &pipedrive_init_text, &pipedrive_traits},
        {"zoho", make_zoho, &zoho_init_text, &zoho_traits},
        {"attio", make_attio, &attio_init_text, &attio_traits},
        {"axiscare", make_axiscare, &axiscare_init_text, &axiscare_traits},
        {"csv", make_csv, &csv_init_text, &csv_traits},
        {"sql", make_sql, &sql_init_text, &sql_traits},
        {"scaling_test", make_scaling_test, &scaling_test_init_text, &scaling_test_traits},
    };
    return entries;
}

const Entry *find_connector(const std::string &name) {
    for (const auto &entry : registry()) {
        if (name == entry.name) return &entry;
    }
    return nullptr;
}

}  // namespace xsell::connectors
