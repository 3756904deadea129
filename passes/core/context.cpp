#include <fmt/format.h>

#include <algorithm>

#include "passes/core/pass.h"

namespace onnxopt {

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
