// All rules, by hand, sorted by name. Each is declared here and defined in the file of its name (fuse-conv-bn: passes/fusion/fuse_conv_bn.cpp).
#include <array>

#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// ---- pattern rules
Rule fuse_conv_bn();

// ---- node rules

std::span<Rule (*const)()> all_rules() {
  static constexpr std::array<Rule (*)(), 1> kRules = {
      fuse_conv_bn,
  };
  return kRules;
}

std::span<NodeRule (*const)()> all_node_rules() {
  static constexpr std::array<NodeRule (*)(), 0> kRules = {};
  return kRules;
}

}  // namespace onnxopt
