#include "ir/ops/infer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "ir/core/error.h"
#include "ir/text/text.h"

using namespace onnxopt;

namespace {

std::string shape_text(Model& m, const Type& t) {
  if (t.kind == Type::Kind::sequence || t.kind == Type::Kind::optional)
    return (t.kind == Type::Kind::sequence ? "seq " : "optional ") + shape_text(m, *t.elem);
  if (!t.is_tensor()) return "unknown";
  std::string s(dtype_name(t.dtype));
  if (!t.shape) return s + "[...]";
  s += "[";
  for (std::size_t i = 0; i < t.shape->size(); ++i) {
    const Dim d = (*t.shape)[i];
    s += (i ? "," : "") + (d.is_unknown() || m.symbols().is_anonymous(d) ? std::string("?") : m.symbols().to_string(d));
  }
  return s + "]";
}

// Types of the outputs of a graph, separated by "; ".
std::string inferred(const std::string& text, int opset = 28) {
  ParseOptions options;
  options.default_opset = opset;
  auto m = parse_model(text, options);
  infer(*m);
  std::string r;
  for (const Value* v : m->graph().outputs()) r += (r.empty() ? "" : "; ") + shape_text(*m, v->type);
  return r;
}

}  // namespace

TEST_SUITE("infer_test") {
  TEST_CASE("broadcasting of symbolic dims") {
    CHECK(inferred("g (float[N,1,4] x, float[3,1] y) => (z) { z = Add (x, y) }") == "float[N,3,4]");
    CHECK(inferred("g (float[N] x, float[M] y) => (z) { z = Add (x, y) }") == "float[?]");
    CHECK(inferred("g (float[N] x, float[5] y) => (z) { z = Add (x, y) }") == "float[5]");  // N must be 1 or 5
    CHECK(inferred("g (float[2] x, float[1,2] y) => (z) { z = Less (x, y) }") == "bool[1,2]");
    CHECK(inferred("g (float[2,3,4] x, float[3] y) => (z) { z = Add <axis: int = 1, broadcast: int = 1> (x, y) }", 6) == "float[2,3,4]");
  }

  TEST_CASE("a contradiction is an error, but not in a branch that may never run") {
    CHECK_THROWS_AS(inferred("g (float[3,4] x, float[5,6] y) => (z) { z = MatMul (x, y) }"), Error);
    CHECK_THROWS_AS(inferred("g (float[3] x, float[4] y) => (z) { z = Add (x, y) }"), Error);
    CHECK(inferred(R"(g (bool c, float[3] x, float[4] y) => (z) {
    z = If (c) <then_branch = a () => (p) { p = Add (x, y) }, else_branch = b () => (q) { q = Relu (x) }>
  })") == "float[3]");  // where the model gives a result at all, it took the other branch
  }

  TEST_CASE("shape arithmetic flows through") {
    CHECK(inferred(R"(g (float[B,S,768] x) => (y) <int64[1] zero = {0}, int64[1] one = {1}, int64[2] tail = {12, 64}> {
    s = Shape (x)  b = Gather (s, zero)  n = Gather (s, one)  t = Concat <axis = 0> (b, n, tail)  y = Reshape (x, t)
  })") == "float[B,S,12,64]");
    // S of no elements copies the 12, so the second dim is not S; with allowzero it is, and 12 * B is 0 only where B is
    constexpr const char* kHeads = R"(g (float[B,12,S,S] x) => (y)
<int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[1] four = {{4}}, int64[1] twelve = {{12}}> {{
    s = Shape (x)  p = Slice (s, zero, one)  q = Slice (s, two, four)  k = Mul (p, twelve)  t = Concat <axis = 0> (k, q)  y = Reshape {} (x, t)
  }})";
    CHECK(inferred(fmt::format(kHeads, "")) == "float[12*B,?,S]");
    CHECK(inferred(fmt::format(kHeads, "<allowzero = 1>")) == "float[12*B,S,S]");
    CHECK(inferred("g (float[B,S,12,64] x) => (y) <int64[3] t = {0, -1, 768}> { y = Reshape (x, t) }") == "float[B,S,768]");
    CHECK(inferred("g (float[B,6] x) => (y) <int64[2] t = {-1, 3}> { y = Reshape (x, t) }") == "float[2*B,3]");
    CHECK(inferred("g (float[2,3] x) => (y) { y = Reshape <shape = [3, 2]> (x) }", 1) == "float[3,2]");
    CHECK(inferred(R"(g (float[B,C,H,W] x) => (y) <float[4] k = {1.0, 1.0, 2.0, 2.0}> { y = Resize (x, "", k) })") == "float[B,C,2*H,2*W]");
    CHECK(inferred(R"(g (float[1,C,6,10] x) => (y) <float two = {2.5}, int64 i = {2}, int64[1] ax = {0}, int64[3] head = {1, 8, 4}> {
    s = Shape (x)  h = Gather (s, i)  f = Cast <to = 1> (h)  m = Mul (f, two)  fl = Floor (m)  n = Cast <to = 7> (fl)
    u = Unsqueeze (n, ax)  t = Concat <axis = 0> (head, u)  y = ConstantOfShape (t)
  })") == "float[1,8,4,15]");
    CHECK(inferred(R"(g (float[B,S] x) => (y) <int64[2] minus = {-1, -1}, int64[2] ones = {1, 1}, float[1,1] v = {1.0}> {
    s = Shape (x)  e = Equal (s, minus)  t = Where (e, ones, s)  y = Expand (v, t)
  })") == "float[B,S]");
  }

  TEST_CASE("slices") {
    const auto slice = [](const std::string& shape, int start, std::int64_t end, int step = 1) {
      return inferred("g (float[" + shape + "] x) => (y) <int64[1] s = {" + std::to_string(start) + "}, int64[1] e = {" + std::to_string(end) +
                      "}, int64[1] a = {0}, int64[1] p = {" + std::to_string(step) + "}> { y = Slice (x, s, e, a, p) }");
    };
    CHECK(slice("10", 2, 9, 3) == "float[3]");
    CHECK(slice("10", -1, -11, -1) == "float[10]");
    CHECK(slice("10", 20, 30) == "float[0]");
    CHECK(slice("1", -6, -4, -100) == "float[1]");  // the start is clamped to the first element
    CHECK(slice("N", 0, 9223372036854775807) == "float[N]");
    CHECK(slice("N", 0, 512) == "float[min(512, N)]");
    CHECK(slice("N", 1, 9223372036854775807) == "float[max(0, N - 1)]");
    CHECK(slice("N", -3, 9223372036854775807) == "float[min(3, N)]");
    CHECK(slice("N", 0, 9223372036854775807, 2) == "float[ceil(N/2)]");
    CHECK(slice("N", -1, -9223372036854775807, -1) == "float[N]");
    CHECK(inferred("g (float[4,5] x) => (y) { y = Slice <starts = [1], ends = [-1], axes = [1]> (x) }", 9) == "float[4,3]");
  }

  TEST_CASE("old versions by their own rules") {
    CHECK(inferred("g (float[1,3,1] x) => (y) { y = Squeeze <axes = [0]> (x) }", 11) == "float[3,1]");
    CHECK(inferred("g (float[3] x) => (y) { y = Unsqueeze <axes = [0, 2]> (x) }", 11) == "float[1,3,1]");
    CHECK(inferred("g (float[4,6] x) => (a, b) { a, b = Split <axis = 1, split = [2, 4]> (x) }", 11) == "float[4,2]; float[4,4]");
    CHECK(inferred("g (float[7] x) => (a, b) { a, b = Split <num_outputs = 2> (x) }") == "float[4]; float[3]");
    CHECK(inferred("g (float[5] x) => (a, b, c, d) { a, b, c, d = Split <num_outputs = 4> (x) }") == "float[2]; float[2]; float[1]; float[0]");
    CHECK(inferred("g (float[4,6] x) => (v, i) { v, i = TopK <axis = 1, k = 2> (x) }", 1) == "float[4,2]; int64[4,2]");
    CHECK(inferred("g (float[1,2,3,4] x) => (y) { y = Upsample <scales = [1.0, 1.0, 2.0, 3.0]> (x) }", 7) == "float[1,2,6,12]");
    CHECK(inferred("g (float[2,3] x) => (y) { y = ReduceSum <axes = [1], keepdims = 0> (x) }", 11) == "float[2]");
    CHECK(inferred("g (float[2,3] x) => (y) <int64[1] a = {1}> { y = ReduceSum <keepdims = 0> (x, a) }", 13) == "float[2]");
    CHECK(inferred("g (float[2,3] x) => (y) { y = Pad <pads = [0, 1, 0, 2]> (x) }", 2) == "float[2,6]");
    CHECK(inferred("g (float[2] x) => (y) { y = Cast <to = \"FLOAT16\"> (x) }", 1) == "float16[2]");
  }

  TEST_CASE("windows") {
    CHECK(inferred("g (float[N,3,H,W] x, float[8,3,3,3] w) => (y) { y = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, w) }") ==
          "float[N,8,ceil(H/2),ceil(W/2)]");
    CHECK(inferred("g (float[1,3,10,10] x) => (y) { y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1> (x) }") == "float[1,3,5,5]");
    CHECK(inferred("g (float[N,3,H,W] x) => (y) { y = AveragePool <kernel_shape = [3, 3], strides = [2, 2], auto_pad = \"SAME_UPPER\"> (x) }") ==
          "float[N,3,ceil(H/2),ceil(W/2)]");
    CHECK(inferred("g (float[N,3,H,W] x, float[3,4,2,2] w) => (y) { y = ConvTranspose <strides = [2, 2]> (x, w) }") == "float[N,4,2*H,2*W]");
  }

  TEST_CASE("what follows an If holds in both of its cases") {
    const auto inferred_if = [](const std::string& rest, const std::string& outputs) {
      return inferred("g (bool c, float[N,1] x, float[4,3] m) => (" + outputs + R"() <int64[1] one = {1}, int64 two = {2}> {
      v = If (c) <then_branch = a () => (p) { p = Squeeze (x, one) }, else_branch = b () => (q) { q = Identity (x) }> )" +
                      rest + " }");
    };
    CHECK(inferred_if("", "v") == "float[...]");
    // A later If asks for the rank, or is the same condition's, or the opposite's.
    const std::string unsqueeze = "<then_branch = d () => (p2) { p2 = Unsqueeze (v, one) }, else_branch = e () => (q2) { q2 = Identity (v) }>";
    const std::string identity = "<then_branch = d () => (p2) { p2 = Identity (v) }, else_branch = e () => (q2) { q2 = Unsqueeze (v, one) }>";
    CHECK(inferred_if("s = Shape (v)  r = Size (s)  b = Less (r, two)  y = If (b) " + unsqueeze, "y") == "float[N,1]");
    CHECK(inferred_if("y = If (c) " + unsqueeze, "y") == "float[N,1]");
    CHECK(inferred_if("n = Not (c)  y = If (n) " + identity, "y") == "float[N,1]");
    // A [N,1] cannot be multiplied by a [4,3], so where there is a product v was a vector; where nobody needs the product it may be either.
    CHECK(inferred_if("y = MatMul (v, m)  w = Relu (v)", "y, w") == "float[3]; float[...]");
    CHECK(inferred_if("s = Shape (v)  r = Size (s)", "r") == "int64[]");
  }

  TEST_CASE("the cases of many Ifs are followed as far as the work stays in proportion") {
    std::string text = "g (bool c, float[N,1] x) => (v0, v4999) <int64[1] one = {1}> {";
    for (int i = 0; i < 5000; ++i)
      text += fmt::format(
          "v{0} = If (c) <then_branch = a () => (p{0}) {{ p{0} = Squeeze (x, one) }}, else_branch = b () => (q{0}) {{ q{0} = Relu (x) }}>\n", i);
    CHECK(inferred(text + "}") == "float[...]; float[...]");
  }

  TEST_CASE("loops keep what every round keeps") {
    const std::string body = R"( <body = b (int64 i, bool c, float[?,?] v) => (c2, v2, s) {
    c2 = Identity (c)  v2 = Concat <axis = 0> (v, row)  s = Identity (row) }> })";
    CHECK(inferred(R"(g (float[2,5] x, float[1,5] row) => (v, s) <int64 m = {7}, bool t = {1}> { v, s = Loop (m, t, x))" + body) ==
          "float[?,5]; float[7,1,5]");
  }

  TEST_CASE("all rounds of a loop give scan outputs of the first round's shape") {
    const std::string node = "{ s = Loop (m, t) <body = b (int64 i, bool c) => (bool c2, ";
    const std::string slice =
        " s) { c2 = Identity (c)  one = Constant <value = int64[1] {1}> ()  n = Constant <value = int64[1] {0}> ()  "
        "from = Unsqueeze (i, n)  to = Add (from, one)  s = Slice (x, from, to) }> }";
    CHECK(inferred("g (float[5] x) => (s) <int64 m = {3}, bool t = {1}> " + node + "float[?]" + slice) == "float[3,1]");
    // Without a round the shape is the declared one.
    CHECK(inferred("g (float[5] x, int64 m, bool t) => (s) " + node + "float[1]" + slice) == "float[?,1]");
    CHECK(inferred("g (float[5] x, int64 m, bool t) => (s) " + node + "float[?]" + slice) == "float[?,?]");
    CHECK(inferred("g (float[5] x, int64 m, bool t) => (s) " + node + "float[2]" + slice) == "float[?,?]");
  }

  TEST_CASE("a carried optional is what a round gives, if there is a round") {
    const std::string node =
        " { r = Loop (m, t, o) <body = b (int64 i, bool c, optional(seq(float)) v) => (c2, w) { c2 = Identity (c)  s = "
        "OptionalGetElement (v)  w = SequenceInsert (s, x) }> }";
    CHECK(inferred("g (float[2] x, optional(seq(float[2])) o) => (r) <int64 m = {2}, bool t = {1}>" + node) == "seq float[2]");
    CHECK(inferred("g (float[2] x, optional(seq(float[2])) o, int64 m, bool t) => (r)" + node) == "unknown");
  }

  TEST_CASE("a dim made inside of a loop does not leak out of it") {
    CHECK(inferred(R"(g (float[3] x) => (a) <int64 m = {7}, bool t = {1}> {
    a = Loop (m, t) <body = b (int64 i, bool c) => (c2, s) { c2 = Identity (c)  s = NonZero (x) }>
  })") == "int64[7,1,?]");
  }

  TEST_CASE("function calls are inferred on the call's own types") {
    CHECK(inferred(R"(<ir_version: 10, opset_import: ["" : 21, "my" : 1]>
    g (float[2,3] x, float16[N] z) => (y, w) { y = my.twice (x)  w = my.twice (z) }
    <domain: "my", opset_import: ["" : 21]> twice (a) => (b) { b = Concat <axis = 0> (a, a) }
  )") == "float[4,3]; float16[2*N]");
  }

  TEST_CASE("a squeezed scalar is itself, as runtimes have it") {
    CHECK(inferred(
              "g (int64 x, int64[2] y) => (s, t) <int64[1] first = {0}, int64[1] last = {-1}> { s = Squeeze (x, first)  t = Squeeze (x, last) }") ==
          "int64[]; int64[]");
    CHECK_THROWS_AS(inferred("g (int64 x) => (s) <int64[1] axis = {1}> { s = Squeeze (x, axis) }"), Error);
  }

  TEST_CASE("hidden_size and the recurrent weights say the same") {
    CHECK(inferred("g (float[S,B,3] x, float[1,8,3] w, float[1,8,2] r) => (y, h) { y, h = LSTM <hidden_size = 2> (x, w, r) }") ==
          "float[S,1,B,2]; float[1,B,2]");
    CHECK_THROWS_AS(inferred("g (float[S,B,3] x, float[1,8,3] w, float[1,8,2] r) => (y) { y = LSTM <hidden_size = 5> (x, w, r) }"), Error);
    // Its weights stand the other way round.
    CHECK(inferred("g (float[S,B,3] x, int8[1,3,8] w, int8[1,2,8] r, float[1] ws, int8[1] wz, float[1] rs, int8[1] rz) => (y) "
                   "{ y = com.microsoft.DynamicQuantizeLSTM <hidden_size = 2> (x, w, r, \"\", \"\", \"\", \"\", \"\", ws, wz, rs, rz) }") ==
          "float[S,1,B,2]");
    CHECK(inferred("g (float[S,B,3] x, float[2,8,7] w, float[2,8,2] r, float[2,2,5] q, float[2,4,5] k, float[2,5] v, float[B,M,4] m) => (y, h) "
                   "{ y, h = com.microsoft.AttnLSTM <hidden_size = 2, direction = \"bidirectional\"> "
                   "(x, w, r, \"\", \"\", \"\", \"\", \"\", q, k, v, m) }") == "float[S,2,B,2]; float[2,B,2]");
  }

  TEST_CASE("sequences and optionals") {
    CHECK(inferred("g (float[2,3] x, float[4,3] y) => (s, e, n) <int64 i = {0}> { s = SequenceConstruct (x, y)  e = SequenceAt (s, i)  n = "
                   "SequenceLength (s) }") == "seq float[?,3]; float[?,3]; int64[]");
    CHECK(inferred("g (float[2,3] x) => (o, e) { o = Optional (x)  e = OptionalGetElement (o) }") == "optional float[2,3]; float[2,3]");
  }

  TEST_CASE("features and scores are as many as the attributes in use say") {
    const std::string head = "<opset_import: [\"\" : 21, \"ai.onnx.ml\" : 3, \"com.microsoft\" : 1]>\n";
    CHECK(inferred(head +
                   "g (float[N,2] x) => (y) { y = ai.onnx.ml.OneHotEncoder <cats_strings = [\"a\", \"b\", \"c\"], cats_int64s = [1, 2]> (x) }") ==
          "float[N,2,2]");
    CHECK(inferred(head + "g (string[N] x) => (y) { y = ai.onnx.ml.OneHotEncoder <cats_strings = [\"a\", \"b\", \"c\"]> (x) }") == "float[N,3]");
    CHECK(inferred(head + "g (float[3,1] x) => (y) { y = ai.onnx.ml.FeatureVectorizer <inputdimensions: ints = []> (x) }") == "float[3,?]");
    CHECK(inferred(head + "g (float[N,2,2] a, float[N,1] b) => (y) { y = ai.onnx.ml.FeatureVectorizer <inputdimensions = [4, 1]> (a, b) }") ==
          "float[N,5]");
    CHECK(inferred(head + "g (float[N,1] x) => (l, y) { l, y = ai.onnx.ml.LinearClassifier <classlabels_ints = [1, 2, 3], coefficients = [1.0, 2.0], "
                          "intercepts = [0.0, 1.0]> (x) }") == "int64[N]; float[N,?]");
    CHECK(inferred(head + "g (float[N,1] x) => (l, y) { l, y = ai.onnx.ml.LinearClassifier <classlabels_ints = [1, 2], coefficients = [1.0], "
                          "intercepts = [0.0]> (x) }") == "int64[N]; float[N,2]");
    CHECK(inferred(head + "g (float[N,7] x) => (y) { y = com.microsoft.UnfoldTensor <size = 3, step = 2> (x) }") == "float[N,3,3]");
  }
  TEST_CASE("a broken ConcatFromSequence is an error") {
    CHECK_THROWS_AS(inferred("g (float[2,3] x) => (y) { s = SequenceConstruct (x) y = ConcatFromSequence <axis = 2> (s) }"), Error);
    CHECK_THROWS_AS(inferred("g (float[2,3] x) => (y) { s = SequenceConstruct (x) y = ConcatFromSequence (s) }"), Error);
    CHECK(inferred("g (float[2,3] x) => (y) { s = SequenceConstruct (x) y = ConcatFromSequence <axis = -1, new_axis = 1> (s) }") == "float[2,3,?]");
  }
  TEST_CASE("inference tells whether anything changed") {
    auto m = parse_model("g (float[N] x) => (y) { y = NonZero (x) }");
    infer(*m);
    CHECK_FALSE(infer(*m->graph().first()));  // data-dependent dims keep their symbols
  }
}
