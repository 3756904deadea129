// Scattering with reduction, and what else scatters or gathers by place before its opset.
#include <memory>

#include "ir/core/model.h"
#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
// In rounds: of the updates that want the same row one gets it, the others wait for the next round.
std::string scatter_in_rounds(Expansion& e, Value* data, Value* updates, Value* places, const std::string& reduction) {
  const DType t = e.dtype(0);
  if (t == DType::undefined) return "the type of the input is not known";
  Value* count = e.shape_value(places);
  Value* nobody = e.op("Expand", {e.index(0), vector_of(e, dim_of(e, data, 0))});
  const Dim width = (*Expansion::shape_of(data))[1];
  const Type number = Type::tensor(DType::int64, Dims{}), condition = Type::tensor(DType::boolean, Dims{});
  const Type rows = Type::tensor(t, Shape{(*Expansion::shape_of(data))[0], width}), waiting = Type::tensor(t, Shape{Dim(), width});
  ExpansionBody b(e, "round");
  b.input("i", number);
  b.input("go", condition);
  Value *now = b.input("rows", rows), *at = b.input("places", Type::tensor(DType::int64, Shape{Dim()})), *left = b.input("updates", waiting);
  const Attrs along{{"axis", std::int64_t{0}}};
  Value* own = b.op("Range", {e.index(0), b.op("Squeeze", {b.op("Shape", {at}), e.ints({0}, "axes")}), e.index(1)});
  Value* winners = b.op("ScatterElements", {nobody, at, own}, along);
  Value* wins = b.op("Equal", {b.op("Gather", {winners, at}, along), own});
  Value* waits = b.op("Not", {wins});
  Value* where = b.op("Compress", {at, wins}, along);
  const char* op = reduction == "add" ? "Add" : reduction == "mul" ? "Mul" : reduction == "max" ? "Max" : "Min";
  Value* sums = b.op(op, {b.op("Gather", {now, where}, along), b.op("Compress", {left, wins}, along)});
  Value* next = b.op("ScatterND", {now, b.op("Unsqueeze", {where, e.ints({1}, "axes")}), sums});
  Value* rest = b.op("Compress", {at, waits}, along);
  Value* some = b.op("Greater", {b.op("Squeeze", {b.op("Shape", {rest}), e.ints({0}, "axes")}), e.index(0)});
  b.output(some, condition);
  b.output(next, rows);
  b.output(rest, Type::tensor(DType::int64, Shape{Dim()}));
  b.output(b.op("Compress", {left, waits}, along), waiting);
  Value* most = e.squeeze(count, {0});
  Node& loop = e.make("Loop", {most, e.op("Greater", {most, e.index(0)}), data, places, updates}, {}, 3);
  b.give_to(loop);
  loop.output(0)->type = rows;
  loop.output(1)->type = Type::tensor(DType::int64, Shape{Dim()});
  loop.output(2)->type = waiting;
  e.result(0, e.reshape_like(loop.output(0), e.in(0)));
  return "";
}

// Values go to their places in a tensor of zeros.
std::string max_unpool(Expansion& e) {
  const auto rank = e.rank(0);
  const DType t = e.dtype(0);
  const Ints* kernel = e.integers("kernel_shape");
  const auto zero = float_scalar(t, 0);
  if (!rank || *rank < 3 || !kernel || kernel->size() + 2 != static_cast<std::size_t>(*rank)) return "the rank of the input is not known";
  if (!zero) return "type: MaxUnpool of this type";
  if (e.has(2)) return "no decomposition: MaxUnpool with output_shape";
  const std::size_t n = kernel->size();
  const Ints *strides = e.integers("strides"), *pads = e.integers("pads");
  std::vector<Index> dims = dims_of(e, e.in(0));
  for (std::size_t k = 0; k < n; ++k) {
    const std::int64_t stride = strides && strides->size() == n ? (*strides)[k] : 1;
    const std::int64_t cut = pads && pads->size() == 2 * n ? (*pads)[k] + (*pads)[k + n] : 0;
    dims[k + 2] = add(e, mul(e, sub(e, dims[k + 2], 1), stride), (*kernel)[k] - cut);
  }
  Value* zeros = e.op("Expand", {e.reshape(e.tensor(*zero), {1}), vector_of(e, product(e, dims))});
  Value* y = e.op("ScatterElements", {zeros, e.reshape(e.in(1), {-1}), e.reshape(e.in(0), {-1})}, {{"axis", std::int64_t{0}}});
  e.result(0, e.op("Reshape", {y, vector_of(e, dims)}));
  return "";
}

// Before opset 9: the places of true, gathered.
std::string compress(Expansion& e) {
  Value* at = e.squeeze(e.op("NonZero", {e.in(1)}), {0});
  const bool flat = !e.node().attrs().has("axis");
  Value* x = flat ? e.reshape(e.in(0), {-1}) : e.in(0);
  e.result(0, e.op("Gather", {x, at}, {{"axis", flat ? std::int64_t{0} : e.integer("axis")}}));
  return "";
}

}  // namespace onnxopt::expand_fn
