#include "passes/opset/expand_index.h"

#include <algorithm>

namespace onnxopt {
namespace {

constexpr std::int64_t kMostIndices = std::int64_t{1} << 20;

}  // namespace

Value* vector_of(Expansion& e, const Index& i) { return i.number ? e.ints({*i.number}, "index") : i.value; }

Value* vector_of(Expansion& e, const std::vector<Index>& indices) {
  Ints numbers;
  for (const Index& i : indices)
    if (i.number) numbers.push_back(*i.number);
  if (numbers.size() == indices.size()) return e.ints(numbers);
  std::vector<Value*> parts;
  for (const Index& i : indices) parts.push_back(vector_of(e, i));
  return parts.size() == 1 ? parts[0] : e.concat(std::move(parts), 0);
}

Value* scalar_of(Expansion& e, const Index& i) { return i.number ? e.index(*i.number) : e.squeeze(i.value, {0}); }

Index dim_of(Expansion& e, Value* x, std::int64_t axis) {
  if (const Shape* s = Expansion::shape_of(x); s && (*s)[static_cast<std::size_t>(axis)].is_value())
    return (*s)[static_cast<std::size_t>(axis)].value();
  return Index(e.slice(e.shape_value(x), axis, axis + 1, 0));
}

std::vector<Index> dims_of(Expansion& e, Value* x) {
  std::vector<Index> r;
  for (std::size_t i = 0; i < Expansion::shape_of(x)->size(); ++i) r.push_back(dim_of(e, x, static_cast<std::int64_t>(i)));
  return r;
}

Index add(Expansion& e, const Index& a, const Index& b) {
  if (a.number && b.number) return *a.number + *b.number;
  if (a.number && *a.number == 0) return b;
  if (b.number && *b.number == 0) return a;
  return Index(e.add(vector_of(e, a), vector_of(e, b)));
}
Index sub(Expansion& e, const Index& a, const Index& b) {
  if (a.number && b.number) return *a.number - *b.number;
  if (b.number && *b.number == 0) return a;
  return Index(e.sub(vector_of(e, a), vector_of(e, b)));
}
Index mul(Expansion& e, const Index& a, const Index& b) {
  if (a.number && b.number) return *a.number * *b.number;
  if (a.number && *a.number == 1) return b;
  if (b.number && *b.number == 1) return a;
  return Index(e.mul(vector_of(e, a), vector_of(e, b)));
}
Index min(Expansion& e, const Index& a, const Index& b) {
  if (a.number && b.number) return std::min(*a.number, *b.number);
  return Index(e.op("Min", {vector_of(e, a), vector_of(e, b)}));
}
Index max(Expansion& e, const Index& a, const Index& b) {
  if (a.number && b.number) return std::max(*a.number, *b.number);
  return Index(e.op("Max", {vector_of(e, a), vector_of(e, b)}));
}
Index product(Expansion& e, const std::vector<Index>& of) {
  Index r = 1;
  for (const Index& i : of) r = mul(e, r, i);
  return r;
}

Index wrap(Expansion& e, const Index& from, const Index& size) {
  if (from.number) return *from.number >= 0 ? from : add(e, size, from);
  Value* negative = e.cast(e.op("Less", {from.value, e.ints({0}, "zero")}), DType::int64);
  return Index(e.add(from.value, e.mul(negative, vector_of(e, size))));
}

Value* range(Expansion& e, const Index& from, const Index& to, std::int64_t step) {
  if (from.number && to.number && std::abs(*to.number - *from.number) / std::abs(step) < kMostIndices) {
    Ints r;
    for (std::int64_t i = *from.number; step > 0 ? i < *to.number : i > *to.number; i += step) r.push_back(i);
    return e.ints(r, "indices");
  }
  return e.op("Range", {scalar_of(e, from), scalar_of(e, to), e.index(step)});
}

Value* element_places(Expansion& e, Value* data, Value* indices, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(Expansion::shape_of(data)->size());
  Value* at = e.cast(indices, DType::int64);
  Value* negative = e.cast(e.op("Less", {at, e.index(0)}), DType::int64);
  at = e.add(at, e.mul(negative, vector_of(e, dim_of(e, data, axis))));
  Index stride = 1;
  Value* flat = nullptr;
  for (std::int64_t k = rank - 1; k >= 0; --k) {
    Value* here = at;
    if (k != axis) {
      Ints others;
      for (std::int64_t j = 0; j < rank; ++j)
        if (j != k) others.push_back(j);
      here = range(e, 0, dim_of(e, indices, k));
      if (!others.empty()) here = e.unsqueeze(here, others);
    }
    if (stride.number != 1) here = e.mul(here, vector_of(e, stride));
    flat = flat ? e.add(flat, here) : here;
    stride = mul(e, stride, dim_of(e, data, k));
  }
  return flat;
}

Index element(Expansion& e, Value* v, std::int64_t i) {
  if (v->constant()) {
    const Tensor* t = v->constant();
    if (t->dtype() == DType::int64) return t->data<std::int64_t>()[static_cast<std::size_t>(i)];
    if (t->dtype() == DType::int32) return std::int64_t{t->data<std::int32_t>()[static_cast<std::size_t>(i)]};
  }
  if (v->known && (*v->known)[static_cast<std::size_t>(i)].is_value()) return (*v->known)[static_cast<std::size_t>(i)].value();
  Value* one = e.slice(v, i, i + 1, 0);
  return Index(e.cast(one, DType::int64));
}

}  // namespace onnxopt
