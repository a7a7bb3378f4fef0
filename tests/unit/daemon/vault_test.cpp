#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/host_tokens.hpp"
#include "store/vault.hpp"

namespace {

using namespace xsell::store;
namespace fs = std::filesystem;

class Vault : public testing::Test {
  protected:
    void SetUp() override {
        folder = fs::temp_directory_path() / ("xsell_vault_" + std::to_string(::getpid()));
        fs::create_directories(folder);
        file = folder / "key";
    }
    void TearDown() override { fs::remove_all(folder); }
    void write(const fs::path &path, const std::string &text, mode_t mode = 0600) {
        fs::remove(path);
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
    }
    std::string problem() {
        try {
            read_key(file);
        } catch (const KeyError &error) {
            EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
            return error.what();
        }
        return "";
    }
    fs::path folder, file;
};

TEST_F(Vault, OpensWhatItSealed) {
    const Key key = Key::random();
    const std::string plain("a token\0 with everything \xFF", 26);
    const Sealed sealed = key.seal("emea", plain), again = key.seal("emea", plain);
    EXPECT_EQ(key.open("emea", sealed), plain);
    EXPECT_EQ(sealed.key_id, key.id());
    EXPECT_EQ(sealed.bytes.find("token"), std::string::npos);
    EXPECT_NE(sealed.nonce, again.nonce);
    EXPECT_NE(sealed.bytes, again.bytes);
    EXPECT_EQ(key.open("emea", key.seal("emea", "")), "");
}

TEST_F(Vault, OpensNothingElse) {
    const Key key = Key::random(), other = Key::random();
    const Sealed sealed = key.seal("emea", "secret");
    EXPECT_EQ(key.open("amer", sealed), std::nullopt);  // moved to another org
    EXPECT_EQ(other.open("emea", sealed), std::nullopt);
    Sealed renamed = sealed;
    renamed.key_id = other.id();
    EXPECT_EQ(other.open("emea", renamed), std::nullopt);
    for (std::size_t i = 0; i < sealed.bytes.size(); ++i) {
        Sealed damaged = sealed;
        damaged.bytes[i] ^= 1;
        EXPECT_EQ(key.open("emea", damaged), std::nullopt) << i;
    }
    Sealed cut = sealed;
    cut.bytes.resize(3);
    EXPECT_EQ(key.open("emea", cut), std::nullopt);
    cut = sealed;
    cut.nonce.pop_back();
    EXPECT_EQ(key.open("emea", cut), std::nullopt);
}

TEST_F(Vault, ReadsHexAndBase64) {
    const std::string hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const std::string base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const auto key = Key::parse(hex);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->text(), base64);
    EXPECT_EQ(Key::parse(base64)->id(), key->id());
    EXPECT_EQ(Key::parse(base64.substr(0, 43))->id(), key->id());
    EXPECT_EQ(key->id().size(), 16u);
    EXPECT_EQ(hex.find(key->id()), std::string::npos);
    const std::vector<std::string> others = {"",         "short",      "AAECAw==",           hex.substr(2),
                                             hex + "00", base64 + "x", "zz" + hex.substr(2), std::string(64, '0')};
    for (const auto &bad : others) EXPECT_FALSE(Key::parse(bad)) << bad;
}

TEST_F(Vault, KeyFilesAreMadeWholeAndClosed) {
    const Key key = Key::random();
    write_key(file, key);
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_EQ(read_key(file).id(), key.id());
    EXPECT_THROW(write_key(file, Key::random()), KeyError);
    EXPECT_EQ(read_key(file).id(), key.id());
    EXPECT_THROW(write_key(folder / "nowhere" / "key", key), KeyError);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);  // no draft is left
}

TEST_F(Vault, RefusesUnsafeKeyFiles) {
    const std::string text = Key::random().text() + "\n";
    EXPECT_NE(problem().find("xselld key new"), std::string::npos);
    for (const mode_t mode : {0640, 0604, 0660, 0700, 0644, 0601}) {
        write(file, text, mode);
        EXPECT_NE(problem().find("chmod 600"), std::string::npos) << mode;
    }
    for (const mode_t mode : {0600, 0400}) {
        write(file, text, mode);
        EXPECT_EQ(problem(), "") << mode;
    }
    write(file, text + text);
    EXPECT_NE(problem().find("is no key"), std::string::npos);
    write(file, "");
    EXPECT_NE(problem().find("is no key"), std::string::npos);
    write(file, text);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(file.c_str(), 12345, 0), 0);
        EXPECT_NE(problem().find("another user"), std::string::npos);
    }
    fs::remove(file);
    fs::create_directory(file);
    EXPECT_NE(problem().find("no regular file"), std::string::npos);
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_NE(problem().find("no regular file"), std::string::npos);  // and does not wait for a writer
}

TEST_F(Vault, ChangesKeysWithoutAGap) {
    const Key first = Key::random(), second = Key::random();
    write_key(file, first);
    write_key(beside(file, ".new"), second);
    const KeyRing before(file);
    EXPECT_EQ(before.current().id(), first.id());
    EXPECT_NE(before.find(second.id()), nullptr);
    swap_keys(file);
    const KeyRing after(file);
    EXPECT_EQ(after.current().id(), second.id());
    EXPECT_NE(after.find(first.id()), nullptr);
    EXPECT_FALSE(fs::exists(beside(file, ".new")));
    drop_old_key(file);
    drop_old_key(file);  // is no error
    const KeyRing end(file);
    EXPECT_EQ(end.keys.size(), 1u);
    EXPECT_EQ(end.find(first.id()), nullptr);
    EXPECT_THROW(swap_keys(file), KeyError);  // there is nothing to swap with
    EXPECT_EQ(read_key(file).id(), second.id());
}

TEST(Bytea, IsReadAsItIsWritten) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_EQ(from_bytea(to_bytea(all)), all);
    EXPECT_EQ(to_bytea(std::string("\x00\xAB", 2)), "\\x00ab");
}

}  // namespace
