#include "verify/compare/verify_models.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/opset/opset.h"
#include "verify/compare/seeded_inputs.h"

using namespace onnxopt;

namespace {

std::unique_ptr<Model> model_of(std::string_view text) {
  auto m = parse_model(text);
  lift(*m);
  return m;
}
VerifyReport compare(std::string_view a, std::string_view b, const VerifyOptions& o = {}) {
  const auto x = model_of(a), y = model_of(b);
  return verify_models(*x, *y, o);
}
bool mentions(const std::vector<std::string>& lines, std::string_view word) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& l) { return l.find(word) != std::string::npos; });
}

constexpr const char* kLayer = R"(
g (float[8, 64] x) => (float[8, 32] y)
<float[64, 32] W = ["location": "@uniform", "seed": "1"], float[32] b = ["location": "@uniform", "seed": "2"]>
{{
  m = MatMul(x, W)
  s = Constant<value_float = {}>()
  c = Mul(b, s)
  a = Add(m, c)
  y = Relu(a)
}}
)";

}  // namespace

TEST_SUITE("verify_models_test") {
  TEST_CASE("a bias that is off by one in ten thousand is not rounding") {
    CHECK(compare(fmt::format(kLayer, "1.0"), fmt::format(kLayer, "1.0")).verdict == Verdict::verified);
    const VerifyReport r = compare(fmt::format(kLayer, "1.0"), fmt::format(kLayer, "1.0001"));
    CHECK(r.verdict == Verdict::differs);
    CHECK(r.outputs[0].limit < relative_limit(DType::float32, Tolerance::rounding) / 10);
  }
  TEST_CASE("a model in mixed precision is judged by the precision in which it computes") {
    const auto chain = [](const char* scale, const char* turn) {
      std::string text = "g (float[4, 64] x) => (float[4, 64] y)\n{\n  h0 = Cast<to = 10>(x)\n  one = Constant<value = float16 {15360}>()\n  s = ";
      text += scale;
      for (int i = 0; i < 8; ++i) text += fmt::format(fmt::runtime(turn), i, i + 1);
      return text + "  y = Cast<to = 1>(h8)\n}";
    };
    const char *one_point_three = "Constant<value = float16 {15667}>()\n", *about = "Constant<value = float16 {15675}>()\n";
    const std::string divided = chain(one_point_three, "  h{1} = Div(h{0}, s)\n");
    const VerifyReport r = compare(divided, chain(one_point_three, "  r{0} = Div(one, s)\n  h{1} = Mul(h{0}, r{0})\n"));
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.outputs[0].max_rel > relative_limit(DType::float32, Tolerance::rounding));
    CHECK(compare(divided, chain(about, "  h{1} = Div(h{0}, s)\n")).verdict == Verdict::differs);
  }
  TEST_CASE("what is computed in 16 bits is judged by the whole of its elements, not by the largest alone") {
    const auto layer = [](int scale) {
      return fmt::format(
          "g (float[4, 64] x) => (float[4, 64] y)\n{{\n  h = Cast<to = 10>(x)\n  s = Constant<value = float16 {{{}}}>()\n  "
          "d = Div(h, s)\n  y = Cast<to = 1>(d)\n}}",
          scale);
    };
    CHECK(compare(layer(15667), layer(15668)).verdict == Verdict::verified);  // 1.3 and its neighbour
    const VerifyReport r = compare(layer(15667), layer(15671));
    CHECK(r.verdict == Verdict::differs);
    CHECK(r.outputs[0].max_rel < relative_limit(DType::float16, Tolerance::rounding));
  }
  TEST_CASE("rounding moves no size: the scales of Resize stay, so that its image can be compared") {
    const auto image = [](const char* shrink) {
      return fmt::format(R"(
g (float[1, 3, 224, 224] x) => (float[1, 3, 448, 448] y)
<float16[1] one = {{15360}}, float16[1] two = {{16384}}>
{{
  ones = Concat<axis = 0>(one, one)
  both = Concat<axis = 0>(ones, two, two)
  scales = Cast<to = 1>(both)
  half = Cast<to = 10>(x)
  s = Constant<value = float16 {{11878}}>()
  e = Exp(half)
  {}
  u = Resize<mode = "nearest">(t, , scales)
  c = Constant<value = float16 {{20480}}>()
  big = Mul(u, c)
  y = Cast<to = 1>(big)
}}
)",
                         shrink);
    };
    const VerifyReport r = compare(image("a = Mul(e, s)\n  t = Mul(a, s)"), image("p = Mul(s, s)\n  t = Mul(e, p)"));
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.outputs[0].noise > 0);
  }
  TEST_CASE("weights that are only stored in 16 bits allow nothing more") {
    const char* model = R"(
g (float[4, 64] x) => (float[4, 8] y)
<float16[64, 8] W = ["location": "@uniform", "seed": "1"], float[1] c = {{{}}}>
{{
  w = Cast<to = 1>(W)
  t = Transpose<perm = [1, 0]>(w)
  u = Transpose<perm = [1, 0]>(t)
  m = MatMul(x, u)
  y = Mul(m, c)
}}
)";
    CHECK(compare(fmt::format(fmt::runtime(model), "1.0"), fmt::format(fmt::runtime(model), "1.0")).verdict == Verdict::verified);
    const VerifyReport r = compare(fmt::format(fmt::runtime(model), "1.0"), fmt::format(fmt::runtime(model), "1.002"));
    CHECK(r.verdict == Verdict::differs);
    CHECK(r.outputs[0].limit <= relative_limit(DType::float32, Tolerance::rounding));
  }
  TEST_CASE("another order of summation is rounding") {
    const char* both = R"(
g (float[4, 512] x) => (float[4, 64] y)
<float[512, 64] W = ["location": "@uniform", "seed": "1"]> { y = MatMul(x, W) })";
    const char* halves = R"(
g (float[4, 512] x) => (float[4, 64] y)
<float[512, 64] W = ["location": "@uniform", "seed": "1"]>
{
  p, q = Split<axis = 1, num_outputs = 2>(x)
  U, V = Split<axis = 0, num_outputs = 2>(W)
  a = MatMul(p, U)
  b = MatMul(q, V)
  y = Add(a, b)
})";
    const VerifyReport r = compare(both, halves);
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.trusted());
  }
  TEST_CASE("an output of zeros is trusted by the inner value before it") {
    constexpr const char* kText = R"(
g (float[4, 8] x) => (float[4, 8] y)
{{
  t = Constant<value_float = {}>()
  a = Sub(x, t)
  y = Relu(a)
}})";
    const VerifyReport same = compare(fmt::format(kText, "1000.0"), fmt::format(kText, "1000.0"));
    CHECK(same.verdict == Verdict::verified);
    CHECK(same.outputs[0].vacuous);
    CHECK(same.outputs[0].trusted_by.find("'a'") != std::string::npos);
    CHECK(same.trusted());
    const VerifyReport other = compare(fmt::format(kText, "1000.0"), fmt::format(kText, "2000.0"));
    CHECK(!other.trusted());
    CHECK(mentions(other.warnings, "not trusted"));
  }
  TEST_CASE("an output that is the same for all inputs is not trusted") {
    const char* text = R"(
g (float[4] x) => (float y)
{
  big = Constant<value_float = 100.0>()
  a = ReduceSum<keepdims = 0>(x)
  b = Add(a, big)
  one = Constant<value_float = 1.0>()
  y = Min(b, one)
})";
    const VerifyReport r = compare(text, text);
    CHECK(r.verdict == Verdict::verified);
    REQUIRE(r.outputs.size() == 1);
    CHECK(r.outputs[0].vacuous);
    CHECK(r.outputs[0].reason == "the same for all inputs");
    CHECK(r.outputs[0].trusted_by.find("'b'") != std::string::npos);
  }
  TEST_CASE("integers that are used as a mask are one, whatever their name") {
    const char* text = R"(
g (float[1, 4] x, int64[1, 4] a) => (float[1, 4] y)
<float one = {1.0}, float low = {-3e38}>
{
  f = Cast<to = 1>(a)
  i = Sub(one, f)
  m = Mul(i, low)
  s = Add(x, m)
  y = Softmax(s)
})";
    const VerifyReport r = compare(text, text);
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.trusted());
    CHECK(r.outputs[0].trusted_by.empty());
    CHECK(r.warnings.empty());
  }
  TEST_CASE("an output whose size depends on the values of the inputs varies") {
    const char* text = R"(
g (float[2] x, int64 n) => (float[k, 2] y)
<int64[1] one = {1}, float[2] v = {1.0, 2.0}, int64[1] zero = {0}, int64[1] two = {2}>
{
  r = Reshape(n, one)
  s = Concat<axis = 0>(r, two)
  y = Expand(v, s)
})";
    const VerifyReport r = compare(text, text);
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.trusted());
    CHECK(r.warnings.empty());
  }
  TEST_CASE("what does not depend on the inputs is proven by being equal") {
    const char* text = "g (float[2, 3] x) => (int64[2] y, float[2, 3] z) { y = Shape(x)\n z = Neg(x) }";
    const VerifyReport r = compare(text, text);
    CHECK(r.trusted());
    CHECK(r.warnings.empty());
  }
  TEST_CASE("Dropout that does not train is not random, also where training_mode comes from a Constant node") {
    const auto a = parse_model(
        "<ir_version: 8, opset_import: [\"\" : 13]>\ng (float[8] x) => (float[8] y)\n"
        "{ r = Constant <value = float {0.5}> ()  t = Constant <value = bool {0}> ()  y = Dropout (x, r, t) }\n");
    const auto b = parse_model("<ir_version: 8, opset_import: [\"\" : 11]>\ng (float[8] x) => (float[8] y) { y = Dropout <ratio = 0.5> (x) }\n");
    infer(*a);
    infer(*b);
    CHECK(verify_models(*a, *b, {}).verdict == Verdict::verified);
  }
  TEST_CASE("HardSwish and what it is made of, where its gate is nearly closed") {
    const char* const kText = "<ir_version: 8, opset_import: [\"\" : 14]>\ng (float[1, 64] x) => (float[1, 64] y) {}\n";
    const auto with = [&](const char* body) { return std::string(kText).replace(std::string(kText).find("{}"), 2, body); };
    const VerifyReport r = compare(with("{ y = HardSwish (x) }"), with("{ h = HardSigmoid <alpha = 0.16666667, beta = 0.5> (x)  y = Mul (x, h) }"));
    CHECK(r.verdict == Verdict::verified);
  }
  TEST_CASE("inputs without elements are made up too, of strings as well") {
    constexpr const char* kEmpty =
        "<ir_version: 10, opset_import: [\"\" : 20]> g (string[0] x, float[0] f) => (string[0] y, float[0] z) { y = StringConcat(x, x)\n z = Neg(f) "
        "}";
    CHECK(compare(kEmpty, kEmpty).verdict == Verdict::verified);
  }

  TEST_CASE("a custom operator: its inputs are compared, its outputs are made up") {
    constexpr const char* kText = R"(
<ir_version: 8, opset_import: ["" : 17, "mine" : 1]>
g (float[4] x) => (float[4] y)
{{
  t = Constant<value_float = {}>()
  a = Mul(x, t)
  c = mine.Thing<k = {}>(a)
  y = Neg(c)
}})";
    const VerifyReport same = compare(fmt::format(kText, "2.0", 1), fmt::format(kText, "2.0", 1));
    CHECK(same.verdict == Verdict::partly_verified);  // the type of c is taken to be that of a
    CHECK(compare(fmt::format(kText, "2.0", 1), fmt::format(kText, "3.0", 1)).verdict == Verdict::differs);
    constexpr const char* kSource =
        "<ir_version: 8, opset_import: [\"\" : 17, \"mine\" : 1]> g (float[4] x) => (float[4] y) { c = mine.Thing()\n y = Add(x, c) }";
    CHECK(compare(kSource, kSource).verdict == Verdict::not_verified);  // the type of c is not known
    constexpr const char* kChain =
        "<ir_version: 8, opset_import: [\"\" : 17, \"mine\" : 1]> g (float[4, 3] x) => (float[4, 5] y) <float[a, b] v, float[3, 5] u = "
        "[\"location\": "
        "\"@uniform\", \"seed\": \"1\"]> { w = mine.Quant(u)\n m = MatMul(x, w)\n v = mine.Quant(m)\n s = Sigmoid(v)\n t = mine.Quant(s)\n y = "
        "Neg(t) }";
    CHECK(compare(kChain, kChain).verdict == Verdict::partly_verified);  // shapes follow from those that were guessed
    constexpr const char* kOtherRank =
        "<ir_version: 8, opset_import: [\"\" : 17, \"mine\" : 1]> g (float[4, 3] x) => (float[a] y) { w = mine.Spectrum(x)\n "
        "s = ArgMax <axis = 2, keepdims = 0> (w)\n y = mine.Scale(s) }";
    CHECK(compare(kOtherRank, kOtherRank).verdict == Verdict::not_verified);
    constexpr const char* kTwo =
        "<ir_version: 8, opset_import: [\"\" : 17, \"mine\" : 1]> g (float[4] x) => (float[4] y, float[4] z) { a = Neg(x)\n {0} = mine.Thing(x)\n "
        "{1} = mine.Thing(a)\n {2} }";
    const auto two = [&](std::string_view first, std::string_view second, std::string_view rest) {
      std::string text = kTwo;
      text.replace(text.find("{0}"), 3, first).replace(text.find("{1}"), 3, second).replace(text.find("{2}"), 3, rest);
      return text;
    };
    CHECK(compare(two("b", "c", "y = Identity(b)\n z = Identity(c)"), two("y", "z", "")).verdict == Verdict::not_verified);  // which is which
    constexpr const char* kTyped = R"(
<ir_version: 8, opset_import: ["" : 17, "mine" : 1]>
g (float[4] x) => (float[4] y)
<float[4] c>
{{
  t = Constant<value_float = {}>()
  a = Mul(x, t)
  c = mine.Thing<k = {}>(a)
  y = Neg(c)
}})";
    CHECK(compare(fmt::format(kTyped, "2.0", 1), fmt::format(kTyped, "2.0", 1)).verdict == Verdict::partly_verified);
    CHECK(compare(fmt::format(kTyped, "2.0", 1), fmt::format(kTyped, "3.0", 1)).verdict == Verdict::differs);
    CHECK(compare(fmt::format(kTyped, "2.0", 1), fmt::format(kTyped, "2.0", 2)).verdict == Verdict::differs);
  }
  TEST_CASE("a custom operator in a branch: what the If reads from outside is compared") {
    constexpr const char* kText = R"(
<ir_version: 8, opset_import: ["" : 17, "mine" : 1]>
g (float[4] x, bool c) => (float[4] y)
<float[4] i>
{{
  t = Constant<value_float = {}>()
  a = Mul(x, t)
  i = If(c) <then_branch = g1 () => (float[4] p) {{ p = mine.Thing(a) }}, else_branch = g2 () => (float[4] q) {{ q = {}(a) }}>
  y = Neg(i)
}})";
    const VerifyReport same = compare(fmt::format(kText, "2.0", "Neg"), fmt::format(kText, "2.0", "Neg"));
    CHECK(same.verdict == Verdict::partly_verified);
    CHECK(same.outputs.size() == 2);  // y, and a
    CHECK(compare(fmt::format(kText, "2.0", "Neg"), fmt::format(kText, "3.0", "Neg")).verdict == Verdict::differs);
    const VerifyReport body = compare(fmt::format(kText, "2.0", "Neg"), fmt::format(kText, "2.0", "Abs"));
    CHECK(body.verdict == Verdict::partly_verified);
    CHECK(body.reason.find("the body of If was changed") != std::string::npos);
  }
  TEST_CASE("a custom operator in a function is cut at the calls") {
    constexpr const char* kText = R"(
<ir_version: 8, opset_import: ["" : 17, "mine" : 1, "local" : 1]>
g (float[4] x) => (float[4] y)
<float[4] f>
{{
  t = Constant<value_float = {}>()
  a = Mul(x, t)
  f = local.f(a)
  y = Neg(f)
}}
<domain: "local", opset_import: ["" : 17, "mine" : 1]>
f (p) => (q) {{ r = mine.Thing(p)
  q = Neg(r) }})";
    const VerifyReport same = compare(fmt::format(kText, "2.0"), fmt::format(kText, "2.0"));
    CHECK(same.verdict == Verdict::partly_verified);
    CHECK(same.reason.find("local.f") != std::string::npos);
    CHECK(compare(fmt::format(kText, "2.0"), fmt::format(kText, "3.0")).verdict == Verdict::differs);
  }
  TEST_CASE("a custom operator whose output has another name in the result is found by its own") {
    constexpr const char* kHead = "<ir_version: 8, opset_import: [\"\" : 17, \"mine\" : 1]> g (float[4] x) => (float[4] y) ";
    const std::string before = std::string(kHead) + "<float[4] t> { a = Exp(x)\n [thing] t = mine.Thing(a)\n y = Identity(t) }";
    const VerifyReport same = compare(before, std::string(kHead) + "{ a = Exp(x)\n [thing] y = mine.Thing(a) }");
    CHECK(same.verdict == Verdict::partly_verified);
    CHECK(same.outputs.size() == 2);  // a, and y from the made-up t
    CHECK(compare(before, std::string(kHead) + "{ a = Sqrt(x)\n [thing] y = mine.Thing(a) }").verdict == Verdict::differs);
    const std::string scaled = std::string(kHead) + "<float[4] t> { a = Exp(x)\n t = mine.Thing(a)\n y = Neg(t) }";
    CHECK(compare(scaled, scaled).outputs.size() == 2);  // a, and y from the made-up t
  }
  TEST_CASE("an output that was made up is not counted as compared") {
    const char* text =
        "<ir_version: 8, opset_import: [\"\" : 17]> g (float[4] x) => (float[4] y, float[4] z) { y = RandomNormalLike(x)\n z = Neg(x) }";
    const VerifyReport r = compare(text, text);
    CHECK(r.verdict == Verdict::partly_verified);
    REQUIRE(r.outputs.size() == 1);
    CHECK(r.outputs[0].name == "z");
  }
}

TEST_SUITE("verify_models_test") {
  TEST_CASE("seeded inputs: a declared size of 0 is a size") {
    const auto m = model_of("g (float[0, 4] past, float[n, 4] x) => (float[m, 4] y) { y = Concat<axis = 0>(past, x) }");
    SeededInputs inputs(*m);
    for (int attempt = 0; attempt < inputs.attempts(); ++attempt) CHECK(inputs.make(attempt, 0)[0].tensor().dims() == Dims{0, 4});
  }
  TEST_CASE("seeded inputs: ids stay below the table, masks end early in the centered style") {
    const auto m = model_of(R"(
g (int64[2, 8] ids, int64[2, 8] attention_mask) => (float[2, 8, 3] y, int64[2, 8] z)
<float[5, 3] table = ["location": "@uniform", "seed": "1"]> { y = Gather(table, ids)
  z = Neg(attention_mask) })");
    SeededInputs inputs(*m);
    for (int seed = 0; seed < 5; ++seed) {
      const auto v = inputs.make(0, static_cast<std::uint64_t>(seed), InputStyle::centered);
      for (std::int64_t id : v[0].tensor().data<std::int64_t>()) CHECK((id >= 0 && id < 5));
      const auto mask = v[1].tensor().data<std::int64_t>();
      CHECK(mask[0] == 1);
      CHECK(mask[5] == 1);
      CHECK(mask[6] == 0);
      CHECK(mask[8] == 1);
    }
  }
  TEST_CASE("seeded inputs: lengths fit the sequence, images with the channels last are images, samples are many") {
    const auto m = model_of(R"(
g (float[batch, N] waveforms, int64[batch] waveforms_lens, float[b, h, w, 3] image) => (float[batch, N] y, int64[batch] z, float[b, h, w, 3] u)
{ y = Neg(waveforms)
  z = Neg(waveforms_lens)
  u = Neg(image) })");
    SeededInputs inputs(*m);
    const auto v = inputs.make(0, 0);
    CHECK(v[0].tensor().dims() == Dims{1, 16000});
    CHECK(v[1].tensor().data<std::int64_t>()[0] == 16000);
    CHECK(v[2].tensor().dims() == Dims{1, 224, 224, 3});
  }
  TEST_CASE("seeded inputs: a dim that is a sum of others is that sum, also where it comes first") {
    const auto m = model_of(R"(
g (float[batch, "past + seq"] mask, float[batch, seq, 4] x, float[batch, past, 4] kv) => (float[] a, float[] y, float[] z)
{ a = Neg(mask)
  y = Neg(x)
  z = Neg(kv) })");
    SeededInputs inputs(*m);
    for (int attempt = 0; attempt < 4; ++attempt) {
      const auto v = inputs.make(attempt, 0);
      CHECK(v[0].tensor().dims()[1] == v[1].tensor().dims()[1] + v[2].tensor().dims()[1]);
    }
  }
  TEST_CASE("seeded inputs: what gets into the divisor of an integer division leaves it other than 0") {
    const std::string text = R"(
<ir_version: 8, opset_import: ["" : 17]>
g (int32[64] a, int64[64] b, float[64] c, float[64] d, bool[64] e) => (int64[64] y, int64[64] z, int64[64] u, int64[64] v)
<int64[1] one = {1}> {
  a64 = Cast<to = 7>(a)
  row = Constant<value_ints = [64]>()
  shaped = Reshape(a64, row)
  y = Div(one, shaped)
  z = Mod(y, b)
  part = Div(c, d)
  whole = Cast<to = 7>(part)
  u = Div(z, whole)
  bit = Cast<to = 7>(e)
  v = Mod(u, bit)
})";
    const auto m = model_of(text);
    SeededInputs inputs(*m);
    for (const InputStyle style : {InputStyle::likely, InputStyle::centered, InputStyle::wide}) {
      const auto v = inputs.make(0, 3, style);
      for (const std::int32_t x : v[0].tensor().data<std::int32_t>()) CHECK(x != 0);
      for (const std::int64_t x : v[1].tensor().data<std::int64_t>()) CHECK(x != 0);
    }
    const VerifyReport r = compare(text, text);
    CHECK(r.verdict == Verdict::verified);
    CHECK(r.runs >= 3);
  }
  TEST_CASE("seeded inputs of every kind") {
    const auto m = model_of(R"(
g (seq(float[2]) s, optional(float[3]) o, sparse_tensor(float[4, 5]) p) => (int64 y, bool z)
{ y = SequenceLength(s)
  z = OptionalHasElement(o) })");
    SeededInputs inputs(*m);
    const auto likely = inputs.make(0, 0);
    CHECK(std::get<std::shared_ptr<const RtSequence>>(likely[0].v)->size() == 3);
    CHECK(!likely[1].empty());
    const auto& sparse = *std::get<std::shared_ptr<const SparseTensor>>(likely[2].v);
    CHECK(sparse.dims == Dims{4, 5});
    CHECK(sparse.values.size() == sparse.indices.size());
    bool absent = false;
    for (int seed = 0; seed < 8; ++seed) absent |= inputs.make(0, static_cast<std::uint64_t>(seed), InputStyle::centered)[1].empty();
    CHECK(absent);
  }
}
