#include "passes/rewrite/compiled_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/op_table.h"
#include "passes/rewrite/words.h"

namespace onnxopt {

CompiledRule::CompiledRule(Rule rule) : rule_(std::move(rule)) {
  alternatives_ = parse_patterns(rule_.name, rule_.match, names_);
  const auto known = [&](std::string_view name, std::string_view where) {
    const int index = PatternNames::find(names_.values, name);
    if (index < 0) throw InternalError(fmt::format("rule {}: {} names '{}', which is not in the pattern", rule_.name, where, name));
    return static_cast<std::size_t>(index);
  };
  for (const Where& w : rule_.where)
    for (const std::string& name : w.names) known(name, w.what);
  keep_.assign(names_.values.size(), false);
  for (const std::string_view name : split_words(rule_.keep)) keep_[known(name, "keep")] = true;
  for (const Pattern& p : alternatives_) {
    size_ = std::max(size_, p.nodes.size());
    depth_ = std::max(depth_, p.depth);
  }
  if (!rule_.rewrite) throw InternalError(fmt::format("rule {} has no rewrite", rule_.name));
}

void RuleSet::add(Rule rule) {
  patterns_.push_back(std::make_unique<CompiledRule>(std::move(rule)));
  depth_ = std::max(depth_, patterns_.back()->depth());
}

void RuleSet::add(NodeRule rule) { nodes_.push_back(std::make_unique<NodeRule>(rule)); }

std::vector<AnyRule> RuleSet::all() const { return all_; }

void RuleSet::build() {
  all_.clear();
  for (const auto& n : nodes_) all_.push_back({nullptr, n.get()});  // node rules first: folding makes everything after it cheaper
  for (const auto& p : patterns_) all_.push_back({p.get(), nullptr});
  const auto size = [](const AnyRule& r) { return r.pattern ? r.pattern->size() : 0; };
  const auto nodes_end = all_.begin() + static_cast<std::ptrdiff_t>(nodes_.size());
  std::stable_sort(nodes_end, all_.end(), [&](const AnyRule& a, const AnyRule& b) { return size(a) > size(b); });

  const auto rows = all_op_versions();
  by_op_.assign(rows.size(), {});
  const auto enter = [&](const OpSchema& op, std::size_t rule) {
    auto& list = by_op_[static_cast<std::size_t>(&op - rows.data())];
    const auto number = static_cast<std::uint16_t>(rule);
    if (list.empty() || list.back() != number) list.push_back(number);
  };
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].pattern) {
      for (const Pattern& p : all_[i].pattern->alternatives())
        for (const OpSchema* op : p.root().ops) enter(*op, i);
      continue;
    }
    for (const std::string_view word : split_words(all_[i].node->ops)) {
      if (word == "*") {
        for (const OpSchema& row : rows)
          if (newest_op(row.domain, row.name) == &row) enter(row, i);
        continue;
      }
      const std::size_t dot = word.rfind('.');
      const OpSchema* row = dot == word.npos ? newest_op("", word) : newest_op(word.substr(0, dot), word.substr(dot + 1));
      if (row == nullptr) throw InternalError(fmt::format("rule {}: no operator {}", all_[i].node->name, word));
      enter(*row, i);
    }
  }
}

const std::vector<std::uint16_t>& RuleSet::at(const OpSchema& op) const {
  const auto rows = all_op_versions();
  if (std::less<>()(&op, rows.data()) || !std::less<>()(&op, rows.data() + rows.size())) return none_;
  return by_op_[static_cast<std::size_t>(&op - rows.data())];
}

}  // namespace onnxopt
