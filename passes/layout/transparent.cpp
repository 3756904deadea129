#include "passes/layout/transparent.h"

#include <algorithm>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// Constants that are permuted with the layout are small: scales, biases, masks of one sample.
constexpr std::int64_t kMaxConstant = 1 << 16;

bool is_elementwise(const Node& n) {
  if (n.op().domain != "") return false;
  return (n.op().has(kElementwise) && !n.is("PRelu") && !n.is("QuantizeLinear") && !n.is("DequantizeLinear")) || n.is("Cast") || n.is("Clip");
}
bool is_axis_op(const Node& n) { return n.is("Concat") || n.is("Split") || n.is("Softmax") || n.is("LogSoftmax") || n.is("TopK"); }
bool is_reduction(const Node& n) {
  return n.is("ReduceMean") || n.is("ReduceMax") || n.is("ReduceMin") || n.is("ReduceSum") || n.is("ReduceProd") || n.is("ReduceL1") ||
         n.is("ReduceL2") || n.is("ReduceSumSquare") || n.is("ReduceLogSum") || n.is("ReduceLogSumExp");
}

// A constant that broadcasts with tensors of the layout after p, for tensors of the layout before p.
std::optional<Tensor> unpermuted(const Tensor& t, const Perm& p, Evaluator* evaluator) {
  if (t.size() == 1 && t.rank() <= 1) return t;
  const auto rank = static_cast<std::int64_t>(p.size());
  if (t.rank() > rank || t.size() > kMaxConstant || !evaluator) return std::nullopt;
  Dims full(static_cast<std::size_t>(rank - t.rank()), 1);
  full.insert(full.end(), t.dims().begin(), t.dims().end());
  const Attrs attrs{Attribute("perm", inverse(p))};
  const OpCall call{.op = &op("Transpose"), .attrs = &attrs};
  const Tensor in = t.reshaped(full);
  auto out = evaluator->evaluate(call, std::span<const Tensor>(&in, 1));
  return out && !out->empty() ? std::optional<Tensor>(out->front()) : std::nullopt;
}

std::optional<Permuted> elementwise(const Node& n, const Perm& p, Evaluator* evaluator) {
  Permuted r{n.attrs(), {}};
  if (n.is("Clip")) return r;
  for (std::size_t i = 0; i < n.inputs().size(); ++i) {
    if (!n.input(i) || !n.input(i)->constant()) continue;
    const auto t = unpermuted(*n.input(i)->constant(), p, evaluator);
    if (!t) return std::nullopt;
    if (!t->same_content(*n.input(i)->constant())) r.constants.emplace_back(i, *t);
  }
  return r;
}

std::optional<Permuted> axis_op(const Node& n, const Perm& p) {
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(p.size()));
  if (!axis) return std::nullopt;
  return Permuted{with(n, "axis", p[static_cast<std::size_t>(*axis)]), {}};
}

// What is left of p without the dims `gone` of the result, which are dims p[gone] of the input.
Perm without(const Perm& p, const Ints& gone) {
  Perm r;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::find(gone.begin(), gone.end(), static_cast<std::int64_t>(i)) != gone.end()) continue;
    std::int64_t to = p[i];
    for (const auto g : gone) to -= p[static_cast<std::size_t>(g)] < p[i];
    r.push_back(to);
  }
  return r;
}

Ints moved_axes(const Ints& axes, const Perm& p) {
  Ints r;
  for (const auto a : axes) r.push_back(p[static_cast<std::size_t>(a)]);
  std::sort(r.begin(), r.end());
  return r;
}

// Reductions and Squeeze: inputs 1 are the axes.
std::optional<Permuted> reduction(const Node& n, const Perm& p) {
  if (!n.input(1)) return std::nullopt;
  const auto axes = known_axes(n, 1, static_cast<std::int64_t>(p.size()));
  if (!axes || axes->empty()) return std::nullopt;
  const bool drops = n.is("Squeeze") || n.attr<std::int64_t>("keepdims") == 0;
  return Permuted{n.attrs(), {{1, Tensor::int64s(moved_axes(*axes, p))}}, drops ? without(p, *axes) : p};
}

std::optional<Permuted> arg_reduction(const Node& n, const Perm& p) {
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(p.size()));
  if (!axis) return std::nullopt;
  return Permuted{with(n, "axis", p[static_cast<std::size_t>(*axis)]), {}, n.attr<std::int64_t>("keepdims") == 0 ? without(p, {*axis}) : p};
}

// The new dims go to the front, where every layout has room for them.
std::optional<Permuted> unsqueeze(const Node& n, const Perm& p) {
  const auto given = known_ints(n.input(1));
  const std::size_t rank = p.size() + (given ? given->size() : 0);
  const auto axes = given ? known_axes(n, 1, static_cast<std::int64_t>(rank)) : std::nullopt;
  if (!axes || axes->empty() || axes->size() != given->size()) return std::nullopt;
  Ints front;
  Perm result;
  std::int64_t fresh = 0;
  std::size_t old = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool is_new = std::find(axes->begin(), axes->end(), static_cast<std::int64_t>(i)) != axes->end();
    if (is_new) front.push_back(fresh);
    result.push_back(is_new ? fresh++ : p[old++] + static_cast<std::int64_t>(axes->size()));
  }
  return Permuted{n.attrs(), {{1, Tensor::int64s(front)}}, result};
}

// One place, or some of them, along one axis.
std::optional<Permuted> gather(const Node& n, const Perm& p) {
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(p.size()));
  const Tensor* indices = n.input(1) ? n.input(1)->constant() : nullptr;
  if (!axis || !indices || indices->rank() > 1) return std::nullopt;
  return Permuted{with(n, "axis", p[static_cast<std::size_t>(*axis)]), {}, indices->rank() == 0 ? without(p, {*axis}) : p};
}

// Scales or sizes of all axes, as constants. Kernels that interpolate expect the two outer axes to be left alone.
std::optional<Permuted> resize(const Node& n, const Perm& p) {
  if (n.input(1) && (!n.input(1)->constant() || n.input(1)->constant()->size() > 0)) return std::nullopt;  // a region
  if (n.attrs().has("axes") || n.attr<std::string>("coordinate_transformation_mode") == "tf_crop_and_resize") return std::nullopt;
  const std::size_t given = n.input(3) ? 3 : 2, rank = p.size();
  const Tensor* t = n.input(given) ? n.input(given)->constant() : nullptr;
  const Shape* s = shape_of(n.input(0));
  if (!t || !s || t->rank() != 1 || t->size() != static_cast<std::int64_t>(rank)) return std::nullopt;
  const auto sizes = given == 3 ? known_ints(n.input(3)) : std::nullopt;
  if (given == 3 ? !sizes : t->dtype() != DType::float32) return std::nullopt;
  std::vector<float> scales(rank);
  Ints moved(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const auto to = static_cast<std::size_t>(p[i]);
    const bool untouched = sizes ? (*s)[i].is((*sizes)[i]) : t->data<float>()[i] == 1.0F;
    if (to < 2 && !untouched && n.attr<std::string>("mode") != "nearest") return std::nullopt;
    if (sizes) moved[to] = (*sizes)[i];
    else scales[to] = t->data<float>()[i];
  }
  return Permuted{n.attrs(), {{given, sizes ? Tensor::int64s(moved) : Tensor::of<float>({static_cast<std::int64_t>(rank)}, scales)}}};
}

// One scale for the whole tensor, or one for each place of an axis.
std::optional<Permuted> quantization(const Node& n, const Perm& p) {
  const auto rank = rank_of(n.input(1));
  if (!rank || *rank > 1 || (n.attrs().has("block_size") && n.attr<std::int64_t>("block_size") != 0)) return std::nullopt;
  if (*rank == 0) return Permuted{n.attrs(), {}};
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(p.size()));
  if (!axis) return std::nullopt;
  return Permuted{with(n, "axis", p[static_cast<std::size_t>(*axis)]), {}};
}

std::optional<Permuted> pad(const Node& n, const Perm& p) {
  const auto pads = known_ints(n.input(1));
  const std::size_t rank = p.size();
  if (n.input(3) || !pads || pads->size() != 2 * rank || (n.input(2) && !n.input(2)->constant())) return std::nullopt;
  Ints r(2 * rank);
  for (std::size_t i = 0; i < rank; ++i) {
    r[static_cast<std::size_t>(p[i])] = (*pads)[i];
    r[static_cast<std::size_t>(p[i]) + rank] = (*pads)[i + rank];
  }
  return Permuted{n.attrs(), {{1, Tensor::int64s(r)}}};
}

std::optional<Permuted> tile(const Node& n, const Perm& p) {
  const auto repeats = known_ints(n.input(1));
  if (!repeats || repeats->size() != p.size()) return std::nullopt;
  Ints r(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) r[static_cast<std::size_t>(p[i])] = (*repeats)[i];
  return Permuted{n.attrs(), {{1, Tensor::int64s(r)}}};
}

std::optional<Permuted> slice(const Node& n, const Perm& p) {
  auto axes = n.input(3) ? known_ints(n.input(3)) : std::nullopt;
  if (!axes) return std::nullopt;
  for (std::size_t i = 1; i < n.inputs().size(); ++i)
    if (n.input(i) && !n.input(i)->constant()) return std::nullopt;
  for (auto& a : *axes) {
    const auto normal = normalize_axis(a, static_cast<std::int64_t>(p.size()));
    if (!normal) return std::nullopt;
    a = p[static_cast<std::size_t>(*normal)];
  }
  return Permuted{n.attrs(), {{3, Tensor::int64s(*axes)}}};
}

std::optional<Permuted> same_rank(const Node& n, const Perm& p, Evaluator* evaluator) {
  if (is_elementwise(n)) return elementwise(n, p, evaluator);
  if (n.is("Concat") && tensor_operands(n).size() != n.inputs().size()) return std::nullopt;
  if (is_axis_op(n)) return axis_op(n, p);
  if (n.is("Pad")) return pad(n, p);
  if (n.is("Slice")) return slice(n, p);
  if (n.is("Resize")) return resize(n, p);
  if (n.is("Tile")) return tile(n, p);
  if (n.is("QuantizeLinear") || n.is("DequantizeLinear")) return quantization(n, p);
  return std::nullopt;
}

}  // namespace

Perm inverse(const Perm& p) {
  Perm r(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) r[static_cast<std::size_t>(p[i])] = static_cast<std::int64_t>(i);
  return r;
}

bool is_identity(const Perm& p) {
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

std::vector<std::size_t> tensor_operands(const Node& n) {
  std::vector<std::size_t> r;
  const bool all = is_elementwise(n) ? !n.is("Clip") : n.is("Concat");
  for (std::size_t i = 0; i < (all ? n.inputs().size() : std::min<std::size_t>(1, n.inputs().size())); ++i)
    if (n.input(i) && !n.input(i)->constant()) r.push_back(i);
  return r;
}

std::optional<Permuted> permuted(const Node& n, const Perm& p, Evaluator* evaluator) {
  if (n.kept || !plain(n) || n.op().has(kOpaque)) return std::nullopt;
  // Every tensor has the full rank: a smaller one would be lined up with other dims. (Clip's bounds and Cast's input are covered by the same test.)
  for (const std::size_t i : tensor_operands(n))
    if (rank_of(n.input(i)) != static_cast<std::int64_t>(p.size())) return std::nullopt;
  if (is_reduction(n) || n.is("Squeeze")) return reduction(n, p);
  if (n.is("ArgMax") || n.is("ArgMin")) return arg_reduction(n, p);
  if (n.is("Unsqueeze")) return unsqueeze(n, p);
  if (n.is("Gather")) return gather(n, p);
  auto r = same_rank(n, p, evaluator);
  if (r) r->result = p;
  return r;
}

}  // namespace onnxopt
