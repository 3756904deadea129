// Synthetic constants: big weights of a test cost one line. Deterministic on every platform: the generator and all arithmetic are spelled out here.
#include <fmt/format.h>

#include <cmath>

#include "ir/core/element.h"
#include "ir/text/tensor_text.h"

namespace onnxopt::text {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): every seed gives an independent stream.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  // Sum of 12 uniforms less 6: mean 0, variance 1, and no library function whose last bit differs between platforms.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += unit();
    return sum;
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

enum class Kind { kUniform, kNormal, kIota, kFill };

struct Recipe {
  Kind kind = Kind::kUniform;
  std::int64_t seed = 0;
  double low = -1, high = 1, mean = 0, scale = 1, start = 0, step = 1, value = 0;
};

Recipe read_recipe(const StringPairs& pairs, DType dtype) {
  Recipe r;
  const std::string& location = pairs[0].second;
  if (location == "@uniform") r.kind = Kind::kUniform;
  else if (location == "@normal") r.kind = Kind::kNormal;
  else if (location == "@iota") r.kind = Kind::kIota;
  else if (location == "@fill") r.kind = Kind::kFill;
  else bad_input(fmt::format("unknown location '{}'; known: @uniform @normal @iota @fill @raw @any @elided", location));
  // Integers get a range in which rounding leaves something to see.
  if (is_unsigned_integer(dtype) || dtype == DType::boolean) r.low = 0, r.high = dtype == DType::boolean ? 1 : dtype == DType::uint2 ? 3 : 15;
  if (is_signed_integer(dtype)) r.low = dtype == DType::int2 ? -2 : -8, r.high = dtype == DType::int2 ? 1 : 7;
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    const auto& [key, text] = pairs[i];
    double v = 0;
    if (!to_number(text, v)) bad_input(fmt::format("'{}' of {} is not a number", key, location));
    if (key == "seed" && to_number(text, r.seed)) continue;
    if (key == "low" && r.kind == Kind::kUniform) r.low = v;
    else if (key == "high" && r.kind == Kind::kUniform) r.high = v;
    else if (key == "mean" && r.kind == Kind::kNormal) r.mean = v;
    else if (key == "scale" && r.kind == Kind::kNormal) r.scale = v;
    else if (key == "start" && r.kind == Kind::kIota) r.start = v;
    else if (key == "step" && r.kind == Kind::kIota) r.step = v;
    else if (key == "value" && r.kind == Kind::kFill) r.value = v;
    else bad_input(fmt::format("{} has no '{}'", location, key));
  }
  return r;
}

double element(const Recipe& r, Random& random, std::int64_t i, bool integer) {
  switch (r.kind) {
    case Kind::kUniform: {
      if (!integer) return r.low + (r.high - r.low) * random.unit();
      return std::min(std::floor(r.low + (r.high - r.low + 1) * random.unit()), r.high);  // both ends included
    }
    case Kind::kNormal: {
      const double v = r.mean + r.scale * random.normal();
      return integer ? std::nearbyint(v) : v;
    }
    case Kind::kIota: return r.start + r.step * static_cast<double>(i);
    case Kind::kFill: break;
  }
  return r.value;
}

void store(DType dtype, std::byte* base, std::int64_t i, double v) {
  if (!is_integer(dtype)) return store_element<double>(dtype, base, i, v);
  // Through an integer carrier, so that storing wraps instead of being undefined for what does not fit.
  if (is_signed_integer(dtype)) return store_element<std::int64_t>(dtype, base, i, std::abs(v) < 9e18 ? static_cast<std::int64_t>(v) : 0);
  if (v < 0) return store_element<std::uint64_t>(dtype, base, i, static_cast<std::uint64_t>(v > -9e18 ? static_cast<std::int64_t>(v) : 0));
  store_element<std::uint64_t>(dtype, base, i, v < 1.8e19 ? static_cast<std::uint64_t>(v) : 0);
}

}  // namespace

Tensor synthetic_tensor(DType dtype, const Dims& dims, const StringPairs& pairs) {
  const Recipe recipe = read_recipe(pairs, dtype);
  Random random(static_cast<std::uint64_t>(recipe.seed));
  const std::int64_t count = element_count(dims);
  const bool integer = is_integer(dtype) || dtype == DType::boolean || dtype == DType::string;
  if (dtype == DType::string) {
    std::vector<std::string> strings;
    for (std::int64_t i = 0; i < count; ++i) strings.push_back(fmt::format("s{:g}", element(recipe, random, i, integer)));
    return Tensor::from_strings(dims, std::move(strings));
  }
  std::vector<std::byte> bytes(raw_byte_size(dtype, dims));
  if (!is_complex(dtype)) {
    for (std::int64_t i = 0; i < count; ++i) store(dtype, bytes.data(), i, element(recipe, random, i, integer));
    return Tensor::from_bytes(dtype, dims, std::move(bytes));
  }
  const DType part = dtype == DType::complex64 ? DType::float32 : DType::float64;
  for (std::int64_t i = 0; i < 2 * count; ++i) store(part, bytes.data(), i, element(recipe, random, i, false));
  return Tensor::from_bytes(dtype, dims, std::move(bytes));
}

}  // namespace onnxopt::text
