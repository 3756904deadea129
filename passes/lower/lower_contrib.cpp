#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "ir/ops/nchwc.h"
#include "passes/cleanup/whole_graph.h"
#include "passes/lower/lower.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

const Decomposition* find_way_back(const Node& n) {
  const auto all = contrib_decompositions();
  const auto it = std::lower_bound(all.begin(), all.end(), n.op().name, [](const Decomposition& d, std::string_view op) { return d.op < op; });
  return it != all.end() && it->op == n.op().name && it->domain == n.op().domain ? &*it : nullptr;
}

// Domains that ONNX Runtime alone knows, and the one operator that it keeps among the standard ones.
bool is_contrib(const Node& n) {
  const std::string_view domain = n.op().domain;
  return domain.starts_with("com.microsoft") || domain.starts_with("com.ms.internal") ||
         (domain.empty() && n.op().name == "SimplifiedLayerNormalization");
}

std::string graph_name(const Graph& g) {
  if (g.function()) return g.function()->name;
  return g.parent() ? (g.name.empty() ? std::string(g.parent()->op().name) + " body" : g.name) : "";
}

class Lowerer {
 public:
  Lowerer(const OutputOpsets& target, PassContext* ctx) : target_(target), ctx_(ctx) {}
  void root(Graph& g) {
    for_each_graph(g, [&](Graph& inner) {
      std::vector<Node*> found, blocked;
      for (Node& n : inner.nodes())
        if (is_contrib(n) && !(ctx_ && ctx_->is_kept(n))) (n.op().domain == kNchwcDomain ? blocked : found).push_back(&n);
      nchwc(inner, blocked);
      for (Node* n : found) node(*n);
    });
  }
  Lowering result;

 private:
  const OutputOpsets& target_;
  PassContext* ctx_;
  std::unordered_map<const Graph*, std::unique_ptr<ConstantPool>> pools_;

  ConstantPool& pool_of(Graph& g) {
    auto& p = pools_[&g];
    if (!p) p = std::make_unique<ConstantPool>(g);
    return *p;
  }

  static LowerStep step_of(const Node& n) {
    LowerStep s;
    s.graph = graph_name(*n.graph());
    s.node = n.name.empty() && n.output() ? n.output()->name() : n.name;
    s.op = n.op().domain.empty() ? std::string(n.op().name) : fmt::format("{}.{}", n.op().domain, n.op().name);
    return s;
  }

  // The region of ONNX Runtime's blocked layout, as a whole.
  void nchwc(Graph& g, const std::vector<Node*>& nodes) {
    if (nodes.empty() || (ctx_ && !ctx_->take_fuel())) return;
    const NchwcBlock block = nchwc_block(g.model());
    std::vector<LowerStep> steps;
    for (const Node* n : nodes) steps.push_back(step_of(*n));
    std::vector<std::string> made;
    const std::string why = lower_nchwc(g, target_, pool_of(g), nodes, block.size, made);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      steps[i].reason = why;
      if (why.empty()) {
        steps[i].to = made[i].empty() ? "nothing" : made[i];
        result.made_nodes += made[i].empty() ? 0 : static_cast<std::size_t>(std::count(made[i].begin(), made[i].end(), ',')) + 1;
      }
      ++(why.empty() ? result.lowered : result.blocked);
      result.steps.push_back(std::move(steps[i]));
    }
    if (!block.certain)
      result.notes.push_back(
          fmt::format("blocks of {} channels were assumed, as ONNX Runtime makes them on this machine: the file does not say for "
                      "which machine it was optimized, and all its sizes fit 8 and 16",
                      block.size));
  }

  void node(Node& n) {
    LowerStep s = step_of(n);
    const Decomposition* way = find_way_back(n);
    Expansion e(n, target_, pool_of(*n.graph()));
    if (!way) s.reason = n.op().has(kOpaque) ? "the operator is not known" : "no way back is known";
    else if (n.has_ref_attrs()) s.reason = "an attribute is the function's, and unknown here";
    else if (ctx_ && !ctx_->take_fuel()) return;
    else s.reason = way->expand(e);
    if (s.reason.empty()) {
      for (Node* made : e.commit()) {
        s.to += (s.to.empty() ? "" : ", ") + std::string(made->op().name);
        ++result.made_nodes;
      }
      ++result.lowered;
    } else {
      e.roll_back();
      ++result.blocked;
    }
    result.steps.push_back(std::move(s));
  }
};

class LowerContrib : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    Lowerer l(ctx.output, &ctx);
    l.root(graph);
    for (const LowerStep& s : l.result.steps)
      if (!s.reason.empty()) ctx.notes.push_back(fmt::format("{} '{}' stays: {}", s.op, s.node, s.reason));
    ctx.notes.insert(ctx.notes.end(), l.result.notes.begin(), l.result.notes.end());
    return l.result.lowered > 0;
  }
};

}  // namespace

Lowering lower_contrib(Graph& root, const OutputOpsets& target) {
  Lowerer l(target, nullptr);
  l.root(root);
  return std::move(l.result);
}

Lowering lower_contrib(Model& model, const OutputOpsets& target) {
  Lowerer l(target, nullptr);
  l.root(model.graph());
  for (const auto& f : model.functions) {
    const OutputOpsets own = function_opsets(model, *f, target);
    Lowerer body(own, nullptr);
    body.root(*f->body);
    l.result.steps.insert(l.result.steps.end(), body.result.steps.begin(), body.result.steps.end());
    l.result.lowered += body.result.lowered;
    l.result.blocked += body.result.blocked;
    l.result.made_nodes += body.result.made_nodes;
    l.result.notes.insert(l.result.notes.end(), body.result.notes.begin(), body.result.notes.end());
  }
  return std::move(l.result);
}

std::string no_way_back_text(const Lowering& l) {
  constexpr std::size_t kMost = 20;
  std::string text = "has no form in standard ONNX: ";
  std::size_t shown = 0;
  for (const LowerStep& s : l.steps) {
    if (s.reason.empty() || shown == kMost) continue;
    text += fmt::format("{}{}node '{}' ({}): {}", shown++ > 0 ? "; " : "", s.graph.empty() ? "" : fmt::format("in '{}', ", s.graph), s.node, s.op,
                        s.reason);
  }
  if (l.blocked > kMost) text += fmt::format("; and {} more nodes", l.blocked - kMost);
  return text;
}

std::unique_ptr<Pass> lower_contrib_pass() { return std::make_unique<LowerContrib>(); }

}  // namespace onnxopt
