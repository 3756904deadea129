#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// The operand of the MatMul that alone has `axis` of its result, and that axis there.
struct Source {
  std::size_t operand = 0;
  std::int64_t axis = 0;
};

std::optional<Source> source_of(const Node& matmul, std::int64_t axis, std::int64_t rank) {
  const Shape *a = shape_of(matmul.input(0)), *b = shape_of(matmul.input(1));
  if (!a || !b || a->size() < 2 || b->size() < 2) return std::nullopt;
  const auto rank_a = static_cast<std::int64_t>(a->size()), rank_b = static_cast<std::int64_t>(b->size());
  if (axis == rank - 2) return Source{0, rank_a - 2};
  if (axis == rank - 1) return Source{1, rank_b - 1};
  const std::int64_t in_a = axis - rank + rank_a, in_b = axis - rank + rank_b;
  const bool only_a = in_b < 0 || (*b)[static_cast<std::size_t>(in_b)].is(1), only_b = in_a < 0 || (*a)[static_cast<std::size_t>(in_a)].is(1);
  if (only_a == only_b) return std::nullopt;
  return only_a ? Source{0, in_a} : Source{1, in_b};
}

// At most half of the dim is taken, of an unknown one a single element: else copying the operand may cost more than the product saves.
bool takes_little(const Node& slice, Dim of, Dim taken) {
  if (of.is_value() && taken.is_value()) return 2 * taken.value() <= of.value();
  if (taken.is(1)) return true;
  const auto s = slice_spec(slice);
  if (!s || s->steps[0] != 1) return false;
  const bool last = s->starts[0] == -1 && s->ends[0] >= INT32_MAX, one = (s->starts[0] < 0) == (s->ends[0] < 0) && s->ends[0] - s->starts[0] == 1;
  return last || one;
}

// What is taken of one axis of the result. A Gather by a scalar takes the axis away.
struct Taken {
  std::int64_t axis = 0;
  bool drops = false;
};

std::optional<Taken> taken(const Node& n, std::int64_t rank) {
  if (n.is("Slice")) {
    const auto axes = n.input(3) ? known_axes(n, 3, rank) : std::nullopt;
    return axes && axes->size() == 1 ? std::optional(Taken{axes->front()}) : std::nullopt;
  }
  const Tensor* index = n.input(1)->constant();
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), rank);
  if (!axis || !index || index->rank() > 1) return std::nullopt;
  return Taken{*axis, index->rank() == 0};
}

bool little(const Node& n, const Taken& t, const Shape& in, const Shape& out) {
  if (t.drops) return true;
  const auto axis = static_cast<std::size_t>(t.axis);
  if (n.is("Slice")) return takes_little(n, in[axis], out[axis]);
  return out[axis].is(1) || (in[axis].is_value() && out[axis].is_value() && 2 * out[axis].value() <= in[axis].value());
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* matmul = made_by(n.input(0), "MatMul");
  if (!matmul || !n.input(0)->used_once()) return no(rw, "the input is not a MatMul that nobody else reads");
  const Shape *in = shape_of(n.input(0)), *out = shape_of(n.output());
  if (!in || !out) return no(rw, "the rank is not known");
  const auto rank = static_cast<std::int64_t>(in->size());
  const auto t = taken(n, rank);
  if (!t) return no(rw, "not a slice of one axis that is given");
  if (!little(n, *t, *in, *out)) return no(rw, "more than half is taken");
  const auto from = source_of(*matmul, t->axis, rank);
  if (!from) return no(rw, "both operands have the axis");
  if (t->drops && rank_of(matmul->input(1)) != 2) return no(rw, "a batch of matrices would lose an axis of one operand");
  std::vector<Value*> operands(matmul->inputs().begin(), matmul->inputs().end()), part(n.inputs().begin(), n.inputs().end());
  part[0] = operands[from->operand];
  if (n.is("Slice")) {
    part[3] = rw.constant(Tensor::int64s({from->axis}), "axes");
    operands[from->operand] = rw.op("Slice", std::move(part));
  } else {
    operands[from->operand] = rw.op("Gather", std::move(part), {{"axis", from->axis}});
  }
  rw.consume(*matmul);
  return becomes(n, rw, rw.op("MatMul", operands));
}

}  // namespace

// Slice (MatMul (a, b), rows)  ==>  MatMul (Slice (a, rows), b), so for columns and b, and for Gather: nobody computes what nobody reads, as of all
// but the last token.
NodeRule move_slice_up() { return {"move-slice-up", "Take the rows or columns of a MatMul before it", "Slice Gather", Level::o2, visit}; }

}  // namespace onnxopt
