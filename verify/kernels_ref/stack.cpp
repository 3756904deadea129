#include "verify/kernels_ref/stack.h"

#include "verify/kernels_ref/codes.h"

namespace onnxopt::ref {

using std::int64_t;

Tensor concat(const std::vector<Tensor>& parts, int64_t axis) {
  if (parts.empty()) bad_input("nothing to join");
  const auto a = static_cast<std::size_t>(axis);
  Dims out = parts[0].dims();
  if (axis < 0 || a >= out.size()) bad_input(fmt::format("{} has no axis {} to join along", dims_text(out), axis));
  Codes codes(parts[0].dtype());
  std::vector<std::pair<const std::byte*, std::size_t>> blocks;
  out[a] = 0;
  for (const Tensor& p : parts) {
    Dims expected = out;
    if (p.dims().size() == out.size()) expected[a] = p.dims()[a];
    if (p.dims() != expected) bad_input(fmt::format("cannot join {} and {} along axis {}", dims_text(parts[0].dims()), dims_text(p.dims()), axis));
    out[a] += p.dims()[a];
    blocks.emplace_back(codes.add(p), static_cast<std::size_t>(product(p.dims(), a)) * codes.size());
  }
  std::byte* to = codes.make(out);
  for (int64_t o = 0, outer = product(out, 0, a); o < outer; ++o)
    for (const auto& [from, bytes] : blocks) {
      if (bytes != 0) std::memcpy(to, from + static_cast<std::size_t>(o) * bytes, bytes);
      to += bytes;
    }
  return codes.finish();
}

Tensor stack(const std::vector<Tensor>& parts, int64_t axis) {
  std::vector<Tensor> expanded;
  for (const Tensor& p : parts) {
    Dims dims = p.dims();
    dims.insert(dims.begin() + axis, 1);
    expanded.push_back(p.reshaped(dims));
  }
  return concat(expanded, axis);
}

Tensor take(const Tensor& x, int64_t axis, int64_t start, int64_t count) {
  Dims dims = x.dims();
  const auto a = static_cast<std::size_t>(axis);
  if (start < 0 || count < 0 || start + count > dims[a]) bad_input(fmt::format("elements {} to {} of an axis of {}", start, start + count, dims[a]));
  dims[a] = count;
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  const Dims strides = strides_of(x.dims());
  copy_strided(codes.size(), in + static_cast<std::size_t>(start * strides[a]) * codes.size(), codes.make(dims), dims, strides);
  return codes.finish();
}

Tensor select(const Tensor& x, int64_t axis, int64_t i) {
  Dims dims = x.dims();
  dims.erase(dims.begin() + axis);
  return take(x, axis, i, 1).reshaped(dims);
}

}  // namespace onnxopt::ref
