// Norms, with what is added before them.
#include <algorithm>

#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

namespace {

bool is_short(DType t) { return t == DType::float16 || t == DType::bfloat16; }

}  // namespace

// 16-bit types are normalized in float32, as the fused operators do.
Value* layer_norm(Expansion& e, Value* x, Value* scale, Value* bias, float epsilon, bool rms) {
  const Attrs attrs{{"axis", int64_t{-1}}, {"epsilon", epsilon}};
  if (!rms && e.opset() >= 17) return e.op("LayerNormalization", {x, scale, bias}, attrs);
  if (rms && e.opset() >= 23) return e.op("RMSNormalization", {x, scale}, attrs);
  const DType t = Expansion::dtype_of_value(x);
  Value* wide = is_short(t) ? e.cast(x, DType::float32) : x;
  const DType w = Expansion::dtype_of_value(wide);
  Value* d = rms ? wide : e.sub(wide, e.reduce("ReduceMean", wide, {-1}));
  Value* variance = e.reduce("ReduceMean", e.mul(d, d), {-1});
  Value* y = e.mul(e.div(d, e.op("Sqrt", {e.add(variance, e.scalar(w, epsilon))})), e.cast(scale, w));
  if (bias) y = e.add(y, e.cast(bias, w));
  return e.cast(y, t);
}

namespace {

// Input + skip + bias, the norm, and what else the operator gives: mean, inverse deviation, the sum.
std::string skip_norm(Expansion& e, std::size_t beta, std::size_t bias, bool rms) {
  if (e.dtype() == DType::undefined) return "type: the element type is not known";
  Value* sum = e.add(e.in(0), e.in(1));
  if (e.has(bias)) sum = e.add(sum, e.in(bias));
  const float epsilon = e.real("epsilon", 1e-12f);
  Value* shift = beta ? e.in(beta) : nullptr;
  if (e.used(3)) e.result(3, sum);
  if (e.used(1) || e.used(2)) {
    if (rms || e.opset() < 17) return "its mean or its deviation is read";
    Node& n = e.make("LayerNormalization", {sum, e.in(2), shift}, {{"axis", int64_t{-1}}, {"epsilon", epsilon}}, 3);
    for (std::size_t i = 0; i < 3; ++i) e.result(i, n.output(i));
    return "";
  }
  return e.result(0, layer_norm(e, sum, e.in(2), shift, epsilon, rms)), "";
}

}  // namespace

std::string skip_layer_norm(Expansion& e) { return skip_norm(e, 3, 4, false); }
std::string skip_rms_norm(Expansion& e) { return skip_norm(e, 0, 3, true); }

std::string simplified_layer_norm(Expansion& e) {
  const auto rank = e.rank(0);
  const int64_t axis = e.integer("axis", -1);
  if (e.dtype() == DType::undefined || !rank) return "type: the type of the input is not known";
  if (axis != -1 && axis != *rank - 1) return "it normalizes more than the last dimension";
  if (e.used(1)) return "its deviation is read";
  if (e.dtype(1) != e.dtype(0)) return "type: input and scale differ";
  return e.result(0, layer_norm(e, e.in(0), e.in(1), nullptr, e.real("epsilon", 1e-5f), true)), "";
}

std::string embed_layer_norm(Expansion& e) {
  if (e.dtype(2) == DType::undefined) return "type: the element type is not known";
  Value* sum = e.op("Gather", {e.in(2), e.in(0)});
  if (e.has(8)) {
    sum = e.add(sum, e.op("Gather", {e.in(3), e.in(8)}));
  } else {  // positions 0, 1, ...: the first rows
    Value* length = e.slice(e.shape_value(e.in(0)), 1, 2, 0);
    sum = e.add(sum, e.op("Slice", {e.in(3), e.ints({0}, "starts"), length, e.ints({0}, "axes")}));
  }
  if (e.has(1) && e.has(4)) sum = e.add(sum, e.op("Gather", {e.in(4), e.in(1)}));
  if (e.used(2)) e.result(2, sum);
  if (e.used(1)) {  // the lengths: how many entries of the mask are 1
    if (e.has(7)) {
      Value* ones = e.op("Equal", {e.in(7), e.cast(e.tensor(Tensor::scalar<std::int32_t>(1)), e.dtype(7))});
      e.result(1, e.reduce("ReduceSum", e.cast(ones, DType::int32), {1}, false));
    } else {
      e.result(1, e.op("Expand", {e.tensor(Tensor::scalar<std::int32_t>(0)), e.slice(e.shape_value(e.in(0)), 0, 1, 0)}));
    }
  }
  return e.result(0, layer_norm(e, sum, e.in(5), e.in(6), e.real("epsilon", 1e-12f), false)), "";
}

namespace {

// Groups as instances of a tensor [batch, groups, rest]; gamma and beta a channel.
std::string group_norm_of(Expansion& e, Value* x, Value*& out) {
  const DType t = e.dtype();
  if (t == DType::undefined || e.rank(0) != std::optional<int64_t>(4)) return "type: the type of the input is not known";
  const int64_t groups = e.integer("groups");
  const bool last = e.integer("channels_last", 1) != 0;
  if (groups < 1) return "the number of groups is not stated";
  Value* first = last ? e.transpose(x, {0, 3, 1, 2}) : x;
  std::vector<float> zeros(static_cast<std::size_t>(groups), 0.0f), ones(static_cast<std::size_t>(groups), 1.0f);
  Value* flat = e.reshape(first, {0, groups, -1});
  Value* norm = e.op("InstanceNormalization",
                     {flat, e.cast(e.tensor(Tensor::of<float>({groups}, ones)), t), e.cast(e.tensor(Tensor::of<float>({groups}, zeros)), t)},
                     {{"epsilon", e.real("epsilon", 1e-5f)}});
  Value* y = e.reshape_like(norm, first);
  y = e.add(e.mul(y, e.unsqueeze(e.cast(e.in(1), t), {1, 2})), e.unsqueeze(e.cast(e.in(2), t), {1, 2}));
  if (e.integer("activation") == 1) y = e.mul(y, e.op("Sigmoid", {y}));
  out = last ? e.transpose(y, {0, 2, 3, 1}) : y;
  return "";
}

}  // namespace

std::string group_norm(Expansion& e) {
  Value* y = nullptr;
  if (std::string why = group_norm_of(e, e.in(0), y); !why.empty()) return why;
  return e.result(0, y), "";
}
std::string skip_group_norm(Expansion& e) {
  const bool last = e.integer("channels_last", 1) != 0;
  const auto rank = e.rank(3);
  if (!rank) return "type: the rank of skip is not known";
  Value* skip = *rank == 4 ? e.in(3) : e.unsqueeze(e.in(3), last ? Ints{1, 2} : Ints{2, 3});
  Value* sum = e.add(e.in(0), skip);
  if (e.has(4)) sum = e.add(sum, last ? e.in(4) : e.unsqueeze(e.in(4), {1, 2}));
  if (e.used(1)) e.result(1, sum);
  Value* y = nullptr;
  if (std::string why = group_norm_of(e, sum, y); !why.empty()) return why;
  return e.result(0, y), "";
}

}  // namespace onnxopt::lowering
