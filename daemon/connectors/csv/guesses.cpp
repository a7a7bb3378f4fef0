// The words that people use for our columns and objects. Data, not code: a new spelling is one word more.
#include "connectors/csv/mapping.hpp"

namespace xsell::connectors::csv {
namespace {

#define XSELL_MODIFIED                                                                                                \
    "modifiedat lastmodifieddate lastmodifiedat lastmodified systemmodstamp updatedat modifieddate updated modified " \
    "geändertam geaendertam änderungsdatum aenderungsdatum aktualisiertam"
#define XSELL_DATES                                                                                                        \
    {"created_at",                                                                                                         \
     "createdat createddate createdon datecreated createdate creationdate created erstelltam angelegtam erstellungsdatum " \
     "anlagedatum"},                                                                                                       \
        {"modified_at", XSELL_MODIFIED}, {"deleted_at", "deletedat deleteddate gelöschtam geloeschtam"}, {                 \
        "merged_into", "mergedinto mergedintoid masterrecordid"                                                            \
    }
#define XSELL_OWNER                                                                                                     \
    {                                                                                                                   \
        "owner_id",                                                                                                     \
            "ownerid owner salesagent salesrep salesperson accountmanager agent rep ownername betreuer kundenbetreuer " \
            "vertreter verantwortlich"                                                                                  \
    }
#define XSELL_CURRENCY \
    { "currency", "currency currencyisocode currencycode währung waehrung" }
#define XSELL_ACCOUNT_ID                                                                                                     \
    {                                                                                                                        \
        "account_id",                                                                                                        \
            "accountid customerid companyid clientid account accountname customer customername company companyname client "  \
            "customerkey resellerkey customerno kundennummer kundennr kundenid firmennummer debitor firma kunde kundenname " \
            "firmenname unternehmen"                                                                                         \
    }

const std::map<std::string, std::vector<ColumnGuess>> guesses = {
    {"account",
     {{"crm_id",
       "id accountid customerid companyid clientid organizationid organisationid recordid crmid accountno accountnumber "
       "customerno customernumber customerkey resellerkey kundennummer kundennr kundenid firmennummer firmenid debitor "
       "debitorennummer"},
      {"name",
       "name accountname companyname customername clientname organizationname account company customer client organization "
       "reseller firma firmenname kundenname unternehmen kunde"},
      {"type", "type accounttype customertype kundentyp kundenart"},
      {"parent_id", "parentid parentaccountid parentaccount subsidiaryof parentcompany parent"},
      {"industry", "industry sector vertical branche"},
      {"website", "website homepage url web domain webseite internet internetseite"},
      {"domain", "domain companydomainname"},
      {"phone", "phone telephone phonenumber telefon telefonnummer tel"},
      {"street", "street billingstreet address streetaddress addressline1 address1 straße strasse anschrift adresse"},
      {"city", "city billingcity town ort stadt"},
      {"state", "state billingstate province region stateprovince county bundesland kanton"},
      {"postal_code", "postalcode billingpostalcode zip zipcode postcode plz postleitzahl"},
      {"country", "country billingcountry officelocation countryname countryregion land"},
      {"annual_revenue", "annualrevenue revenue turnover jahresumsatz umsatz"},
      XSELL_CURRENCY,
      {"employees", "employees numberofemployees employeecount headcount mitarbeiter mitarbeiterzahl mitarbeiteranzahl"},
      {"source", "source accountsource leadsource"},
      {"rating", "rating"},
      {"description", "description beschreibung bemerkung"},
      {"do_not_contact", "donotcontact donotcall"},
      XSELL_OWNER,
      {"last_activity_at", "lastactivityat lastactivitydate"},
      XSELL_DATES}},
    {"contact",
     {{"crm_id", "id contactid recordid crmid personid kontaktid kontaktnummer"},
      XSELL_ACCOUNT_ID,
      {"first_name", "firstname givenname forename vorname"},
      {"last_name", "lastname surname familyname nachname familienname"},
      {"title", "title jobtitle position funktion"},
      {"department", "department abteilung"},
      {"email", "email emailaddress mail emailadresse"},
      {"phone", "phone telephone phonenumber telefon telefonnummer tel"},
      {"mobile", "mobile mobilephone cellphone mobil mobiltelefon handy"},
      {"country", "country mailingcountry land"},
      {"do_not_contact", "donotcontact donotcall hasoptedoutofemail"},
      XSELL_OWNER,
      XSELL_DATES}},
    {"lead",
     {{"crm_id", "id leadid recordid crmid"},
      {"company", "company companyname account accountname organization firma firmenname unternehmen"},
      {"first_name", "firstname givenname forename vorname"},
      {"last_name", "lastname surname familyname nachname familienname"},
      {"title", "title jobtitle position"},
      {"email", "email emailaddress mail emailadresse"},
      {"phone", "phone telephone phonenumber telefon telefonnummer tel"},
      {"website", "website homepage url web domain"},
      {"domain", "domain"},
      {"industry", "industry sector vertical branche"},
      {"country", "country land"},
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
     {{"crm_id",
       "id productid recordid crmid productkey stockcode itemid artikelnummer artikelnr produktnummer produktid artikelid"},
      {"name",
       "name productname producttitle product itemname item title description produktname artikelname produkt artikel "
       "artikelbezeichnung bezeichnung"},
      {"code", "code productcode sku stockcode itemcode partnumber artikelnummer artikelnr"},
      {"family",
       "family productfamily series category productcategory productline produktgruppe warengruppe artikelgruppe kategorie"},
      {"description", "description productdescription beschreibung"},
      {"price", "price listprice salesprice unitprice medianprice preis listenpreis verkaufspreis einzelpreis"},
      XSELL_CURRENCY,
      {"is_active", "isactive active aktiv"},
      XSELL_DATES}},
    {"opportunity",
     {{"crm_id",
       "id opportunityid dealid recordid crmid opportunityno chanceid auftragsnummer auftragsnr angebotsnummer angebotsnr "
       "vorgangsnummer"},
      XSELL_ACCOUNT_ID,
      {account_name,
       "accountname companyname customername clientname firmenname kundenname account company customer client firma kunde "
       "unternehmen"},
      {"name", "name opportunityname dealname title verkaufschance chance bezeichnung"},
      {"pipeline", "pipeline pipelinename"},
      {"stage", "stage stagename dealstage opportunitystage salesstage status phase verkaufsphase"},
      {"type", "type opportunitytype dealtype"},
      {"amount", "amount closevalue value dealvalue dealamount revenue total betrag auftragswert umsatz wert summe"},
      XSELL_CURRENCY,
      {"probability", "probability winprobability wahrscheinlichkeit"},
      {"product_name",
       "productname product producttitle productid product2id productcode productsku sku produktname produkt artikel "
       "artikelnummer"},
      {"source", "source leadsource"},
      {"is_closed", "isclosed closed"},
      {"is_won", "iswon won"},
      {"closed_at",
       "closedat closedate closedon closeddate dateclosed closingdate expectedclosedate abschlussdatum abgeschlossenam "
       "auftragsdatum datum"},
      XSELL_OWNER,
      {"created_at", "createdat createddate createdon datecreated createdate creationdate created engagedate opendate"},
      {"modified_at", XSELL_MODIFIED},
      {"deleted_at", "deletedat deleteddate gelöschtam geloeschtam"},
      {"merged_into", "mergedinto mergedintoid"}}},
    {"opportunity_line",
     {{"crm_id", "id lineid lineitemid opportunitylineitemid recordid crmid"},
      {"opportunity_id", "opportunityid dealid opportunity deal auftragsnummer auftragsnr angebotsnummer"},
      {"product_id",
       "productid product2id productcode productsku sku stockcode itemcode product artikelnummer artikelnr artikel produkt"},
      {"name", "name productname description"},
      {"quantity", "quantity qty units menge anzahl stück stueck"},
      {"unit_price", "unitprice price einzelpreis stückpreis stueckpreis preis"},
      {"amount", "amount totalprice total linetotal betrag gesamtpreis summe umsatz"},
      XSELL_CURRENCY,
      {"service_date", "servicedate"},
      XSELL_DATES}},
    {"asset",
     {{"crm_id", "id assetid subscriptionid recordid crmid vertragsnummer seriennummer"},
      XSELL_ACCOUNT_ID,
      {"contact_id", "contactid"},
      {"product_id",
       "productid product2id productcode productsku sku stockcode itemcode product artikelnummer artikelnr artikel produkt"},
      {"name", "name assetname"},
      {"status", "status"},
      {"quantity", "quantity qty units seats menge anzahl"},
      {"amount", "amount price value"},
      XSELL_CURRENCY,
      {"purchased_at", "purchasedat purchasedate startdate startedat kaufdatum vertragsbeginn"},
      {"installed_at", "installedat installdate"},
      {"ends_at", "endsat usageenddate enddate expirydate expiresat renewaldate vertragsende laufzeitende"},
      XSELL_DATES}},
    {"activity",
     {{"crm_id", "id activityid taskid eventid callid recordid crmid"},
      {"kind", "kind type activitytype tasksubtype art typ"},
      XSELL_ACCOUNT_ID,
      {"contact_id", "contactid contact"},
      {"lead_id", "leadid lead"},
      {"opportunity_id", "opportunityid dealid opportunity deal"},
      {"subject", "subject title name betreff"},
      {"occurred_at", "occurredat activitydate date startdatetime duedate timestamp datum"},
      {"duration", "duration durationseconds dauer"},
      {"direction", "direction richtung"},
      {"status", "status"},
      {"is_closed", "isclosed closed completed"},
      XSELL_OWNER,
      XSELL_DATES}},
    {"crm_user",
     {{"crm_id", "id userid ownerid recordid crmid"},
      {"name", "name fullname salesagent salesrep salesperson agent rep owner user benutzer mitarbeiter vertreter"},
      {"email", "email emailaddress mail"},
      {"username", "username login"},
      {"is_active", "isactive active"},
      {"team", "team department abteilung"},
      {"manager", "manager managername vorgesetzter leiter"},
      {"territory", "territory regionaloffice region office gebiet vertriebsgebiet"},
      {"time_zone", "timezone timezonesidkey"},
      XSELL_DATES}},
    {invoice_line,
     {{"invoice",
       "invoiceno invoicenumber invoiceid invoice salesordernumber orderno ordernumber orderid order receiptno transactionid "
       "rechnungsnummer rechnungsnr rechnung belegnummer belegnr auftragsnummer bestellnummer"},
      {"line", "lineno linenumber lineid linenum line positionsnummer position pos"},
      {"date", "invoicedate orderdate transactiondate saledate date rechnungsdatum belegdatum bestelldatum auftragsdatum datum"},
      {"account_id",
       "customerid accountid customerno customerkey resellerkey companyid clientid customer account company client customername "
       "accountname kundennummer kundennr kundenid debitor kunde firma"},
      {"product_id",
       "stockcode productid productcode sku productkey itemid itemcode product item artikelnummer artikelnr produktnummer "
       "artikel produkt"},
      {"name", "description productname productdescription itemname artikelbezeichnung bezeichnung produktname artikelname"},
      {"quantity", "quantity qty orderquantity units menge anzahl stück stueck"},
      {"unit_price", "unitprice price einzelpreis stückpreis stueckpreis preis"},
      {"amount",
       "amount linetotal totalprice salesamount extendedprice netamount total nettobetrag betrag umsatz gesamtpreis summe"},
      XSELL_CURRENCY,
      {"modified_at", "modifiedat lastmodified updatedat"}}},
};

#undef XSELL_DATES
#undef XSELL_MODIFIED
#undef XSELL_OWNER
#undef XSELL_CURRENCY
#undef XSELL_ACCOUNT_ID

const std::map<std::string, const char *> file_names = {
    {"account",
     "account accounts company companies customer customers client clients organization organizations organisation "
     "organisations kunden firmen kundenstamm unternehmen debitoren"},
    {"contact", "contact contacts person persons people kontakte ansprechpartner"},
    {"lead", "lead leads interessenten"},
    {"product", "product products product2 item items catalog catalogue stock produkte artikel artikelstamm"},
    {"opportunity",
     "opportunity opportunities deal deals salespipeline pipeline verkaufschancen chancen aufträge auftraege angebote"},
    {"opportunity_line",
     "opportunityline opportunitylines opportunitylineitem opportunitylineitems lineitem lineitems dealproducts"},
    {"asset", "asset assets subscription subscriptions installedproducts verträge vertraege abonnements"},
    {"activity",
     "activity activities task tasks event events call calls meeting meetings aktivitäten aktivitaeten aufgaben termine"},
    {"crm_user",
     "crmuser crmusers user users owner owners salesteam salesteams team teams salesagents salesreps benutzer mitarbeiter "
     "vertriebsmitarbeiter vertreter"},
    {invoice_line,
     "invoiceline invoicelines orderline orderlines invoiceitems orderitems transactions rechnungspositionen rechnungszeilen "
     "rechnungen umsätze umsaetze verkäufe verkaeufe"},
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
