// Scattering with reduction, and what else scatters or gathers by place before its opset.
#include <memory>

#include "ir/core/model.h"
#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

const char* operator_of(const std::string& reduction) {
  return reduction == "add" ? "Add" : reduction == "mul" ? "Mul" : reduction == "max" ? "Max" : "Min";
}

// Before opset 9: one update after the other. The changed row stands behind all rows, and its index takes it.
std::string scatter_one_by_one(Expansion& e, Value* data, Value* updates, Value* places, const std::string& reduction) {
  const DType t = e.dtype(0);
  const Index count = dim_of(e, data, 0);
  const Type rows = Type::tensor(t, Shape{(*Expansion::shape_of(data))[0], (*Expansion::shape_of(data))[1]});
  Value *own = range(e, 0, count), *behind = vector_of(e, count);
  ExpansionBody b(e, "update");
  Value* i = b.input("i", Type::tensor(DType::int64, Dims{}));
  Value* go = b.input("go", Type::tensor(DType::boolean, Dims{}));
  Value* now = b.input("rows", rows);
  const Attrs along{{"axis", std::int64_t{0}}};
  Value* at = b.op("Reshape", {i, e.ints({1})});
  Value* place = b.op("Gather", {places, at}, along);
  Value* changed = b.op(operator_of(reduction), {b.op("Gather", {now, place}, along), b.op("Gather", {updates, at}, along)});
  Value* here = b.op("Cast", {b.op("Equal", {own, place})}, {{"to", static_cast<std::int64_t>(DType::int64)}});
  Value* from = b.op("Add", {own, b.op("Mul", {here, b.op("Sub", {behind, own})})});
  b.output(go, go->type);
  b.output(b.op("Gather", {b.op("Concat", {now, changed}, along), from}, along), rows);
  Node& loop = e.make("Loop", {e.squeeze(e.shape_value(places), {0}), e.tensor(Tensor::scalar<bool>(true), "go"), data}, {}, 1);
  b.give_to(loop);
  loop.output(0)->type = rows;
  e.result(0, e.reshape_like(loop.output(0), e.in(0)));
  return "";
}

}  // namespace

// In rounds: of the updates that want the same row one gets it, the others wait for the next round.
std::string scatter_in_rounds(Expansion& e, Value* data, Value* updates, Value* places, const std::string& reduction) {
  const DType t = e.dtype(0);
  if (t == DType::undefined) return "the type of the input is not known";
  if (e.opset() < 9) return scatter_one_by_one(e, data, updates, places, reduction);
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
  Value* sums = b.op(operator_of(reduction), {b.op("Gather", {now, where}, along), b.op("Compress", {left, wins}, along)});
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
  y = e.op("Reshape", {y, vector_of(e, dims)});
  if (e.has(2)) {  // a larger shape: zeros behind
    Value* more = e.sub(e.cast(e.in(2), DType::int64), vector_of(e, dims));
    y = e.op("Pad", {y, e.concat({e.ints(Ints(static_cast<std::size_t>(*rank), 0)), more}, 0)});
  }
  e.result(0, y);
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
