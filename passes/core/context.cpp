#include <fmt/format.h>

#include <algorithm>

#include "passes/core/pass.h"

namespace onnxopt {

namespace {
constexpr std::size_t kMaxEvents = 100000;
}

void PassContext::record(RewriteEvent event) {
  RuleTotal& t = totals[event.rule];
  ++t.hits;
  t.removed_nodes += event.removed_nodes;
  t.added_nodes += event.added_nodes;
  t.grown_bytes += event.grown_bytes;
  if (events.size() < kMaxEvents) events.push_back(std::move(event));
}

bool PassContext::is_disabled(std::string_view name) const { return std::find(disabled.begin(), disabled.end(), name) != disabled.end(); }

bool PassContext::begin_run(std::string_view name) {
  if (disabled.empty()) return true;
  auto it = runs.find(name);
  if (it == runs.end()) it = runs.emplace(std::string(name), 0).first;
  ++it->second;
  return !is_disabled(name) && !is_disabled(fmt::format("{}@{}", name, it->second));
}

bool PassContext::is_kept(const Node& n) const {
  return !keep_nodes.empty() && !n.name.empty() && std::find(keep_nodes.begin(), keep_nodes.end(), n.name) != keep_nodes.end();
}

}  // namespace onnxopt
