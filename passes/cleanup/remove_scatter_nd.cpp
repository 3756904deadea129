// y = ScatterND (data, [[0], [1], .. [d-1]], updates)  ==>  updates      every element of data is overwritten, in order;  GatherND of all of x in
// order  ==>  x
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// indices[i0, .., ik-1] = (i0, .., ik-1) for all positions of the first k dims of `shape`.
bool counts_up(const Tensor& indices, const Shape& shape) {
  if (indices.dtype() != DType::int64 || indices.rank() < 2) return false;
  const auto k = static_cast<std::size_t>(indices.dims().back());
  if (static_cast<std::size_t>(indices.rank()) != k + 1 || k > shape.size()) return false;
  for (std::size_t i = 0; i < k; ++i)
    if (!shape[i].is(indices.dims()[i])) return false;
  Ints position(k, 0);
  const auto data = indices.data<std::int64_t>();
  for (std::size_t at = 0; at < data.size(); at += k) {
    for (std::size_t i = 0; i < k; ++i)
      if (data[at + i] != position[i]) return false;
    for (std::size_t i = k; i-- > 0;) {
      if (++position[i] < indices.dims()[i]) break;
      position[i] = 0;
    }
  }
  return true;
}

bool visit(const Node& n, Rewriter& rw) {
  const Tensor* indices = n.input(1)->constant();
  const Shape* s = shape_of(n.input(0));
  if (!indices || !s || !plain(n)) return no(rw, "the indices are not constant");
  if (n.is("ScatterND") && n.attr<std::string>("reduction") != "none") return no(rw, "the updates are combined with the data");
  if (n.is("GatherND") && n.attr<std::int64_t>("batch_dims") != 0) return no(rw, "there are batch dims");
  Value* result = n.input(n.is("ScatterND") ? 2 : 0);
  if (!same_shape(result, n.output()) || !counts_up(*indices, *s)) return no(rw, "not everything is written in order");
  return becomes(n, rw, result);
}

}  // namespace

NodeRule remove_scatter_nd() {
  return {"remove-scatter-nd", "Remove ScatterND and GatherND over everything in order", "ScatterND GatherND", Level::o1, visit};
}

}  // namespace onnxopt
