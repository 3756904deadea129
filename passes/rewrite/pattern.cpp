#include "passes/rewrite/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "ir/core/error.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Recursive descent over one alternative.
class PatternParser {
 public:
  PatternParser(std::string_view rule, std::string_view text, PatternNames& names) : rule_(rule), text_(text), names_(names) {}

  Pattern parse() {
    while (skip_space(), at_ < text_.size()) pattern_.nodes.push_back(statement());
    if (pattern_.nodes.empty()) fail("the pattern is empty");
    return std::move(pattern_);
  }

 private:
  PatternNode statement() {
    PatternNode node;
    do node.outputs.push_back(output_name());
    while (take(','));
    expect('=');
    do node.ops.push_back(operator_row());
    while (take('|'));
    if (take('<')) attributes(node);
    expect('(');
    if (!take(')')) {
      do input(node);
      while (take(','));
      expect(')');
    }
    if (take('<')) attributes(node);
    return node;
  }

  int output_name() {
    const std::string name = word();
    return name == "_" ? -1 : value_index(name);
  }

  const OpSchema* operator_row() {
    std::string path = word();
    while (take('.')) path += "." + word();
    const std::size_t dot = path.rfind('.');
    const std::string domain = dot == std::string::npos ? "" : path.substr(0, dot);
    const std::string name = dot == std::string::npos ? path : path.substr(dot + 1);
    const OpSchema* row = newest_op(domain, name);
    if (row == nullptr) fail("no operator " + path);
    return row;
  }

  void input(PatternNode& node) {
    skip_space();
    if (node.more_inputs) fail("'...' must be the last input");
    if (text_.substr(at_, 3) == "...") {
      at_ += 3;
      node.more_inputs = true;
      return;
    }
    PatternInput in;
    if (text_.substr(at_, 2) == "\"\"") {
      at_ += 2;
      in.kind = PatternInput::Kind::absent;
    } else if (starts_number()) {
      in.kind = PatternInput::Kind::number;
      in.number = number(in.integral);
      in.approximate = take('~');
    } else {
      const std::string name = word();
      if (name != "_") {
        in.kind = PatternInput::Kind::name;
        in.name = value_index(name);
      }
      in.optional = take('?');
    }
    node.inputs.push_back(in);
  }

  void attributes(PatternNode& node) {
    do {
      PatternAttr attr;
      attr.name = word();
      for (const OpSchema* op : node.ops)
        if (op->find_attr(attr.name) == nullptr) fail(fmt::format("{} has no attribute {}", op->name, attr.name));
      if (take(':')) word();
      expect('=');
      if (take('@')) {
        const std::string capture = word();
        attr.capture = PatternNames::find(names_.captures, capture);
        if (attr.capture < 0) {
          attr.capture = static_cast<int>(names_.captures.size());
          names_.captures.push_back(capture);
        }
      } else {
        attr.value = literal(node.ops.front()->find_attr(attr.name)->type);
      }
      node.attrs.push_back(std::move(attr));
    } while (take(','));
    expect('>');
  }

  AttrValue literal(AttrType type) {
    bool integral = false;
    switch (type) {
      case AttrType::int_: return static_cast<std::int64_t>(number(integral));
      case AttrType::float_: return static_cast<float>(number(integral));
      case AttrType::string: return quoted();
      case AttrType::ints: return list<Ints>([&] { return static_cast<std::int64_t>(number(integral)); });
      case AttrType::floats: return list<Floats>([&] { return static_cast<float>(number(integral)); });
      case AttrType::strings: return list<Strings>([&] { return quoted(); });
      default: fail("an attribute of this type cannot be compared in a pattern");
    }
  }

  template <class List, class F>
  List list(F&& element) {
    List values;
    expect('[');
    if (take(']')) return values;
    do values.push_back(element());
    while (take(','));
    expect(']');
    return values;
  }

  std::string quoted() {
    expect('"');
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }

  bool starts_number() {
    skip_space();
    const char c = peek();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.') return true;
    return text_.substr(at_, 3) == "inf" && !(at_ + 3 < text_.size() && is_word(text_[at_ + 3]));
  }

  double number(bool& integral) {
    skip_space();
    const bool negative = peek() == '-';
    if (peek() == '-' || peek() == '+') ++at_;
    if (text_.substr(at_, 3) == "inf") {
      at_ += 3;
      return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    }
    double value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) fail("a number was expected");
    integral = std::string_view(begin, static_cast<std::size_t>(end - begin)).find_first_of(".eE") == std::string_view::npos;
    at_ += static_cast<std::size_t>(end - begin);
    return negative ? -value : value;
  }

  int value_index(const std::string& name) {
    int index = PatternNames::find(names_.values, name);
    if (index < 0) {
      index = static_cast<int>(names_.values.size());
      names_.values.push_back(name);
    }
    return index;
  }

  std::string word() {
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (begin == at_) fail("a name was expected");
    return std::string(text_.substr(begin, at_ - begin));
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        ++at_;
      } else {
        return;
      }
    }
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}' was expected", c));
  }
  [[noreturn]] void fail(const std::string& why) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    throw InternalError(fmt::format("rule {}: pattern line {}: {} before '{}'", rule_, line, why, text_.substr(std::min(at_, text_.size()), 20)));
  }

  std::string_view rule_, text_;
  PatternNames& names_;
  std::size_t at_ = 0;
  Pattern pattern_;
};

// Who produces which name, how deep the pattern is, and whether every node is reached from the root.
void resolve(std::string_view rule, Pattern& p, const PatternNames& names) {
  const auto bad = [&](const std::string& why) { throw InternalError(fmt::format("rule {}: {}", rule, why)); };
  p.producer.assign(names.values.size(), -1);
  p.output.assign(names.values.size(), -1);
  for (int n = 0; n < static_cast<int>(p.nodes.size()); ++n) {
    for (int o = 0; o < static_cast<int>(p.nodes[n].outputs.size()); ++o) {
      const int name = p.nodes[n].outputs[o];
      if (name < 0) continue;
      if (p.producer[name] >= 0) bad("two nodes produce " + names.values[name]);
      p.producer[name] = n;
      p.output[name] = o;
    }
  }
  std::vector<int> depth(p.nodes.size(), 0);  // 0: not reached
  depth.back() = 1;
  for (int n = static_cast<int>(p.nodes.size()) - 1; n >= 0; --n) {
    if (depth[n] == 0) bad(fmt::format("the root does not depend on node {}", n + 1));
    for (const PatternInput& in : p.nodes[n].inputs) {
      if (in.kind != PatternInput::Kind::name || p.producer[in.name] < 0) continue;
      const int source = p.producer[in.name];
      if (source >= n) bad(names.values[in.name] + " is used before it is made");
      if (in.optional) bad(names.values[in.name] + "? is made by a node of the pattern: write two alternatives");
      depth[source] = std::max(depth[source], depth[n] + 1);
    }
  }
  p.depth = *std::max_element(depth.begin(), depth.end());
}

}  // namespace

int PatternNames::find(const std::vector<std::string>& list, std::string_view name) {
  const auto it = std::find(list.begin(), list.end(), name);
  return it == list.end() ? -1 : static_cast<int>(it - list.begin());
}

std::vector<Pattern> parse_patterns(std::string_view rule, std::string_view text, PatternNames& names) {
  std::vector<std::string> parts(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    if (first != std::string_view::npos && line.substr(first, last - first + 1) == "or") {
      parts.emplace_back();
    } else {
      parts.back().append(line).push_back('\n');
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::vector<Pattern> patterns;
  for (const std::string& part : parts) patterns.push_back(PatternParser(rule, part, names).parse());
  for (Pattern& p : patterns) resolve(rule, p, names);  // after all: names are shared
  return patterns;
}

}  // namespace onnxopt
