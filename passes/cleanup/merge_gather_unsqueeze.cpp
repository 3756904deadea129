// Unsqueeze (Gather <axis> (x, scalar i), axis)  ==>  Gather <axis> (x, [i]),     Squeeze (Gather <axis> (x, [i]), axis)  ==>  Gather <axis> (x, i),
// Squeeze (Slice (x, i, i + 1, axis), axis)  ==>  Gather <axis> (x, i)
#include "passes/cleanup/slice_spec.h"
#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

bool of_gather(const Node& n, const Node& gather, Rewriter& rw) {
  const Tensor* t = gather.input(1)->constant();
  const auto rank = rank_of(gather.input(0));
  const auto axis = rank ? normalize_axis(gather.attr<std::int64_t>("axis"), *rank) : std::nullopt;
  const bool one = t && t->size() == 1 && t->rank() == (n.is("Unsqueeze") ? 0 : 1);
  if (!one || !axis || squeeze_axes(n) != Ints{*axis}) return no(rw, "the axes differ, or not one index is taken");
  Value* index = rw.constant(t->reshaped(n.is("Unsqueeze") ? Dims{1} : Dims{}), "index");
  return becomes(n, rw, rw.op("Gather", {gather.input(0), index}, gather.attrs()));
}

bool visit(const Node& n, Rewriter& rw) {
  if (const Node* gather = made_by(n.input(0), "Gather")) return of_gather(n, *gather, rw);
  const Node* slice = n.is("Squeeze") ? made_by(n.input(0), "Slice") : nullptr;
  if (!slice) return no(rw, "the input is not a Gather or Slice");
  const auto span = single_span(*slice);
  if (!span || span->end - span->start != 1 || squeeze_axes(n) != Ints{span->axis}) return no(rw, "the axes differ, or not one element is taken");
  return becomes(n, rw, rw.op("Gather", {slice->input(0), rw.constant(Tensor::scalar(span->start), "index")}, {Attribute("axis", span->axis)}));
}

}  // namespace

NodeRule merge_gather_unsqueeze() {
  return {"merge-gather-unsqueeze", "Gather that keeps or drops its axis itself", "Unsqueeze Squeeze", Level::o1, visit};
}

}  // namespace onnxopt
