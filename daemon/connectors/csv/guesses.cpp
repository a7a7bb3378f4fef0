// The words that people use for our columns and objects. Data, not code: a new spelling is one word more.
#include "connectors/csv/mapping.hpp"

namespace xsell::connectors::csv {
namespace {

#define XSELL_DATES                                                                                                         \
    {"created_at", "createdat createddate createdon datecreated createdate creationdate created"},                          \
        {"modified_at",                                                                                                     \
         "modifiedat lastmodifieddate lastmodifiedat lastmodified systemmodstamp updatedat modifieddate updated modified"}, \
        {"deleted_at", "deletedat deleteddate"}, {                                                                          \
        "merged_into", "mergedinto mergedintoid masterrecordid"                                                             \
    }
#define XSELL_OWNER \
    { "owner_id", "ownerid owner salesagent salesrep salesperson accountmanager agent rep ownername" }
#define XSELL_CURRENCY \
    { "currency", "currency currencyisocode currencycode" }
#define XSELL_ACCOUNT_ID                                                                                                    \
    {                                                                                                                       \
        "account_id",                                                                                                       \
            "accountid customerid companyid clientid account accountname customer customername company companyname client " \
            "customerkey resellerkey customerno"                                                                            \
    }

const std::map<std::string, std::vector<ColumnGuess>> guesses = {
    {"account",
     {{"crm_id",
       "id accountid customerid companyid clientid organizationid organisationid recordid crmid accountno accountnumber "
       "customerno customernumber customerkey resellerkey"},
      {"name",
       "name accountname companyname customername clientname organizationname account company customer client organization "
       "reseller"},
      {"type", "type accounttype customertype"},
      {"parent_id", "parentid parentaccountid parentaccount subsidiaryof parentcompany parent"},
      {"industry", "industry sector vertical"},
      {"website", "website homepage url web domain"},
      {"domain", "domain companydomainname"},
      {"phone", "phone telephone phonenumber"},
      {"street", "street billingstreet address streetaddress addressline1 address1"},
      {"city", "city billingcity town"},
      {"state", "state billingstate province region stateprovince county"},
      {"postal_code", "postalcode billingpostalcode zip zipcode postcode"},
      {"country", "country billingcountry officelocation countryname countryregion"},
      {"annual_revenue", "annualrevenue revenue turnover"},
      XSELL_CURRENCY,
      {"employees", "employees numberofemployees employeecount headcount"},
      {"source", "source accountsource leadsource"},
      {"rating", "rating"},
      {"description", "description"},
      {"do_not_contact", "donotcontact donotcall"},
      XSELL_OWNER,
      {"last_activity_at", "lastactivityat lastactivitydate"},
      XSELL_DATES}},
    {"contact",
     {{"crm_id", "id contactid recordid crmid personid"},
      XSELL_ACCOUNT_ID,
      {"first_name", "firstname givenname forename"},
      {"last_name", "lastname surname familyname"},
      {"title", "title jobtitle position"},
      {"department", "department"},
      {"email", "email emailaddress mail"},
      {"phone", "phone telephone phonenumber"},
      {"mobile", "mobile mobilephone cellphone"},
      {"country", "country mailingcountry"},
      {"do_not_contact", "donotcontact donotcall hasoptedoutofemail"},
      XSELL_OWNER,
      XSELL_DATES}},
    {"lead",
     {{"crm_id", "id leadid recordid crmid"},
      {"company", "company companyname account accountname organization"},
      {"first_name", "firstname givenname forename"},
      {"last_name", "lastname surname familyname"},
      {"title", "title jobtitle position"},
      {"email", "email emailaddress mail"},
      {"phone", "phone telephone phonenumber"},
      {"website", "website homepage url web domain"},
      {"domain", "domain"},
      {"industry", "industry sector vertical"},
      {"country", "country"},
      {"employees", "employees numberofemployees employeecount headcount"},
      {"annual_revenue", "annualrevenue revenue turnover"},
      XSELL_CURRENCY,
      {"status", "status leadstatus"},
      {"source", "source leadsource"},
      XSELL_OWNER,
      {"converted_at", "convertedat converteddate"},
      {"converted_account_id", "convertedaccountid"},
      {"converted_contact_id", "convertedcontactid"},
      {"converted_opportunity_id", "convertedopportunityid"},
      XSELL_DATES}},
    {"product",
     {{"crm_id", "id productid recordid crmid productkey stockcode itemid"},
      {"name", "name productname producttitle product itemname item title description"},
      {"code", "code productcode sku stockcode itemcode partnumber"},
      {"family", "family productfamily series category productcategory productline"},
      {"description", "description productdescription"},
      {"price", "price listprice salesprice unitprice medianprice"},
      XSELL_CURRENCY,
      {"is_active", "isactive active"},
      XSELL_DATES}},
    {"opportunity",
     {{"crm_id", "id opportunityid dealid recordid crmid opportunityno"},
      XSELL_ACCOUNT_ID,
      {"name", "name opportunityname dealname title"},
      {"pipeline", "pipeline pipelinename"},
      {"stage", "stage stagename dealstage opportunitystage salesstage status"},
      {"type", "type opportunitytype dealtype"},
      {"amount", "amount closevalue value dealvalue dealamount revenue total"},
      XSELL_CURRENCY,
      {"probability", "probability winprobability"},
      {"product_name", "productname product producttitle productid product2id productcode productsku sku"},
      {"source", "source leadsource"},
      {"is_closed", "isclosed closed"},
      {"is_won", "iswon won"},
      {"closed_at", "closedat closedate closedon closeddate dateclosed closingdate expectedclosedate"},
      XSELL_OWNER,
      {"created_at", "createdat createddate createdon datecreated createdate creationdate created engagedate opendate"},
      {"modified_at",
       "modifiedat lastmodifieddate lastmodifiedat lastmodified systemmodstamp updatedat modifieddate updated modified"},
      {"deleted_at", "deletedat deleteddate"},
      {"merged_into", "mergedinto mergedintoid"}}},
    {"opportunity_line",
     {{"crm_id", "id lineid lineitemid opportunitylineitemid recordid crmid"},
      {"opportunity_id", "opportunityid dealid opportunity deal"},
      {"product_id", "productid product2id productcode productsku sku stockcode itemcode product"},
      {"name", "name productname description"},
      {"quantity", "quantity qty units"},
      {"unit_price", "unitprice price"},
      {"amount", "amount totalprice total linetotal"},
      XSELL_CURRENCY,
      {"service_date", "servicedate"},
      XSELL_DATES}},
    {"asset",
     {{"crm_id", "id assetid subscriptionid recordid crmid"},
      XSELL_ACCOUNT_ID,
      {"contact_id", "contactid"},
      {"product_id", "productid product2id productcode productsku sku stockcode itemcode product"},
      {"name", "name assetname"},
      {"status", "status"},
      {"quantity", "quantity qty units seats"},
      {"amount", "amount price value"},
      XSELL_CURRENCY,
      {"purchased_at", "purchasedat purchasedate startdate startedat"},
      {"installed_at", "installedat installdate"},
      {"ends_at", "endsat usageenddate enddate expirydate expiresat renewaldate"},
      XSELL_DATES}},
    {"activity",
     {{"crm_id", "id activityid taskid eventid callid recordid crmid"},
      {"kind", "kind type activitytype tasksubtype"},
      XSELL_ACCOUNT_ID,
      {"contact_id", "contactid contact"},
      {"lead_id", "leadid lead"},
      {"opportunity_id", "opportunityid dealid opportunity deal"},
      {"subject", "subject title name"},
      {"occurred_at", "occurredat activitydate date startdatetime duedate timestamp"},
      {"duration", "duration durationseconds"},
      {"direction", "direction"},
      {"status", "status"},
      {"is_closed", "isclosed closed completed"},
      XSELL_OWNER,
      XSELL_DATES}},
    {"crm_user",
     {{"crm_id", "id userid ownerid recordid crmid"},
      {"name", "name fullname salesagent salesrep salesperson agent rep owner user"},
      {"email", "email emailaddress mail"},
      {"username", "username login"},
      {"is_active", "isactive active"},
      {"team", "team department"},
      {"manager", "manager managername"},
      {"territory", "territory regionaloffice region office"},
      {"time_zone", "timezone timezonesidkey"},
      XSELL_DATES}},
    {invoice_line,
     {{"invoice",
       "invoiceno invoicenumber invoiceid invoice salesordernumber orderno ordernumber orderid order receiptno transactionid"},
      {"line", "lineno linenumber lineid linenum line"},
      {"date", "invoicedate orderdate transactiondate saledate date"},
      {"account_id",
       "customerid accountid customerno customerkey resellerkey companyid clientid customer account company client customername "
       "accountname"},
      {"product_id", "stockcode productid productcode sku productkey itemid itemcode product item"},
      {"name", "description productname productdescription itemname"},
      {"quantity", "quantity qty orderquantity units"},
      {"unit_price", "unitprice price"},
      {"amount", "amount linetotal totalprice salesamount extendedprice netamount total"},
      XSELL_CURRENCY,
      {"modified_at", "modifiedat lastmodified updatedat"}}},
};

#undef XSELL_DATES
#undef XSELL_OWNER
#undef XSELL_CURRENCY
#undef XSELL_ACCOUNT_ID

const std::map<std::string, const char *> file_names = {
    {"account",
     "account accounts company companies customer customers client clients organization organizations organisation "
     "organisations"},
    {"contact", "contact contacts person persons people"},
    {"lead", "lead leads"},
    {"product", "product products product2 item items catalog catalogue stock"},
    {"opportunity", "opportunity opportunities deal deals salespipeline pipeline"},
    {"opportunity_line",
     "opportunityline opportunitylines opportunitylineitem opportunitylineitems lineitem lineitems dealproducts"},
    {"asset", "asset assets subscription subscriptions installedproducts"},
    {"activity", "activity activities task tasks event events call calls meeting meetings"},
    {"crm_user", "crmuser crmusers user users owner owners salesteam salesteams team teams salesagents salesreps"},
    {invoice_line, "invoiceline invoicelines orderline orderlines invoiceitems orderitems transactions"},
};

}  // namespace

const std::vector<ColumnGuess> &column_guesses(const std::string &object) {
    static const std::vector<ColumnGuess> none;
    const auto found = guesses.find(object);
    return found == guesses.end() ? none : found->second;
}

std::vector<std::string> known_objects() {
    std::vector<std::string> names;
    for (const auto &[name, columns] : guesses) names.push_back(name);
    return names;
}

std::optional<std::string> object_by_name(std::string_view file_name) {
    const std::string_view stem = file_name.substr(0, file_name.rfind('.'));
    std::string plain = normalised(stem);
    const auto lookup = [](const std::string &word) -> std::optional<std::string> {
        for (const auto &[object, names] : file_names) {
            if ((" " + std::string(names) + " ").find(" " + word + " ") != std::string::npos) return object;
        }
        return std::nullopt;
    };
    if (const auto exact = lookup(plain)) return exact;
    while (!plain.empty() && plain.back() >= '0' && plain.back() <= '9') plain.pop_back();  // a date or a part number
    return plain.empty() ? std::nullopt : lookup(plain);
}

}  // namespace xsell::connectors::csv
