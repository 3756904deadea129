#include "passes/cleanup/facts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace onnxopt {
namespace {

template <class T>
T load(const std::byte* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

double from_float16(std::uint16_t h) {
  const double sign = (h & 0x8000) ? -1.0 : 1.0;
  const int exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return mantissa ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

std::optional<double> element(const Tensor& t, std::size_t i) {
  const std::byte* p = t.bytes().data() + i * static_cast<std::size_t>(std::max(bit_width(t.dtype()), 8)) / 8;
  switch (t.dtype()) {
    case DType::float32: return load<float>(p);
    case DType::float64: return load<double>(p);
    case DType::float16: return from_float16(load<std::uint16_t>(p));
    case DType::bfloat16: return std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(p)) << 16);
    case DType::int8: return load<std::int8_t>(p);
    case DType::int16: return load<std::int16_t>(p);
    case DType::int32: return load<std::int32_t>(p);
    case DType::int64: return static_cast<double>(load<std::int64_t>(p));
    case DType::uint8:
    case DType::boolean: return load<std::uint8_t>(p);
    case DType::uint16: return load<std::uint16_t>(p);
    case DType::uint32: return load<std::uint32_t>(p);
    case DType::uint64: return static_cast<double>(load<std::uint64_t>(p));
    default: return std::nullopt;
  }
}

std::optional<std::int64_t> integer(const Tensor& t, std::size_t i) {
  const std::byte* p = t.bytes().data();
  switch (t.dtype()) {
    case DType::int64: return load<std::int64_t>(p + 8 * i);
    case DType::int32: return load<std::int32_t>(p + 4 * i);
    case DType::int16: return load<std::int16_t>(p + 2 * i);
    case DType::int8: return load<std::int8_t>(p + i);
    case DType::uint8: return load<std::uint8_t>(p + i);
    default: return std::nullopt;
  }
}

// All elements have the bytes of the first one. Weights that are not splat are told by their first few elements.
bool repeats_first(const Tensor& t) {
  const std::size_t width = static_cast<std::size_t>(bit_width(t.dtype())) / 8;
  const auto bytes = t.bytes();
  return bytes.size() <= width || std::memcmp(bytes.data(), bytes.data() + width, bytes.size() - width) == 0;
}

}  // namespace

const Shape* shape_of(const Value* v) { return v && v->type.is_tensor() && v->type.shape ? &*v->type.shape : nullptr; }

std::optional<std::int64_t> rank_of(const Value* v) {
  const Shape* s = shape_of(v);
  return s ? std::optional<std::int64_t>(static_cast<std::int64_t>(s->size())) : std::nullopt;
}

bool same_dims(const Shape& a, const Shape& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](Dim x, Dim y) { return same(x, y); });
}

bool same_shape(const Value* a, const Value* b) {
  const Shape *s = shape_of(a), *t = shape_of(b);
  return s && t && same_dims(*s, *t);
}

bool is_float_value(const Value* v) { return v && v->type.is_tensor() && is_float(v->type.dtype); }

bool at_least_one(Dim d, SymbolTable& symbols) {
  if (d.is_value()) return d.value() >= 1;
  const auto low = symbols.lower_bound(d);
  return low && *low >= 1;
}

bool no_empty_dim(const Shape& s, SymbolTable& symbols) {
  return std::all_of(s.begin(), s.end(), [&](Dim d) { return at_least_one(d, symbols); });
}

std::optional<DimList> known_dims(const Value* v) {
  if (!v) return std::nullopt;
  if (const Tensor* t = v->constant()) {
    if (t->rank() > 1 || t->size() > 64) return std::nullopt;
    DimList r;
    for (std::size_t i = 0; i < static_cast<std::size_t>(t->size()); ++i) {
      const auto e = integer(*t, i);
      if (!e) return std::nullopt;
      r.emplace_back(*e);
    }
    return r;
  }
  return v->known ? std::optional<DimList>(*v->known) : std::nullopt;
}

std::optional<Ints> known_ints(const Value* v) {
  const auto dims = known_dims(v);
  if (!dims) return std::nullopt;
  Ints r;
  for (Dim d : *dims) {
    if (!d.is_value()) return std::nullopt;
    r.push_back(d.value());
  }
  return r;
}

std::optional<std::int64_t> known_int(const Value* v) {
  const auto r = known_ints(v);
  return r && r->size() == 1 ? std::optional<std::int64_t>(r->front()) : std::nullopt;
}

std::optional<double> splat(const Value* v) {
  const Tensor* t = v ? v->constant() : nullptr;
  if (!t || t->dtype() == DType::string || t->size() == 0 || bit_width(t->dtype()) < 8) return std::nullopt;
  const auto first = element(*t, 0);
  if (!first || std::isnan(*first) || !repeats_first(*t)) return std::nullopt;
  return first;
}

bool has_negative_zero_bits(const Value* v) {
  const Tensor* t = v ? v->constant() : nullptr;
  const auto first = t && is_float(t->dtype()) && t->size() > 0 ? element(*t, 0) : std::nullopt;
  return first && std::signbit(*first);
}

std::optional<bool> splat_bool(const Value* v) {
  if (!v || !v->constant() || v->constant()->dtype() != DType::boolean) return std::nullopt;
  const auto s = splat(v);
  return s ? std::optional<bool>(*s != 0) : std::nullopt;
}

std::optional<std::int64_t> normalize_axis(std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

std::optional<Ints> known_axes(const Node& n, std::size_t i, std::int64_t rank) {
  auto axes = known_ints(n.input(i));
  if (!axes) return std::nullopt;
  for (auto& a : *axes) {
    const auto normal = normalize_axis(a, rank);
    if (!normal) return std::nullopt;
    a = *normal;
  }
  std::sort(axes->begin(), axes->end());
  return std::adjacent_find(axes->begin(), axes->end()) == axes->end() ? axes : std::nullopt;
}

bool broadcasts_into(const Value* small, const Value* x) {
  const Shape *s = shape_of(small), *t = shape_of(x);
  if (!s) return false;
  if (s->empty()) return true;
  if (!t || s->size() > t->size()) return false;
  for (std::size_t i = 0; i < s->size(); ++i) {
    const Dim d = (*s)[i];
    if (!d.is(1) && !same(d, (*t)[t->size() - s->size() + i])) return false;
  }
  return true;
}

const Node* made_by(const Value* v, std::string_view op) {
  const Node* n = v ? v->producer() : nullptr;
  return n && !n->kept && n->is(op) && plain(*n) ? n : nullptr;
}

std::optional<std::size_t> static_bytes(const Type& t) {
  if (!t.is_tensor() || !t.is_static() || t.dtype == DType::string) return std::nullopt;
  return raw_byte_size(t.dtype, t.static_dims());
}

bool no(Rewriter& rw, const char* why) {
  rw.give_up(why);
  return false;
}

bool becomes(const Node& n, Rewriter& rw, Value* to) {
  rw.replace(n.output(), to);
  return true;
}

Attrs with(const Node& n, std::string name, AttrValue v) {
  Attrs a = n.attrs();
  a.set(std::move(name), std::move(v));
  return a;
}

}  // namespace onnxopt
