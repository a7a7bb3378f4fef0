#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "config/config.hpp"

namespace xsell::config {

std::optional<std::string> resolve_reference(const std::string &value, const std::filesystem::path &folder) {
    std::string secret;
    if (value.starts_with("env:")) {
        const char *found = std::getenv(value.c_str() + 4);
        if (!found || !*found) throw std::runtime_error("the environment variable " + value.substr(4) + " is not set");
        return found;
    }
    if (!value.starts_with("file:")) return std::nullopt;
    const std::filesystem::path path = folder / value.substr(5);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
        throw std::runtime_error("the file " + path.string() + " cannot be read");
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        throw std::runtime_error("the file " + path.string() + " is open to others; run: chmod 600 " + path.string());
    constexpr off_t limit = 1 << 20;
    if (info.st_size > limit) throw std::runtime_error("the file " + path.string() + " is too big for a secret");
    std::ifstream in(path, std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    if (!in) throw std::runtime_error("the file " + path.string() + " cannot be read");
    secret = content.str();
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    if (secret.empty()) throw std::runtime_error("the file " + path.string() + " is empty");
    return secret;
}

std::string redacted(std::string text, const std::vector<std::string> &secrets) {
    constexpr std::size_t shortest = 4;  // shorter ones would blot out half of every sentence
    for (const auto &secret : secrets) {
        if (secret.size() < shortest) continue;
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
            text.replace(at, secret.size(), "***");
    }
    return text;
}

}  // namespace xsell::config
