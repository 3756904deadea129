#include <cmath>
#include <utility>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

std::optional<std::pair<double, double>> integer_range(DType t) {
  switch (t) {
    case DType::int8: return std::pair{-128.0, 127.0};
    case DType::uint8: return std::pair{0.0, 255.0};
    case DType::int16: return std::pair{-32768.0, 32767.0};
    case DType::uint16: return std::pair{0.0, 65535.0};
    default: return std::nullopt;
  }
}

std::optional<double> bound(const Value* v, double otherwise) { return v ? splat(v) : std::optional(otherwise); }

bool visit(const Node& n, Rewriter& rw) {
  const Node* relu = made_by(n.input(0), "Relu");
  const Node* clamp = relu ? relu : made_by(n.input(0), "Clip");
  if (!clamp) return no(rw, "the input is not made by Relu or Clip");
  if (!n.input(0)->used_once()) return no(rw, "the clamped value has another reader");
  // ONNX Runtime quantizes an infinity of float16 to the wrong end.
  if (n.input(0)->type.dtype != DType::float32) return no(rw, "not a float tensor");
  const auto range = integer_range(n.output()->type.dtype);
  const auto scale = splat(n.input(1)), zero = bound(n.input(2), 0.0);
  if (!range || !scale || !zero || !(*scale > 0) || !std::isfinite(*scale))
    return no(rw, "not one positive scale and one zero point of 8 or 16 bits");
  const auto low = relu ? std::optional(0.0) : bound(clamp->input(1), -HUGE_VAL),
             high = relu ? std::optional(HUGE_VAL) : bound(clamp->input(2), HUGE_VAL);
  if (!low || !high || *low > *high) return no(rw, "a bound is not constant");
  // What lies beyond the bounds is quantized to the same end of the range as the bound itself.
  if (*low > (range->first - *zero) * *scale || *high < (range->second - *zero) * *scale) return no(rw, "the integers reach beyond the bounds");
  return becomes(n, rw,
                 rw.op(
                     "QuantizeLinear",
                     [&] {
                       std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
                       in[0] = clamp->input(0);
                       return in;
                     }(),
                     n.attrs()));
}

}  // namespace

// r = Relu (x)  y = QuantizeLinear (r, s, z)  ==>  y = QuantizeLinear (x, s, z), where z is the smallest integer: it clamps by itself. So for Clip.
NodeRule remove_relu_before_quantize() {
  return {"remove-relu-before-quantize", "Remove Relu and Clip where quantization clamps as tightly", "QuantizeLinear", Level::o2, visit};
}

}  // namespace onnxopt
