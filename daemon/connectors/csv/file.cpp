#include "connectors/csv/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connectors/csv/json_lines.hpp"
#include "connectors/csv/mapping.hpp"
#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::csv {
namespace {

// Bump it when the same text would become other columns than before.
constexpr const char *reading_version = "csv 1";
constexpr std::size_t header_bytes = 1 << 20;  // of JSON lines: so much is looked at for the names of members

[[noreturn]] void fail(const std::string &name, int error) {
    throw sync::SyncError(error == EIO || error == ESTALE ? sync::Fault::transient : sync::Fault::object,
                          name + ": " + std::strerror(error));
}

struct Descriptor {
    int fd;
    explicit Descriptor(int number) : fd(number) {}
    ~Descriptor() { ::close(fd); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
};

std::uint64_t fnv(std::string_view text, std::uint64_t hash) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return (hash ^ 0xFF) * 1099511628211ULL;
}

std::string first_bytes(const File &file, std::size_t size) {
    std::string bytes(size, '\0');
    const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(file.name, errno);
    const Descriptor descriptor(fd);
    const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

Bytes bytes_of(const File &file) {
    const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(file.name, errno);
    const auto descriptor = std::make_shared<Descriptor>(fd);
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return [descriptor, label = file.name](std::uint64_t offset, char *to, std::size_t size) {
        for (;;) {
            const ssize_t got = ::pread(descriptor->fd, to, size, static_cast<off_t>(offset));
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) fail(label, errno);
        }
    };
}

// Members that the first lines lack may still be named in the configuration.
void read_members(File &file, const std::map<std::string, std::string> &columns, const std::vector<std::string> &attributes) {
    std::string start = first_bytes(file, header_bytes);
    if (start.size() < header_bytes) start += '\n';
    file.header = json_header(start.starts_with("\xEF\xBB\xBF") ? std::string_view(start).substr(3) : start);
    if (file.header.empty()) file.problems.emplace_back("is empty, or no line of it is a JSON object");
    std::vector<std::string> named = attributes;
    for (const auto &[column, member] : columns) named.push_back(member);
    for (const auto &name : named) {
        const bool known =
            std::any_of(file.header.begin(), file.header.end(), [&](const auto &h) { return normalised(h) == normalised(name); });
        if (!name.empty() && !known) file.header.push_back(name);
    }
}

void read_header(File &file, const Settings &settings) {
    const std::string start = first_bytes(file, 4096);
    if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
        file.problems.emplace_back("is UTF-16; save it as UTF-8");
        return;
    }
    if (file.json_lines) return;
    const std::string delimiter = settings.text("delimiter");
    if (delimiter.empty())
        file.dialect.delimiter = detect_delimiter(std::string_view(start).substr(0, start.find_first_of("\r\n")));
    else
        file.dialect.delimiter = delimiter == "tab" ? '\t' : delimiter[0];
    Row row;
    Reader reader(bytes_of(file), file.dialect);
    if (!reader.next(row)) {
        file.problems.emplace_back("is empty: there is no header line");
        return;
    }
    if (!row.error.empty()) file.problems.push_back("header: " + row.error);
    for (const auto field : row.fields) file.header.emplace_back(sync::trim(field));
}

void recognise(File &file, const Settings &settings) {
    const auto configured =
        std::find_if(settings.files.begin(), settings.files.end(), [&](const FileSettings &f) { return f.name == file.name; });
    std::map<std::string, std::string> columns;
    if (configured != settings.files.end()) file.object = configured->object;
    if (file.object == "none") {
        file.object.clear();
        return;
    }
    if (file.object.empty()) file.object = object_by_name(file.name).value_or("");
    const auto known_columns = [&] {
        if (const auto by_object = settings.columns.find(file.object); by_object != settings.columns.end())
            columns = by_object->second;
        if (configured == settings.files.end()) return;
        for (const auto &[column, header] : configured->columns) columns[column] = header;
    };
    known_columns();
    if (file.json_lines && file.problems.empty()) {
        const auto kept = settings.attributes.find(file.object);
        read_members(file, columns, kept == settings.attributes.end() ? std::vector<std::string>{} : kept->second);
    }
    if (file.object.empty() && looks_like_invoice_lines(file.header)) {
        file.object = invoice_line;
        known_columns();
    }
    if (file.object.empty()) return;
    if (file.problems.empty()) file.columns = map_columns(file.object, file.header, columns, file.problems);
}

// Files that can be read, by their extension: false for CSV, true for JSON lines.
std::optional<bool> is_json_lines(const std::filesystem::path &path) {
    static const std::map<std::string, bool> known = {{".csv", false}, {".tsv", false}, {".jsonl", true}, {".ndjson", true}};
    const auto found = known.find(sync::lower_ascii(path.extension().string()));
    return found == known.end() ? std::nullopt : std::optional<bool>(found->second);
}

}  // namespace

Identity File::identity() const {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) fail(name, errno);
    return {info.st_size, info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
}

std::unique_ptr<RowReader> File::open() const {
    if (json_lines) return std::make_unique<JsonLines>(bytes_of(*this), header);
    auto reader = std::make_unique<Reader>(bytes_of(*this), dialect);
    Row names;
    reader->next(names);
    return reader;
}

std::int64_t File::map_hash(const std::vector<std::string> &attributes) const {
    std::uint64_t hash = fnv(reading_version, 14695981039346656037ULL);
    for (const auto &[column, position] : columns) hash = fnv(header[position], fnv(column, hash));
    for (const auto &attribute : attributes) hash = fnv(attribute, hash);
    hash = fnv(object, fnv(dialect.latin1 ? "latin1" : "utf8", hash));
    if (decimal != '.') hash = fnv(std::string(1, decimal), hash);
    return static_cast<std::int64_t>(fnv(std::to_string(static_cast<int>(order)), hash));
}

bool is_readable(const std::filesystem::path &path) { return is_json_lines(path).has_value(); }

std::vector<File> scan_folder(const std::filesystem::path &folder, const Settings &settings) {
    std::vector<File> files;
    std::error_code error;
    for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
        std::error_code unreachable;  // a link that leads nowhere, or in circles
        const auto json_lines = is_json_lines(entry.path());
        if (!json_lines || !entry.is_regular_file(unreachable)) continue;
        File file;
        file.json_lines = *json_lines;
        file.path = entry.path();
        file.name = entry.path().filename().string();
        files.push_back(std::move(file));
    }
    if (error) settings.problem("path: '" + folder.string() + "': " + error.message());
    std::sort(files.begin(), files.end(), [](const File &a, const File &b) { return a.name < b.name; });
    const std::string dates = settings.choice("dates", {"iso", "mdy", "dmy"});
    const bool latin1 = settings.choice("encoding", {"utf8", "latin1"}) == "latin1";
    const char decimal = settings.choice("decimal", {".", ","})[0];
    for (auto &file : files) {
        file.dialect.latin1 = latin1;
        file.decimal = decimal;
        file.order = dates == "mdy" ? sync::DateOrder::mdy : dates == "dmy" ? sync::DateOrder::dmy : sync::DateOrder::iso;
        try {
            read_header(file, settings);
        } catch (const std::exception &problem) {
            file.problems.emplace_back(problem.what());
        }
        recognise(file, settings);
    }
    return files;
}

}  // namespace xsell::connectors::csv
