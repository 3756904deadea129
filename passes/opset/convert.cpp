#include "passes/opset/convert.h"

#include <fmt/format.h>

#include <memory>
#include <unordered_map>

#include "ir/ops/op_table.h"
#include "passes/opset/expand.h"
#include "passes/opset/plan.h"
#include "passes/opset/record.h"
#include "passes/opset/sequence_map.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

constexpr int kDeepest = 16;  // decompositions of what decompositions made; deeper is a circle

Refusal kind_of(const Node& n, const std::string& why) {
  if (n.op().has(kOpaque)) return Refusal::unknown_op;
  if (why.starts_with("type")) return Refusal::type;
  if (why.starts_with("non-constant")) return Refusal::non_constant_operand;
  return n.kept ? Refusal::kept : Refusal::no_decomposition;
}

// The steps' reasons start with the class where it matters; reports print the class before the reason.
std::string without_class(const std::string& why) {
  for (const Refusal r : {Refusal::type, Refusal::no_decomposition, Refusal::non_constant_operand})
    if (const std::string prefix = std::string(refusal_text(r)) + ": "; why.starts_with(prefix)) return without_class(why.substr(prefix.size()));
  return why;
}

class Converter {
 public:
  Converter(Model& model, const OutputOpsets& target) : model_(model), own_(own_opsets(model)), target_(target) {}

  Conversion run() {
    root(model_.graph(), own_, target_);
    for (const auto& f : model_.functions) {
      const OutputOpsets own{f->file_opsets.empty() ? own_.imports : f->file_opsets}, target = function_opsets(model_, *f, target_);
      const std::size_t before = result_.blocked;
      root(*f->body, own, target);
      result_.blocked_in_function = result_.blocked_in_function || result_.blocked > before;
    }
    return std::move(result_);
  }

 private:
  Model& model_;
  const OutputOpsets own_;
  const OutputOpsets& target_;
  Conversion result_;
  std::unordered_map<const Graph*, std::unique_ptr<ConstantPool>> pools_;
  const OutputOpsets* from_ = nullptr;  // of the root graph at hand
  const OutputOpsets* to_ = nullptr;

  void root(Graph& g, const OutputOpsets& own, const OutputOpsets& target) {
    from_ = &own;
    to_ = &target;
    if (target.version("") < 13) unroll(g);
    for_each_graph(g, [&](Graph& inner) {
      for (Node& n : inner.nodes()) node(n);
    });
  }

  // Before opset 13 a SequenceMap over known elements is its body, several times.
  void unroll(Graph& g) {
    for_each_graph(g, [&](Graph& inner) {
      std::vector<Node*> maps;
      for (Node& n : inner.nodes())
        if (n.is("SequenceMap") && !n.kept) maps.push_back(&n);
      for (Node* n : maps) {
        ConversionStep s;
        s.graph = graph_name(inner);
        s.node = n->name.empty() && n->output() ? n->output()->name() : n->name;
        s.from = original(*n);
        s.to = unroll_sequence_map(*n, *to_, pool_of(inner));
        if (s.to.empty()) continue;
        s.kind = ConversionStep::Kind::lowered;
        ++result_.lowered;
        result_.steps.push_back(std::move(s));
      }
    });
  }

  ConstantPool& pool_of(Graph& g) {
    auto& p = pools_[&g];
    if (!p) p = std::make_unique<ConstantPool>(g);
    return *p;
  }

  static std::string graph_name(const Graph& g) {
    if (g.function()) return g.function()->name;
    return g.parent() ? (g.name.empty() ? std::string(g.parent()->op().name) + " body" : g.name) : "";
  }

  // As the file has it.
  std::string original(const Node& n) const {
    if (const auto* r = dynamic_cast<const NodeLiftRecord*>(n.lift_record.get())) return row_name(*r->op);
    if (n.kept) return row_name(n.op());
    const OpSchema* row = row_at(n.op(), from_->version(n.op().domain));
    return row_name(row ? *row : n.op());
  }

  void node(Node& n) {
    if (dynamic_cast<const HelperRecord*>(n.lift_record.get()) && n.output()->used_once()) return;  // its node speaks for both
    std::string why = refused(n);
    NodeLowering lowering;
    if (why.empty()) lowering = try_lower(n, *to_);
    else if (replaced_experimental(n, why)) return;
    if (why.empty() && lowering.why.empty()) lowering.why = uneven(n);
    if (why.empty() && lowering.why.empty() && !lowering.edits) {
      ++result_.untouched;
      return;
    }
    ConversionStep s;
    s.graph = graph_name(*n.graph());
    s.node = n.name;
    s.from = original(n);
    if (s.node.empty() && n.output()) s.node = n.output()->name();
    if (why.empty() && lowering.why.empty()) {
      s.to = row_name(*lowering.to);
      ++result_.adapted;
    } else {
      s.reason = why.empty() ? lowering.why : why;
      s.refusal = kind_of(n, s.reason);
      s.kind = ConversionStep::Kind::blocked;
      if (why.empty()) lower_by_parts(n, s);
      else ++result_.blocked;
      s.reason = without_class(s.reason);
    }
    result_.steps.push_back(std::move(s));
  }

  // Since 18 the last of num_outputs parts may be smaller; before, they were equal or the node failed. Parts of older files are equal.
  std::string uneven(const Node& n) const {
    if (!n.is("Split") || n.input(1) || n.kept || from_->version("") < 18 || to_->version("") >= 18) return "";
    const Value* x = n.input(0);
    const auto parts = n.attr_or<std::int64_t>("num_outputs", 1);
    if (parts < 2 || !x || !x->type.has_rank()) return parts < 2 ? "" : "no decomposition: parts of an axis of unknown size";
    const auto axis = n.attr_or<std::int64_t>("axis", 0), rank = static_cast<std::int64_t>(x->type.rank());
    const std::int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank || (*x->type.shape)[static_cast<std::size_t>(at)].is_value()) return "";
    return "no decomposition: parts of an axis of unknown size";
  }

  // An operator of a standard domain that the table does not know may mean anything at another version.
  std::string refused(const Node& n) const {
    if (!n.op().has(kOpaque) || newest_opset(n.op().domain) == 0 || canonical_domain(n.op().domain) == "com.microsoft") return "";
    if (model_.function_of(n) || from_->version(n.op().domain) == to_->version(n.op().domain)) return "";
    return "operator is not in the table";
  }

  // An operator that was never released, and yet is known. If it has another form than is known, `why` says so.
  bool replaced_experimental(Node& n, std::string& why) {
    ConversionStep s;
    s.graph = graph_name(*n.graph());
    s.node = n.name.empty() && n.output() ? n.output()->name() : n.name;
    s.from = original(n);
    std::vector<Node*> parts;
    why = replace(n, why, 0, parts, s.refusal);
    if (!why.empty()) return false;
    lowered(parts, s);
    result_.steps.push_back(std::move(s));
    return true;
  }

  void lowered(const std::vector<Node*>& parts, ConversionStep& s) {
    s.kind = ConversionStep::Kind::lowered;
    for (const Node* p : parts) s.to += (s.to.empty() ? "" : ", ") + std::string(p->op().name);
    s.reason.clear();
    ++result_.lowered;
    result_.made_nodes += parts.size();
  }

  void lower_by_parts(Node& n, ConversionStep& s) {
    std::vector<Node*> parts;
    const bool was_kept = n.kept;
    std::string why = replace(n, s.reason, 0, parts, s.refusal);
    if (why.empty()) return lowered(parts, s);
    s.reason = std::move(why);
    if (was_kept && s.refusal == Refusal::no_decomposition) s.refusal = Refusal::kept;
    ++result_.blocked;
  }

  // Replaces `n`, and in turn what that made. "" or the first reason.
  std::string replace(Node& n, const std::string& why, int depth, std::vector<Node*>& parts, Refusal& refusal) {
    if (depth == kDeepest) return why;  // a circle: each part needs what it was made for
    std::vector<Node*> made;
    std::string reason = expand(n, why, *to_, pool_of(*n.graph()), made, depth);
    if (!reason.empty()) {
      refusal = kind_of(n, reason);
      return reason;
    }
    for (Node* m : made) {
      const std::string below = try_lower(*m, *to_).why;
      if (below.empty()) {
        parts.push_back(m);
        continue;
      }
      const std::string op(m->op().name);
      refusal = kind_of(*m, below);
      std::string inner = replace(*m, below, depth + 1, parts, refusal);
      if (!inner.empty() && reason.empty()) reason = depth == 0 ? fmt::format("{} (in its decomposition: {})", inner, op) : inner;
    }
    return reason;
  }
};

}  // namespace

std::string_view refusal_text(Refusal r) {
  switch (r) {
    case Refusal::type: return "type";
    case Refusal::no_decomposition: return "no decomposition";
    case Refusal::non_constant_operand: return "non-constant operand";
    case Refusal::kept: return "kept";
    case Refusal::unknown_op: return "unknown op";
  }
  return "";
}

std::string refusal_line(const ConversionStep& s) { return fmt::format("{}: {}", refusal_text(s.refusal), s.reason); }

Conversion prepare_conversion(Model& lifted, const OutputOpsets& target) { return Converter(lifted, target).run(); }

std::string blocked_text(const Conversion& c, const OutputOpsets& target) {
  std::string at = fmt::format("opset {}", target.version(""));
  if (target.version("") == 0 && !target.imports.empty()) at = fmt::format("{} {}", target.imports[0].domain, target.imports[0].version);
  std::string text = fmt::format("cannot be expressed at {}: ", at);
  constexpr std::size_t kMost = 20;
  std::size_t shown = 0;
  for (const ConversionStep& s : c.steps) {
    if (s.kind != ConversionStep::Kind::blocked) continue;
    if (shown++ == kMost) break;
    text += fmt::format("{}{}node '{}' ({}): {}", shown > 1 ? "; " : "", s.graph.empty() ? "" : fmt::format("in '{}', ", s.graph), s.node, s.from,
                        refusal_line(s));
  }
  if (c.blocked > kMost) text += fmt::format("; and {} more nodes", c.blocked - kMost);
  return text;
}

}  // namespace onnxopt
