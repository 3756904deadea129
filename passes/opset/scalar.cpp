#include <cmath>

#include "ir/core/element.h"
#include "passes/opset/draft.h"

namespace onnxopt {

std::optional<Tensor> float_scalar(DType t, double v) {
  const Carrier carrier = carrier_of(t);
  const bool integral = carrier == Carrier::i64 || carrier == Carrier::u64;
  if ((carrier != Carrier::f64 && !integral) || bit_width(t) < 8 || t == DType::boolean) return std::nullopt;
  if (integral && (v != std::floor(v) || v < lowest_value(t) || v > highest_value(t))) return std::nullopt;
  std::vector<std::byte> bytes(raw_byte_size(t, {}));
  store_element<double>(t, bytes.data(), 0, v);
  return Tensor::from_bytes(t, {}, std::move(bytes));
}

std::optional<double> scalar_value(const Tensor& t) {
  if (t.size() != 1) return std::nullopt;
  const Carrier carrier = carrier_of(t.dtype());
  if (carrier != Carrier::f64 && carrier != Carrier::i64 && carrier != Carrier::u64) return std::nullopt;
  return load_element<double>(t.dtype(), t.bytes().data(), 0);
}

}  // namespace onnxopt
