// Postal addresses in a form in which two spellings of one street are equal or close.
#pragma once
#include <string>
#include <string_view>

namespace xsell::core {

struct Address {
    std::string number;  // house number, lower case; empty where there is none
    std::string street;  // words of the street without its kind (street, avenue), units and directions
    std::string postal;  // a postal code at the end of the text, where it has one
};

// Reads street and number in either order: '221 E. 51st St., Suite 3', 'Hauptstr. 12a', '12, rue de la Paix'.
Address parse_address(std::string_view text);

// Letters and digits of a postal code; the four digits that the USA append are dropped.
std::string postal_key(std::string_view postal);

}  // namespace xsell::core
