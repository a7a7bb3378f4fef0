// The key that seals the tokens which vendors issue: made, changed, and what it sealed forgotten.
#include <cstdio>

#include "cli/commands.hpp"
#include "store/host_tokens.hpp"

namespace xsell::cli {

int key_new_command(const std::filesystem::path &file) {
    const store::Key key = store::Key::random();
    store::write_key(file, key);
    std::printf("key %s is in %s; name the file in the configuration:\n\n[sync]\ntoken_key = \"%s\"\n", key.id().c_str(),
                file.c_str(), file.c_str());
    return 0;
}

int key_rotate_command(const std::filesystem::path &file) {
    const config::Config config = load_config(file, Needs::database);
    if (config.token_key.empty()) throw Refused("token_key of [sync] is not set: there is no key to change");
    const auto database = connect(config, "xselld key");
    const store::Rotation done = store::rotate_key(*database, config.token_key);
    std::printf("%s holds the key %s instead of %s; %lld tokens were sealed anew\n", config.token_key.c_str(),
                done.new_id.c_str(), done.old_id.c_str(), static_cast<long long>(done.tokens));
    return 0;
}

int key_forget_command(const std::filesystem::path &file, const std::string &org) {
    const config::Config config = load_config(file, Needs::database);
    const bool forgotten = store::forget_token(*connect(config, "xselld key"), org);
    std::printf(forgotten ? "the token of org %s is forgotten; the next login takes what the configuration says\n"
                          : "no token is kept for org %s\n",
                org.c_str());
    return forgotten ? 0 : 1;
}

}  // namespace xsell::cli
