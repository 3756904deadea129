// moved_elements: known integers through tensors of rank above 1, which carry no known values themselves.
#include <algorithm>
#include <cstdlib>

#include "ir/ops/infer_util.h"

namespace onnxopt::infer_util {
namespace {

using Elements = std::vector<Dim>;
constexpr int kMaxChain = 8;

std::optional<Elements> constant_matrix(const Tensor& t) {
  if (t.dtype() != DType::int64 || t.size() > static_cast<std::int64_t>(kMaxKnown)) return std::nullopt;
  const auto data = t.data<std::int64_t>();
  return Elements(data.begin(), data.end());
}

std::optional<Ints> ints_behind(const Value* v) {
  if (!v) return std::nullopt;
  if (v->known) {
    Ints r;
    for (const Dim& d : *v->known) {
      if (!d.is_value()) return std::nullopt;
      r.push_back(d.value());
    }
    return r;
  }
  const Tensor* t = constant_tensor(*v);
  if (!t || !*t || t->dtype() != DType::int64 || t->rank() > 1 || t->size() > static_cast<std::int64_t>(kMaxKnown)) return std::nullopt;
  const auto data = t->data<std::int64_t>();
  return Ints(data.begin(), data.end());
}

Elements transposed(const Elements& in, const Dims& dims, const Ints& perm) {
  const std::size_t rank = dims.size();
  Dims strides(rank, 1), out_dims(rank), index(rank, 0);
  for (std::size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  for (std::size_t i = 0; i < rank; ++i) out_dims[i] = dims[static_cast<std::size_t>(perm[i])];
  Elements out;
  for (std::size_t n = 0; n < in.size(); ++n) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < rank; ++i) at += index[i] * strides[static_cast<std::size_t>(perm[i])];
    out.push_back(in[static_cast<std::size_t>(at)]);
    for (std::size_t i = rank; i-- > 0 && ++index[i] == out_dims[i];) index[i] = 0;
  }
  return out;
}

// Elements whose index along `axis` is start, start + step, ...
Elements strided(const Elements& in, const Dims& dims, std::size_t axis, std::int64_t start, std::int64_t step, std::int64_t count) {
  std::int64_t inner = 1, outer = 1;
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= dims[i];
  for (std::size_t i = 0; i < axis; ++i) outer *= dims[i];
  Elements out;
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t i = 0; i < inner; ++i) out.push_back(in[static_cast<std::size_t>((o * dims[axis] + start + k * step) * inner + i)]);
  return out;
}

std::optional<Elements> sliced(const Node& n, const Elements& in, const Dims& dims) {
  const std::optional<Ints> starts = ints_behind(n.input(1)), ends = ints_behind(n.input(2)), axes = ints_behind(n.input(3)),
                            steps = ints_behind(n.input(4));
  if (n.op().since < 10 || !starts || !ends || starts->size() != 1 || ends->size() != 1) return std::nullopt;
  if ((n.input(3) && (!axes || axes->size() != 1)) || (n.input(4) && (!steps || steps->size() != 1))) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(dims.size());
  std::int64_t axis = axes ? (*axes)[0] : 0;
  if (axis < 0) axis += rank;
  const std::int64_t step = steps ? (*steps)[0] : 1;
  if (axis < 0 || axis >= rank || step == 0 || std::abs(step) > 64) return std::nullopt;
  const std::int64_t d = dims[static_cast<std::size_t>(axis)];
  const auto clamped = [&](std::int64_t v, std::int64_t low, std::int64_t high) { return std::clamp(v < 0 ? v + d : v, low, high); };
  const std::int64_t start = step > 0 ? clamped((*starts)[0], 0, d) : clamped((*starts)[0], 0, d - 1);
  const std::int64_t end = step > 0 ? clamped((*ends)[0], 0, d) : clamped((*ends)[0], -1, d - 1);
  const std::int64_t distance = step > 0 ? end - start : start - end;
  const std::int64_t count = distance <= 0 ? 0 : (distance - 1) / std::abs(step) + 1;
  return strided(in, dims, static_cast<std::size_t>(axis), start, step, count);
}

bool is_small_static(const Type& t) {
  if (!t.is_static()) return false;
  std::int64_t count = 1;
  for (const Dim& d : *t.shape) {
    count *= d.value();
    if (count > static_cast<std::int64_t>(kMaxKnown) || d.value() < 0) return false;
  }
  return count > 0;
}

}  // namespace

std::optional<std::vector<Dim>> moved_elements(const Value& value, int depth) {
  if (value.known) return *value.known;
  if (depth > kMaxChain || !is_small_static(value.type)) return std::nullopt;
  if (const Tensor* t = constant_tensor(value)) return *t ? constant_matrix(*t) : std::nullopt;
  const Node* n = value.producer();
  if (!n || n->op().has(kOpaque) || !n->op().domain.empty() || !n->input(0) || n->has_ref_attrs()) return std::nullopt;
  const std::string_view op = n->op().name;
  const bool keeps_order = op == "Reshape" || op == "Squeeze" || op == "Unsqueeze" || op == "Identity" || op == "Flatten";
  const bool widens = op == "Cast" && value.type.dtype == DType::int64 && n->input(0)->type.dtype == DType::int32;
  if (!keeps_order && !widens && op != "Transpose" && op != "Slice") return std::nullopt;
  const std::optional<Elements> in = moved_elements(*n->input(0), depth + 1);
  if (!in || keeps_order || widens) return in;
  if (!n->input(0)->type.is_static()) return std::nullopt;
  const Dims dims = n->input(0)->type.static_dims();
  if (op == "Slice") return sliced(*n, *in, dims);
  Ints perm(dims.size());
  for (std::size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<std::int64_t>(perm.size() - 1 - i);
  if (const Ints* given = n->attrs().get<Ints>("perm")) perm = *given;
  return perm.size() == dims.size() ? std::optional(transposed(*in, dims, perm)) : std::nullopt;
}

}  // namespace onnxopt::infer_util
