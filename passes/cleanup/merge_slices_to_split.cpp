// a = Slice (x, 0, k);  b = Slice (x, k, n)  ==>  a, b = Split (x)      slices along one axis that adjoin and take all of x
#include <algorithm>

#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// What a Slice takes, or a Gather of a list of one index.
std::optional<Span> part_span(const Node& n) {
  if (n.is("Slice")) return single_span(n);
  const Shape* s = shape_of(n.input(0));
  const Tensor* list = n.input(1)->constant();
  const auto index = list && list->rank() == 1 && list->size() == 1 ? known_int(n.input(1)) : std::nullopt;
  const auto axis = s ? normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
  if (!index || !axis || !(*s)[static_cast<std::size_t>(*axis)].is_value()) return std::nullopt;
  const std::int64_t d = (*s)[static_cast<std::size_t>(*axis)].value(), at = *index < 0 ? *index + d : *index;
  return at >= 0 && at < d ? std::optional<Span>({*axis, at, at + 1, d}) : std::nullopt;
}

struct Part {
  const Node* node;
  Span span;
};

// All slices of x along the axis of `n` in this graph; empty if `n` is not the first of them in the list (a new node stands before it).
std::vector<Part> siblings(const Node& n, std::int64_t axis) {
  std::vector<Part> parts;
  if (n.input(0)->uses().size() > 64) return parts;
  for (const Use& u : n.input(0)->uses()) {
    const bool slice = u.node->is("Slice") || (u.node->is("Gather") && plain(*u.node));
    if (u.index != 0 || !slice || u.node->kept || u.node->graph() != n.graph()) continue;
    const auto s = part_span(*u.node);
    if (!s || s->axis != axis || s->start == s->end) continue;
    if (u.node != &n && u.node->graph()->is_before(*u.node, n)) return {};
    parts.push_back({u.node, *s});
  }
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.span.start != b.span.start ? a.span.start < b.span.start : a.node->id() < b.node->id(); });
  return parts;
}

// merge-slices will take `slice` into the one Slice after it.
bool followed_by_slice(const Node& slice) {
  const Value& y = *slice.output();
  return y.used_once() && y.uses()[0].index == 0 && y.uses()[0].node->is("Slice") && y.uses()[0].node->graph() == slice.graph();
}

bool visit(const Node& n, Rewriter& rw) {
  const auto span = part_span(n);
  if (!span) return no(rw, "not a slice of one axis with known bounds");
  const auto parts = siblings(n, span->axis);
  if (parts.size() < 2) return no(rw, "no sibling takes the rest");
  std::int64_t at = 0;
  Ints sizes;
  for (const Part& p : parts) {
    if (p.span.start != at) return no(rw, "the siblings overlap or leave a gap");
    sizes.push_back(p.span.end - p.span.start);
    at = p.span.end;
  }
  if (at != span->dim) return no(rw, "the siblings leave a gap");
  const auto merged_elsewhere = std::count_if(parts.begin(), parts.end(), [](const Part& p) { return followed_by_slice(*p.node); });
  if (merged_elsewhere >= static_cast<std::ptrdiff_t>(parts.size()) - 1) return no(rw, "the Slices behind them take them in");
  const auto out = rw.op_n("Split", {n.input(0), rw.constant(Tensor::int64s(sizes), "split")}, {Attribute("axis", span->axis)}, parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].node != &n) rw.consume(*parts[i].node);
    rw.replace(parts[i].node->output(), out[i]);
  }
  return true;
}

}  // namespace

NodeRule merge_slices_to_split() {
  return {"merge-slices-to-split", "One Split for Slices that cut a tensor into parts", "Slice Gather", Level::o1, visit};
}

}  // namespace onnxopt
