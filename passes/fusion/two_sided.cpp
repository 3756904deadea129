#include "passes/fusion/two_sided.h"

#include <fmt/format.h>

namespace onnxopt {

std::string two_sided(std::string_view below, std::string_view value) {
  constexpr const char* kSpellings[] = {
      "g = Greater|GreaterOrEqual (x, 0.0)\n y = Where (g, x, {})\n",
      "g = Less|LessOrEqual (x, 0.0)\n y = Where (g, {}, x)\n",
      "r = Relu (x)\n n = Min ({}, 0.0)\n y = Add (r, n)\n",
      "r = Relu (x)\n n = Clip ({}, \"\", 0.0)\n y = Add (r, n)\n",
      "r = Clip (x, 0.0)\n n = Clip ({}, \"\", 0.0)\n y = Add (r, n)\n",
      "r = Max (x, 0.0)\n n = Min ({}, 0.0)\n y = Add (r, n)\n",
  };
  std::string text;
  for (const char* spelling : kSpellings) text += (text.empty() ? "" : "or\n") + std::string(below) + fmt::format(fmt::runtime(spelling), value);
  return text;
}

const std::string& sloped_pattern() {
  static const std::string pattern = two_sided("s = Mul (x, a)\n", "s").append(R"(
    or
    r = Relu (x)
    neg = Neg (x)
    right = Relu (neg)
    s = Mul (right, a)
    y = Sub|Add (r, s)
    or
    r = Relu (x)
    low = Clip (x, "", 0.0)
    s = Mul (low, a)
    y = Add (r, s)
    or
    r = Clip (x, 0.0)
    low = Clip (x, "", 0.0)
    s = Mul (low, a)
    y = Add (r, s)
    or
    r = Relu (x)
    low = Min (x, 0.0)
    s = Mul (low, a)
    y = Add (r, s)
    or
    r = Max (x, 0.0)
    low = Min (x, 0.0)
    s = Mul (low, a)
    y = Add (r, s)
    or
    r = Relu (x)
    size = Abs (x)
    d = Sub (x, size)
    s = Mul (d, a)
    y = Add (r, s)
    )");
  return pattern;
}

double sloped_factor(const Match& m) {
  if (m.has_node("size")) return 2;  // x - |x| is twice x
  return m.has_node("right") && m.node("y").is("Add") ? -1 : 1;
}

}  // namespace onnxopt
