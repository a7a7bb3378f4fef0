// CSV text, tidy and hostile, row by row.
#include "connectors/csv/reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace xsell::connectors::csv {
namespace {

using Fields = std::vector<std::string>;

Bytes memory(const std::string &text, std::size_t piece = 1 << 20) {
    return [&text, piece](std::uint64_t offset, char *to, std::size_t size) {
        if (offset >= text.size()) return std::size_t{0};
        const std::size_t count = std::min({size, piece, text.size() - static_cast<std::size_t>(offset)});
        std::memcpy(to, text.data() + offset, count);
        return count;
    };
}

struct Read {
    std::vector<Fields> rows;
    std::vector<std::int64_t> lines;
    std::vector<std::string> errors;  // "7: reason"
};

Read read(const std::string &text, Dialect dialect = {}, std::size_t piece = 1 << 20) {
    Read out;
    Reader reader(memory(text, piece), dialect);
    for (Row row; reader.next(row);) {
        if (row.error.empty()) {
            out.rows.emplace_back(row.fields.begin(), row.fields.end());
            out.lines.push_back(row.line);
        } else {
            out.errors.push_back(std::to_string(row.line) + ": " + row.error);
            EXPECT_LE(row.raw.size(), 65536u);
        }
    }
    EXPECT_EQ(reader.offset(), text.size());
    return out;
}

TEST(CsvReader, QuotesLineEndsAndBom) {
    const Read got = read("\xEF\xBB\xBF\"id\",name\r\n1,\"a \"\"b\"\", c\"\n\n2,\"two\r\nlines\"\r3,it\"s\n4,");
    EXPECT_EQ(got.rows,
              (std::vector<Fields>{{"id", "name"}, {"1", "a \"b\", c"}, {"2", "two\r\nlines"}, {"3", "it\"s"}, {"4", ""}}));
    EXPECT_EQ(got.lines, (std::vector<std::int64_t>{1, 2, 4, 6, 7}));
    EXPECT_TRUE(got.errors.empty());
}

TEST(CsvReader, SmallReadsGiveTheSame) {
    const std::string text = "id,name\r\n1,\"x,\"\"y\"\"\r\nz\"\r\n2,\xC3\xA9\r\n";
    for (std::size_t piece = 1; piece < 8; ++piece) EXPECT_EQ(read(text, {}, piece).rows, read(text).rows) << piece;
}

TEST(CsvReader, BadRowsAreNamedAndTheOthersRead) {
    std::string text = "id,name\n1,good\n2,nul here\n3,caf\xE9\n4,good\n";
    text[text.find(" here")] = '\0';
    const Read got = read(text);
    EXPECT_EQ(got.rows, (std::vector<Fields>{{"id", "name"}, {"1", "good"}, {"4", "good"}}));
    ASSERT_EQ(got.errors.size(), 2u);
    EXPECT_EQ(got.errors[0], "3: the row holds a NUL byte");
    EXPECT_EQ(got.errors[1].substr(0, 23), "4: the row is not UTF-8");
}

TEST(CsvReader, Latin1OnRequest) {
    Dialect dialect;
    dialect.latin1 = true;
    EXPECT_EQ(read("caf\xE9,x\n", dialect).rows, (std::vector<Fields>{{"café", "x"}}));
}

TEST(CsvReader, AStrayQuoteCostsOneLine) {
    const Read open = read("1,\"never closed\n2,b\n3,c\n");
    EXPECT_EQ(open.rows, (std::vector<Fields>{{"2", "b"}, {"3", "c"}}));
    EXPECT_EQ(open.errors, Fields{"1: a quote is not closed"});
    const Read junk = read("1,\"Acme,x\n2,b,x\n3,\"Gamma, Inc\",x\n4,d,x\n");
    EXPECT_EQ(junk.rows, (std::vector<Fields>{{"2", "b", "x"}, {"3", "Gamma, Inc", "x"}, {"4", "d", "x"}}));
    EXPECT_EQ(junk.errors, Fields{"1: text follows a closing quote"});
}

TEST(CsvReader, ALongRowIsSkippedWhole) {
    std::string text = "1,a\n2,\"";
    text.append(5 << 20, 'x');
    text += "\nsecond line of it, \"\"quoted\"\"\n\"\n5,b\n";
    const Read got = read(text);
    EXPECT_EQ(got.rows, (std::vector<Fields>{{"1", "a"}, {"5", "b"}}));
    EXPECT_EQ(got.lines, (std::vector<std::int64_t>{1, 5}));
    EXPECT_EQ(got.errors, Fields{"2: the row is longer than 1 MB"});
}

TEST(CsvReader, ALongRowWithAnOpenQuoteIsLeftAtItsSecondLine) {
    std::string text = "1,a\n2,\"open\n";
    for (int i = 0; i < 200000; ++i) text += "3,b,ccc\n";
    const Read got = read(text);
    EXPECT_EQ(got.rows.size(), 200001u);
    EXPECT_EQ(got.lines.back(), 200002);
    EXPECT_EQ(got.errors.size(), 1u);
    text += "4,\"text\"after\n";
    EXPECT_EQ(read(text).rows.size(), 200001u);
}

TEST(CsvReader, FindsTheDelimiter) {
    EXPECT_EQ(detect_delimiter("id;name;country"), ';');
    EXPECT_EQ(detect_delimiter("id\tname"), '\t');
    EXPECT_EQ(detect_delimiter("\"a;b;c\",d"), ',');
    EXPECT_EQ(detect_delimiter("id"), ',');
}

TEST(CsvReader, WhatIsWrittenIsReadBack) {
    std::mt19937 random(11);
    const Fields bits = {"a", "\"", ",", "\n", "\r", "\r\n", " ", "é", ";", "\t", "xyz", "\"\""};
    for (int round = 0; round < 500; ++round) {
        const std::size_t width = 1 + random() % 5;
        std::vector<Fields> rows(1 + random() % 8, Fields(width));
        std::string text;
        for (auto &row : rows) {
            for (std::size_t c = 0; c < width; ++c) {
                for (unsigned i = random() % 6; i > 0; --i) row[c] += bits[random() % bits.size()];
                text += (c ? "," : "") + written(row[c]);
            }
            text += random() % 2 ? "\r\n" : "\n";
        }
        const Read got = read(text, {}, 1 + random() % 40);
        EXPECT_EQ(got.rows, rows) << text;
        EXPECT_TRUE(got.errors.empty());
    }
}

TEST(CsvReader, AnyBytesEndWithoutHarm) {
    std::mt19937 random(13);
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (unsigned i = random() % 120; i > 0; --i)
            text += random() % 2 ? "\",\n\r;\0a"[random() % 7] : static_cast<char>(random());
        Reader reader(memory(text, 1 + random() % 20), {});
        std::int64_t last = 0;
        for (Row row; reader.next(row);) {
            EXPECT_GT(row.line, last);
            last = row.line;
        }
    }
}

}  // namespace
}  // namespace xsell::connectors::csv
