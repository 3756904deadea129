#include "ir/text/names.h"

#include <fmt/format.h>

namespace onnxopt::text {
Names::Names(const Graph& root) {
  collect(root);
  assign(root);
}

void Names::collect(const Graph& g) {
  g.for_each_value([&](Value& v) {
    if (v.name_from_file()) reserved_.insert(v.name());
  });
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) collect(*sub);
}

void Names::assign(const Graph& g) {
  std::vector<std::string_view> claimed;
  // Public names first, then the file's, then ours.
  done_.clear();
  for (Value* v : g.inputs()) claim(*v, claimed);
  for (Value* v : g.outputs())
    if (v->graph() == &g) claim(*v, claimed);
  g.for_each_value([&](Value& v) {
    if (v.name_from_file()) claim(v, claimed);
  });
  g.for_each_value([&](Value& v) { claim(v, claimed); });
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) assign(*sub);
  for (std::string_view name : claimed) visible_.erase(name);
}

void Names::claim(const Value& v, std::vector<std::string_view>& claimed) {
  if (!done_.insert(&v).second) return;
  const bool is_public = v.is_graph_input() || v.is_graph_output() || v.name_from_file();
  const bool taken = v.name().empty() || (!is_public && reserved_.contains(v.name())) || !visible_.insert(v.name()).second;
  if (taken) return rename(v, claimed);
  claimed.push_back(v.name());
}

void Names::rename(const Value& v, std::vector<std::string_view>& claimed) {
  const std::string stem = v.name().empty() ? "v" : v.name();
  int& suffix = next_suffix_[stem];
  std::string name;
  do name = fmt::format("{}_{}", stem, ++suffix);
  while (reserved_.contains(name) || visible_.contains(name));
  const std::string& kept = renamed_.emplace(&v, std::move(name)).first->second;
  visible_.insert(kept);
  claimed.push_back(kept);
}

}  // namespace onnxopt::text
