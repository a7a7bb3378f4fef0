// Industries: the lists that CRMs offer (Salesforce's, Zoho's, the long one of LinkedIn that HubSpot took over), each entry with
// the standard name it stands for.
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "connectors/standard.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

struct Group {
    const char *name;
    const char *entries;  // letters alone, lower case, without "and"; separated by blanks
};

constexpr Group groups[] = {
    {"Agriculture", "agriculture agribusiness farming dairy fishery ranching forestry agricultureforestry landwirtschaft"},
    {"Apparel", "apparel apparelfashion fashion textiles luxurygoodsjewelry"},
    {"Banking", "banking banks investmentbanking bank"},
    {"Biotechnology", "biotechnology biotech nanotechnology lifesciences"},
    {"Chemicals", "chemicals chemical plastics chemie"},
    {"Communications",
     "communications marketingadvertising marketing advertising publicrelationscommunications publicrelations printing "
     "graphicdesign design writingediting translationlocalization"},
    {"Construction",
     "construction buildingmaterials architectureplanning architecture civilengineering bau baugewerbe glassceramicsconcrete"},
    {"Consulting",
     "consulting managementconsulting professionalservices businessservices outsourcingoffshoring humanresources "
     "staffingrecruiting programdevelopment executiveoffice beratung eventsservices eventservices facilitiesservices "
     "securityinvestigations"},
    {"Consumer Goods", "consumergoods consumerproducts cosmetics furniture sportinggoods tobacco"},
    {"Education",
     "education educationmanagement elearning highereducation primarysecondaryeducation primarysecondary "
     "professionaltrainingcoaching research bildung"},
    {"Electronics", "electronics consumerelectronics semiconductors electricalelectronicmanufacturing computerhardware"},
    {"Energy", "energy oilgas oilenergy oil gas miningmetals mining renewablesenvironment renewables energie"},
    {"Engineering", "engineering mechanicalorindustrialengineering industrialautomation"},
    {"Entertainment",
     "entertainment music gambling gamblingcasinos computergames performingarts fineart animation motionpicturesfilm "
     "motionpictures photography artscrafts museumsinstitutions"},
    {"Environmental", "environmental environmentalservices waste"},
    {"Finance",
     "finance financial financialservices accounting capitalmarkets investmentmanagement venturecapitalprivateequity "
     "venturecapital finanzen finanzdienstleistungen"},
    {"Food & Beverage", "foodbeverage foodbeverages food beverage foodproduction winespirits restaurants lebensmittel"},
    {"Government",
     "government governmentmilitary governmentadministration governmentrelations publicsector military defensespace publicpolicy "
     "publicsafety lawenforcement judiciary legislativeoffice politicalorganization internationalaffairs "
     "internationaltradedevelopment behorde"},
    {"Healthcare",
     "healthcare hospitalhealthcare health hospital medicalpractice medicaldevices mentalhealthcare healthwellnessfitness "
     "alternativemedicine veterinary gesundheit gesundheitswesen"},
    {"Hospitality", "hospitality leisuretraveltourism leisure travel tourism hotels"},
    {"Insurance", "insurance versicherung versicherungen"},
    {"Legal", "legal legalservices lawpractice law alternativedisputeresolution"},
    {"Machinery", "machinery maschinenbau"},
    {"Manufacturing",
     "manufacturing industrial automotive aviationaerospace aerospace shipbuilding packagingcontainers paperforestproducts "
     "railroadmanufacture businesssuppliesequipment fertigung produktion"},
    {"Media", "media broadcastmedia mediaproduction newspapers onlinemedia publishing medien"},
    {"Not For Profit",
     "notforprofit nonprofit nonprofitorganizationmanagement civicsocialorganization religiousinstitutions philanthropy "
     "fundraising individualfamilyservices thinktanks libraries"},
    {"Pharmaceuticals", "pharmaceuticals pharma pharmaceutical"},
    {"Real Estate", "realestate commercialrealestate immobilien"},
    {"Recreation", "recreation recreationalfacilitiesservices sports fitness"},
    {"Retail", "retail supermarkets wholesale importexport ecommerce consumerservices handel einzelhandel grosshandel"},
    {"Shipping", "shipping maritime packagefreightdelivery"},
    {"Technology",
     "technology computersoftware software informationtechnologyservices informationtechnology it internet computernetworking "
     "computernetworksecurity informationservices saas asp dataservices managementisv storageequipment storageserviceprovider "
     "systemsintegrator serverequipment wireless wirelessindustry opticalnetworking erp mspmanagementserviceprovider edv"},
    {"Telecommunications", "telecommunications telecom telecommunication serviceprovider networkequipmententerprise"},
    {"Transportation",
     "transportation transport transportationtruckingrailroad logisticssupplychain logistics logistik airlinesaviation airlines "
     "warehousing"},
    {"Utilities", "utilities utility versorger"},
    {"Other", "other sonstige sonstiges andere"},
};

std::unordered_map<std::string_view, const char *> index() {
    std::unordered_map<std::string_view, const char *> all;
    for (const Group &group : groups) {
        for (std::string_view rest = group.entries; !rest.empty();) {
            const std::size_t end = std::min(rest.find(' '), rest.size());
            all.emplace(rest.substr(0, end), group.name);
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return all;
}

std::string key_of(std::string_view text) {
    std::string key, word;
    const auto close = [&] {
        if (word != "and" && word != "und" && word != "the") key += word;
        word.clear();
    };
    for (const char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            word += static_cast<char>(c | 0x20);
        else
            close();
    }
    close();
    return key;
}

// "COMPUTER_GAMES" -> "Computer Games"; anything with a small letter was spelt by a person and stays.
std::string tidy(std::string_view text) {
    std::string out(sync::trim(text));
    if (out.find('_') == std::string::npos || std::any_of(out.begin(), out.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
        return out;
    bool start = true;
    for (char &c : out) {
        if (c == '_') c = ' ';
        if (!start && c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
        start = c == ' ';
    }
    return out;
}

}  // namespace

std::string industry(std::string_view text) {
    static const auto names = index();
    const auto found = names.find(key_of(text));
    return found == names.end() ? tidy(text) : found->second;
}

}  // namespace xsell::connectors
