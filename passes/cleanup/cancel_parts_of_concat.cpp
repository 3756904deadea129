// c = Concat <axis> (p, q);  a, b = Split <axis> (c)  ==>  p, q,   and a Slice of c that takes exactly one of its inputs, or parts of one, or whole
// inputs
#include "ir/core/error.h"
#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// Sizes of the inputs of `concat` along `axis`; nullopt: not numbers.
std::optional<Ints> sizes(const Node& concat, std::int64_t axis) {
  Ints r;
  for (const Value* v : concat.inputs()) {
    const Shape* s = shape_of(v);
    if (!s || !(*s)[static_cast<std::size_t>(axis)].is_value()) return std::nullopt;
    r.push_back((*s)[static_cast<std::size_t>(axis)].value());
  }
  return r;
}

bool split_of_concat(const Node& n, const Node& concat, std::int64_t axis, const Ints& size, Rewriter& rw) {
  if (normalize_axis(n.attr<std::int64_t>("axis"), *rank_of(n.input(0))) != axis) return no(rw, "Split cuts along another axis");
  if (n.outputs().size() != size.size()) return no(rw, "Split cuts elsewhere");
  for (std::size_t i = 0; i < size.size(); ++i) {
    const Shape* s = n.output(i) ? shape_of(n.output(i)) : nullptr;
    if (!s || !(*s)[static_cast<std::size_t>(axis)].is(size[i])) return no(rw, "Split cuts elsewhere");
  }
  for (std::size_t i = 0; i < size.size(); ++i) rw.replace(n.output(i), concat.input(i));
  return true;
}

bool slice_of_concat(const Node& n, const Node& concat, std::int64_t axis, const Ints& size, Rewriter& rw) {
  const auto span = single_span(n);
  if (!span || span->axis != axis) return no(rw, "Slice cuts along another axis");
  std::int64_t at = 0;
  std::vector<Value*> whole;
  for (std::size_t i = 0; i < size.size(); at += size[i++]) {
    const bool inside = at <= span->start && span->end <= at + size[i];
    if (inside && size[i] == span->end - span->start) return becomes(n, rw, concat.input(i));
    if (inside) {
      const SliceSpec s{{span->start - at}, {span->end - at}, {axis}, {1}};
      return becomes(n, rw, rw.op("Slice", slice_inputs(rw, concat.input(i), s)));
    }
    if (span->start <= at && at + size[i] <= span->end) whole.push_back(concat.input(i));
    else if (at < span->end && span->start < at + size[i]) return no(rw, "the slice takes parts of several inputs");
  }
  ONNXOPT_CHECK(!whole.empty(), "a slice that lies in no input spans a border between two");
  return becomes(n, rw, rw.op("Concat", whole, concat.attrs()));
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* concat = made_by(n.input(0), "Concat");
  const auto rank = rank_of(n.input(0));
  if (!concat || !rank || !plain(n)) return no(rw, "the input is not a Concat of known rank");
  const auto axis = normalize_axis(concat->attr<std::int64_t>("axis"), *rank);
  const auto size = axis ? sizes(*concat, *axis) : std::nullopt;
  if (!size) return no(rw, "the sizes of the concatenated tensors are not known");
  return n.is("Split") ? split_of_concat(n, *concat, *axis, *size, rw) : slice_of_concat(n, *concat, *axis, *size, rw);
}

}  // namespace

NodeRule cancel_parts_of_concat() {
  return {"cancel-parts-of-concat", "Read the parts of a Concat where they come from", "Split Slice", Level::o1, visit};
}

}  // namespace onnxopt
