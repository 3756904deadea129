#include "ir/text/names.h"

#include <fmt/format.h>

namespace onnxopt::text {
Names::Names(const Graph& root) {
  collect(root);
  assign(root, true);
}

void Names::collect(const Graph& g) {
  g.for_each_value([&](Value& v) {
    if (v.name_from_file()) reserved_.insert(v.name());
  });
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) collect(*sub);
}

void Names::assign(const Graph& g, bool is_root) {
  Frame frame{g, is_root, {}, {}, {}, false, {}};
  // Public names first, then the file's, then ours.
  for (Value* v : g.inputs()) claim(*v, frame);
  for (Value* v : g.outputs())
    if (v->graph() == &g) claim(*v, frame);
  g.for_each_value([&](Value& v) {
    if (v.name_from_file()) claim(v, frame);
  });
  g.for_each_value([&](Value& v) { claim(v, frame); });
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) assign(*sub, false);
  for (std::string_view name : frame.added) visible_.erase(name);
}

void Names::claim(const Value& v, Frame& frame) {
  if (!frame.done.insert(&v).second) return;
  const bool is_public = v.is_graph_input() || v.is_graph_output() || v.name_from_file();
  const std::string_view name = v.name();
  if (name.empty() || (!is_public && reserved_.contains(name)) || frame.own.contains(name)) return rename(v, frame);
  if (visible_.contains(name) && !may_hide(v, frame)) return rename(v, frame);
  frame.own.insert(name);
  if (visible_.insert(name).second) frame.added.push_back(name);
}

bool Names::may_hide(const Value& v, Frame& frame) {
  if (frame.is_root || !v.name_from_file()) return false;
  if (!frame.has_captured) add_captured(frame.graph, frame);
  frame.has_captured = true;
  return !frame.captured.contains(v.name());
}

// Names of values from outside `frame.graph` that `g`, which is that graph or inside it, reads. Names of values inside do no harm.
void Names::add_captured(const Graph& g, Frame& frame) {
  const auto add = [&](const Value* v) {
    if (v && v->graph() != &g) frame.captured.insert(of(*v));
  };
  for (Node& n : g.nodes()) {
    for (const Value* v : n.inputs()) add(v);
    for (Graph* sub : n.subgraphs()) add_captured(*sub, frame);
  }
  for (const Value* v : g.outputs()) add(v);
}

void Names::rename(const Value& v, Frame& frame) {
  const std::string stem = v.name().empty() ? "v" : v.name();
  int& suffix = next_suffix_[stem];
  std::string name;
  do name = fmt::format("{}_{}", stem, ++suffix);
  while (reserved_.contains(name) || visible_.contains(name));
  const std::string& kept = renamed_.emplace(&v, std::move(name)).first->second;
  visible_.insert(kept);
  frame.own.insert(kept);
  frame.added.push_back(kept);
}

}  // namespace onnxopt::text
