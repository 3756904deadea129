// Reading a match.
#include <fmt/format.h>

#include "passes/rewrite/compiled_rule.h"

namespace onnxopt {

int Match::index_of(std::string_view name) const {
  const int i = PatternNames::find(rule_->names().values, name);
  ONNXOPT_CHECK(i >= 0, fmt::format("rule {}: '{}' is not in the pattern", rule_->rule().name, name));
  return i;
}

Value* Match::operator[](std::string_view name) const { return values_[static_cast<std::size_t>(index_of(name))]; }

bool Match::has_node(std::string_view output) const { return producers_[static_cast<std::size_t>(index_of(output))] != nullptr; }

const Node& Match::node(std::string_view output) const {
  const Node* n = producers_[static_cast<std::size_t>(index_of(output))];
  ONNXOPT_CHECK(n != nullptr, fmt::format("rule {}: no matched node makes '{}'", rule_->rule().name, output));
  return *n;
}

const Tensor& Match::tensor(std::string_view name) const {
  const Tensor* t = constant_of((*this)[name], *ctx_);
  ONNXOPT_CHECK(t != nullptr, fmt::format("rule {}: '{}' is not a constant", rule_->rule().name, name));
  return *t;
}

const Attribute* Match::captured(std::string_view name) const {
  const int i = PatternNames::find(rule_->names().captures, name);
  ONNXOPT_CHECK(i >= 0, fmt::format("rule {}: no attribute is captured as '{}'", rule_->rule().name, name));
  return attrs_[static_cast<std::size_t>(i)];
}

}  // namespace onnxopt
