#include <algorithm>
#include <vector>

#include "passes/fusion/absorb.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

constexpr int kMostMoves = 4;  // Reshape, Transpose, ... between a layer, its Split and the scale of a part

bool only_moves(const Node& n) { return n.is("Reshape") || n.is("Transpose") || n.is("Squeeze") || n.is("Unsqueeze") || n.is("Flatten"); }

struct Scale {
  const Node* node = nullptr;  // Mul or Div
  Value* operand = nullptr;    // what it scales
  double factor = 1;
};

// The scale of `part`: behind what only moves elements, and behind the product of queries and keys.
std::optional<Scale> scale_of(Value* part, const PassContext& ctx) {
  Value* v = part;
  bool product = false;
  for (int i = 0; i <= kMostMoves && v->used_once(); ++i) {
    const Use use = v->uses()[0];
    const Node& n = *use.node;
    if (n.kept || n.graph() != part->graph()) return std::nullopt;
    if (n.is("Mul") || (n.is("Div") && use.index == 0)) {
      const auto s = scalar_of(n.input(1 - use.index), ctx);
      if (!s || !v->type.has_rank() || n.input(1 - use.index)->constant()->rank() > v->type.rank()) return std::nullopt;
      return Scale{&n, v, n.is("Div") ? 1.0 / *s : *s};
    }
    if (n.is("MatMul") && !product) product = true;
    else if (!only_moves(n) || use.index != 0) return std::nullopt;
    v = n.output();
  }
  return std::nullopt;
}

// The layer whose result is split, and what is between the two, nearest to the Split first. An element of the split axis is `each` columns.
struct Source {
  Value* layer = nullptr;
  std::vector<const Node*> between;
  std::int64_t each = 1, columns = 0;
};

std::optional<Source> source_of(const Node& split) {
  Source s;
  Value* v = split.input(0);
  if (!v->type.has_rank()) return std::nullopt;
  std::int64_t axis = split.attr<std::int64_t>("axis");
  if (axis < 0) axis += v->type.rank();
  for (int i = 0; i < kMostMoves && v->used_once() && v->producer(); ++i) {
    const Node& n = *v->producer();
    if (n.kept || !v->type.has_rank()) return std::nullopt;
    if (n.is("Transpose")) {
      const Ints* perm = n.attrs().get<Ints>("perm");
      if (!perm) return std::nullopt;
      axis = (*perm)[static_cast<std::size_t>(axis)];
    } else if (n.is("Reshape")) {  // [.., A * D] to [.., A, D]
      const Type &in = n.input(0)->type, &out = v->type;
      if (!in.has_rank() || in.rank() + 1 != out.rank() || axis != out.rank() - 2 || !out.shape->back().is_value()) return std::nullopt;
      for (std::size_t k = 0; k + 1 < in.shape->size(); ++k)
        if (!same((*in.shape)[k], (*out.shape)[k])) return std::nullopt;
      s.each *= out.shape->back().value();
    } else {
      break;
    }
    s.between.push_back(&n);
    v = n.input(0);
  }
  if (!v->used_once() || !v->type.has_rank() || axis != v->type.rank() - 1 || !v->type.shape->back().is_value()) return std::nullopt;
  s.layer = v;
  s.columns = v->type.shape->back().value();
  return s;
}

std::int64_t extent(const Value& v, std::int64_t axis) {
  if (!v.type.has_rank() || axis >= v.type.rank() || !(*v.type.shape)[static_cast<std::size_t>(axis)].is_value()) return -1;
  return (*v.type.shape)[static_cast<std::size_t>(axis)].value();
}

bool visit(const Node& n, Rewriter& rw) {
  std::vector<Scale> scales;
  std::vector<std::optional<std::size_t>> of_part;
  for (Value* v : n.outputs()) {
    const auto s = v ? scale_of(v, rw.context()) : std::nullopt;
    // The scale behind the product of two parts is that of one of them.
    const bool known = s && std::any_of(scales.begin(), scales.end(), [&](const Scale& o) { return o.node == s->node; });
    of_part.push_back(s && !known ? std::optional(scales.size()) : std::nullopt);
    if (s && !known) scales.push_back(*s);
  }
  if (scales.empty()) return rw.give_up("no part is scaled by one constant"), false;
  const auto source = source_of(n);
  if (!source) return rw.give_up("the parts are not columns of a layer's result"), false;
  std::int64_t axis = n.attr<std::int64_t>("axis");
  if (axis < 0) axis += n.input(0)->type.rank();
  std::vector<double> factors;
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    const std::int64_t size = n.output(i) ? extent(*n.output(i), axis) : -1;
    if (size < 0) return rw.give_up("the sizes of the parts are not known"), false;
    factors.insert(factors.end(), static_cast<std::size_t>(size * source->each), of_part[i] ? scales[*of_part[i]].factor : 1.0);
  }
  if (static_cast<std::int64_t>(factors.size()) != source->columns) return rw.give_up("the parts are not columns of a layer's result"), false;
  Value* y = scale_linear_columns(source->layer, factors, rw);
  if (!y) return rw.give_up("no layer with constant weights in front"), false;
  for (auto it = source->between.rbegin(); it != source->between.rend(); ++it) {
    std::vector<Value*> in((*it)->inputs().begin(), (*it)->inputs().end());
    in[0] = y;
    y = rw.op((*it)->op().name, std::move(in), (*it)->attrs());
    rw.consume(**it);
  }
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  in[0] = y;
  const auto parts = rw.op_n("Split", std::move(in), n.attrs(), n.outputs().size());
  for (std::size_t i = 0; i < parts.size(); ++i) rw.replace(n.output(i), parts[i]);
  for (const Scale& s : scales) {
    rw.consume(*s.node);
    const auto part = std::find(n.outputs().begin(), n.outputs().end(), s.operand);
    rw.replace(s.node->output(), part == n.outputs().end() ? s.operand : parts[static_cast<std::size_t>(part - n.outputs().begin())]);
  }
  return true;
}

}  // namespace

// q, k, v = Split (MatMul (x, W))  y = Mul (MatMul (q, Transpose (k)), s)   ==>   q, k, v = Split (MatMul (x, W * [s 1 1]))  y = MatMul (q, Transpose
// (k)) A constant scale of a part, or of the product of a part with something, goes into the columns of the weights that the part comes from.
// Runtimes look for the scale behind the product of queries and keys, but not where both come from one layer.
NodeRule fuse_split_scale() {
  return {
      .name = "fuse-split-scale",
      .summary = "Fold a constant scale of one part of a layer's result (Q, K, V) into its columns of the weights",
      .ops = "Split",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
