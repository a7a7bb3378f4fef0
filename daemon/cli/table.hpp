// Aligned columns for people.
#pragma once
#include <string>
#include <vector>

namespace xsell::cli {

class Table {
  public:
    // A column whose name ends with '>' is aligned to the right.
    explicit Table(std::vector<std::string> columns);
    void add(std::vector<std::string> row);
    std::string text() const;
    bool empty() const { return rows_.empty(); }

  private:
    std::vector<std::string> columns_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace xsell::cli
