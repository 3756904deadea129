// A model from text and the rules to run on it.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/check.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/rewrite/driver.h"

namespace onnxopt::testing {

struct Rewriting {
  explicit Rewriting(std::string_view text) : model(parse_model(text)) {
    infer(*model);
    ctx.model = model.get();
    ctx.growth.left_bytes = 1 << 20;
  }
  bool run(std::vector<Rule> rules, std::vector<NodeRule> node_rules = {}) {
    RuleSet set;
    for (Rule& r : rules) set.add(std::move(r));
    for (const NodeRule& r : node_rules) set.add(r);
    set.build();
    bool changed = false;
    for (Graph* root : model->root_graphs()) changed |= Driver(set, std::vector<bool>(set.all().size(), true), ctx).run(*root);
    const auto findings = check(*model);
    const std::string found = findings.empty() ? "" : findings[0].where + ": " + findings[0].what;
    CHECK(found == "");
    return changed;
  }
  // --explain of `rule`, all lines.
  std::string explain(Rule rule, std::string node = "") {
    const ExplainRequest request{std::string(rule.name), std::move(node)};
    ctx.explain = &request;
    ctx.explanations.clear();
    run({std::move(rule)});
    ctx.explain = nullptr;
    std::string all;
    for (const std::string& line : ctx.explanations) all += line + "\n";
    return all;
  }
  std::string text() const { return print_graph(model->graph(), {.full = true}); }
  // Op names of `g` in order, separated by spaces.
  static std::string ops(const Graph& g) {
    std::string names;
    for (const Node& n : g.nodes()) names += (names.empty() ? "" : " ") + std::string(n.op().name);
    return names;
  }
  std::string ops() const { return ops(model->graph()); }
  bool equals(std::string_view expected) {
    const auto other = parse_model(expected);
    const std::string found = difference(model->graph(), other->graph());
    INFO(found);
    return found.empty();
  }

  std::unique_ptr<Model> model;
  PassContext ctx;
};

// x -> Relu(x) for everything the pattern matches as `y`, with x taken from the match.
inline Rule to_relu(std::string_view pattern, std::vector<Where> where = {}) {
  return {.name = "to-relu", .summary = "a rule for tests", .match = pattern, .where = std::move(where), .rewrite = [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Relu", {m["x"]}));
          }};
}

}  // namespace onnxopt::testing
