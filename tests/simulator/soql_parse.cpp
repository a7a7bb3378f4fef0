#include <fmt/format.h>

#include <cctype>

#include "soql.hpp"

namespace xsell::simulator {
namespace {

struct Token {
    enum Type { word, quoted, symbol, end } type = end;
    std::string text;
};

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) { advance(); }

    Soql query() {
        Soql q;
        expect("SELECT");
        std::vector<std::string> names;
        do names.push_back(word("a field name"));
        while (accept(","));
        if (names.size() == 1 && lower(names[0]) == "count" && accept("(")) {
            expect(")");
            q.count = true;
        }
        expect("FROM");
        const std::string name = word("an object name");
        q.object = sobject_named(name);
        if (!q.object) throw SoqlError("INVALID_TYPE", fmt::format("sObject type '{}' is not supported.", name));
        object_ = q.object;
        for (const std::string &field_name : names) {
            if (!q.count) q.fields.push_back(&field(field_name));
        }
        if (accept("WHERE")) q.where = disjunction();
        if (accept("ORDER")) order(q);
        if (accept("LIMIT")) q.limit = std::stoul(number());
        if (token_.type != Token::end) fail(token_.text);
        return q;
    }

  private:
    void order(Soql &q) {
        expect("BY");
        do {
            Soql::Order by{&field(word("a field name")), false};
            if (accept("DESC"))
                by.descending = true;
            else
                accept("ASC");
            if (accept("NULLS") && !accept("FIRST")) expect("LAST");
            q.order.push_back(by);
        } while (accept(","));
    }

    Condition disjunction() {
        Condition first = conjunction();
        if (!is("OR")) return first;
        Condition any;
        any.op = Condition::any;
        any.parts.push_back(std::move(first));
        while (accept("OR")) any.parts.push_back(conjunction());
        // Salesforce refuses a mixture that brackets do not settle.
        if (is("AND")) fail("AND");
        return any;
    }

    Condition conjunction() {
        Condition first = factor();
        if (!is("AND")) return first;
        Condition all;
        all.parts.push_back(std::move(first));
        while (accept("AND")) all.parts.push_back(factor());
        if (is("OR")) fail("OR");
        return all;
    }

    Condition factor() {
        if (accept("(")) {
            Condition inner = disjunction();
            expect(")");
            return inner;
        }
        if (accept("NOT")) {
            Condition negated;
            negated.op = Condition::negation;
            negated.parts.push_back(factor());
            return negated;
        }
        return comparison();
    }

    Condition comparison() {
        Condition c;
        c.field = &field(word("a field name"));
        if (accept("IN"))
            c.op = Condition::in;
        else if (accept("NOT"))
            expect("IN"), c.op = Condition::not_in;
        else
            c.op = operation();
        if (c.op != Condition::in && c.op != Condition::not_in) {
            literal(c);
            return c;
        }
        expect("(");
        do literal(c);
        while (accept(","));
        expect(")");
        return c;
    }

    Condition::Op operation() {
        static constexpr std::pair<const char *, Condition::Op> symbols[] = {
            {"=", Condition::equal},       {"!=", Condition::unequal},       {"<>", Condition::unequal},
            {"<=", Condition::less_equal}, {">=", Condition::greater_equal}, {"<", Condition::less},
            {">", Condition::greater}};
        for (const auto &[symbol, op] : symbols) {
            if (accept(symbol)) return op;
        }
        fail(token_.text);
    }

    void literal(Condition &c) {
        const Token token = token_;
        advance();
        std::string text = token.text;
        if (token.type == Token::word && lower(text) == "null")
            text.clear();
        else
            check(*c.field, token);
        const FieldType type = c.field->type;
        if (type == FieldType::boolean) text = lower(text) == "true" ? "t" : "f";
        c.millis.push_back(type == FieldType::datetime || type == FieldType::date ? parse_millis(text).value_or(0) : 0);
        c.numbers.push_back(type == FieldType::number || type == FieldType::integer ? std::strtod(text.c_str(), nullptr) : 0);
        c.texts.push_back(std::move(text));
    }

    void check(const Field &field, const Token &token) {
        const bool quoted = token.type == Token::quoted;
        const bool wants_quotes =
            field.type == FieldType::id || field.type == FieldType::reference || field.type == FieldType::string;
        if (token.type == Token::end || token.type == Token::symbol) fail(token.text);
        if (quoted != wants_quotes) {
            throw SoqlError(
                "MALFORMED_QUERY",
                fmt::format("value of filter criterion for field '{}' must be of type {} and should {}be enclosed in quotes",
                            field.name, field_type_name(field.type), wants_quotes ? "" : "not "));
        }
        const bool right = field.type == FieldType::boolean    ? lower(token.text) == "true" || lower(token.text) == "false"
                           : field.type == FieldType::datetime ? token.text.size() > 10 && parse_millis(token.text)
                           : field.type == FieldType::date     ? token.text.size() == 10 && parse_millis(token.text)
                                                               : true;
        if (!right)
            throw SoqlError("MALFORMED_QUERY", fmt::format("unexpected token: '{}' for field '{}'", token.text, field.name));
    }

    const Field &field(const std::string &name) {
        if (const Field *found = object_->field(name)) return *found;
        throw SoqlError(
            "INVALID_FIELD",
            fmt::format("\nSELECT {} FROM {}\nERROR at Row:1:Column:8\nNo such column '{}' on entity '{}'. If you are attempting "
                        "to use a custom field, be sure to append the '__c' after the custom field name.",
                        name, object_->name, name, object_->name));
    }

    std::string number() {
        const std::string text = word("a number");
        if (text.find_first_not_of("0123456789") != std::string::npos) fail(text);
        return text;
    }

    std::string word(const char *what) {
        if (token_.type != Token::word)
            throw SoqlError("MALFORMED_QUERY", fmt::format("unexpected token: '{}' (expecting {})", token_.text, what));
        std::string text = token_.text;
        advance();
        return text;
    }

    bool is(std::string_view what) const { return token_.type != Token::quoted && lower(token_.text) == lower(what); }
    bool accept(std::string_view what) {
        if (token_.type == Token::end || !is(what)) return false;
        advance();
        return true;
    }
    void expect(std::string_view what) {
        if (!accept(what)) fail(token_.text);
    }
    [[noreturn]] void fail(const std::string &text) {
        throw SoqlError("MALFORMED_QUERY",
                        fmt::format("unexpected token: '{}' at position {}", text.empty() ? "<EOF>" : text, at_));
    }

    void advance() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) at_++;
        token_ = {};
        if (at_ >= text_.size()) return;
        const char c = text_[at_];
        if (c == '\'') {
            quoted();
        } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-') {
            token_.type = Token::word;
            const auto inside = [](char x) {
                return std::isalnum(static_cast<unsigned char>(x)) || std::string_view("_.-:+").find(x) != std::string_view::npos;
            };
            while (at_ < text_.size() && inside(text_[at_])) token_.text += text_[at_++];
        } else {
            token_.type = Token::symbol;
            token_.text = c;
            at_++;
            if (at_ < text_.size() && (c == '<' || c == '>' || c == '!') && (text_[at_] == '=' || text_[at_] == '>'))
                token_.text += text_[at_++];
        }
    }

    void quoted() {
        token_.type = Token::quoted;
        for (at_++; at_ < text_.size() && text_[at_] != '\''; at_++) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) at_++;
            token_.text += text_[at_];
        }
        if (at_ >= text_.size()) throw SoqlError("MALFORMED_QUERY", "unterminated string literal");
        at_++;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Token token_;
    const SObject *object_ = nullptr;
};

}  // namespace

Soql parse_soql(std::string_view text) { return Parser(text).query(); }

}  // namespace xsell::simulator
