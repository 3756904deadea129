#include "passes/fusion/hardswish_pattern.h"

namespace onnxopt {

const std::string& hardswish_pattern() {
  static const std::string pattern = R"(
    a = Add (x, 3.0)
    c = Clip (a, 0.0, 6.0)
    m = Mul (x, c)
    y = Div (m, 6.0)
    or
    a = Add (x, 3.0)
    c = Clip (a, 0.0, 6.0)
    m = Mul (x, c)
    y = Mul (m, 0.16666667~)
    or
    a = Add (x, 3.0)
    c = Clip (a, 0.0, 6.0)
    m = Div (x, 6.0)
    y = Mul (m, c)
    or
    a = Add (x, 3.0)
    c = Clip (a, 0.0, 6.0)
    m = Mul (x, 0.16666667~)
    y = Mul (m, c)
    )";
  return pattern;
}

std::vector<Where> hardswish_conditions() { return {is_float_tensor("x")}; }

}  // namespace onnxopt
