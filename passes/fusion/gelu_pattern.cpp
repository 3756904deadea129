#include "passes/fusion/gelu_pattern.h"

#include "passes/fusion/weights.h"

namespace onnxopt {

std::vector<std::string_view> gelu_of_quotient() { return {"s = Div (x, 1.41421356~)\n e = Erf (s)\n p = Add (e, 1.0)"}; }

std::vector<std::string_view> gelu_of_product() { return {"s = Mul (x, 0.70710678~)\n e = Erf (s)\n p = Add (e, 1.0)"}; }

std::vector<std::string_view> gelu_products_fused() { return {"m = Mul (x, p)\n y = Mul (m, 0.5)", "m = Mul (x, 0.5)\n y = Mul (m, p)"}; }

std::vector<std::string_view> gelu_products_unfused() {
  return {"m = Mul (p, 0.5)\n y = Mul (x, m)", "m = Mul (x, p)\n y = Div (m, 2.0)", "m = Div (x, 2.0)\n y = Mul (m, p)"};
}

std::vector<std::string_view> gelu_products() {
  std::vector<std::string_view> r = gelu_products_fused();
  for (std::string_view p : gelu_products_unfused()) r.push_back(p);
  return r;
}

std::vector<Where> gelu_stays_written_out() {
  return {is_float_tensor("x"), constants_of_exporters_fit("x"), custom("x is not a constant", [](const Match& m) { return !m["x"]->constant(); }),
          custom("the output opset has no Gelu", [](const Match& m) { return m.context().output.version("") < 20; })};
}

Value* gelu_number(const Match& m, Rewriter& rw, double v, std::string_view name) {
  return rw.constant(from_doubles(m["x"]->type.dtype, {}, {&v, 1}), name);
}

}  // namespace onnxopt
