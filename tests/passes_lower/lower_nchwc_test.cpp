// Models in ONNX Runtime's blocked layout, blocked here by hand for both sizes of a block, must give back the plain network.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>
#include <string>

#include "ir/core/check.h"
#include "ir/ops/nchwc.h"
#include "ir/text/text.h"
#include "passes/lower/lower.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

TEST_SUITE("lower_nchwc_test") {
  constexpr int kSize = 3;  // height and width of images

  // A value that tells where it stands.
  float weight(int o, int i, int k) { return static_cast<float>(o % 7 - 3) + 0.25f * static_cast<float>(i % 5) + 0.0625f * static_cast<float>(k); }

  // Element (o, i, k) of a filter lies where onnxruntime's MlasReorderFilterOIHWBiBo and ...OIHWBo put it.
  std::string filter(int out, int in, int kernel, int b, bool blocked_input) {
    const int o_all = (out + b - 1) / b * b, i_all = blocked_input ? (in + b - 1) / b * b : in, area = kernel * kernel, bi = blocked_input ? b : 1;
    std::vector<float> v(static_cast<std::size_t>(o_all * i_all * area));
    for (int o = 0; o < out; ++o)
      for (int i = 0; i < in; ++i)
        for (int k = 0; k < area; ++k)
          v[static_cast<std::size_t>(((((o / b) * (i_all / bi) + i / bi) * area + k) * bi + i % bi) * b + o % b)] = weight(o, i, k);
    std::string s;
    for (const float x : v) s += (s.empty() ? "" : ", ") + fmt::format("{}", x);
    return fmt::format("float[{},{},{},{}] {{{}}}", o_all, i_all, kernel, kernel, s);
  }

  std::string text(const std::string& io, const std::string& constants, const std::string& body) {
    return "<ir_version: 8, opset_import: [\"\" : 13, \"com.microsoft.nchwc\" : 1]>\ng " + io + "\n" +
           (constants.empty() ? "" : "<" + constants + ">\n") + "{\n" + body + "\n}\n";
  }

  struct Lowered {
    std::unique_ptr<Model> model;
    Lowering lowering;
    std::string ops() const {
      std::string s;
      for (const Node& n : model->graph().nodes()) s += (s.empty() ? "" : " ") + std::string(n.op().name);
      return s;
    }
    const Tensor& weights_of(const char* op_name) const {
      for (const Node& n : model->graph().nodes())
        if (n.is(op_name)) return *n.input(1)->constant();
      throw Error(ExitCode::internal, "no such operator");
    }
  };
  Lowered lowered(const std::string& model) {
    Lowered r{parse_model(model), {}};
    r.model->file_opsets = r.model->opsets;
    lift(*r.model);
    OutputOpsets target{r.model->opsets};
    r.lowering = lower_contrib(*r.model, target);
    CHECK(check(*r.model).empty());
    return r;
  }
  Tensor run(const std::string& model, const Tensor& x) {
    const auto m = parse_model(model);
    Executor e(*m);
    REQUIRE(e.unsupported().empty());
    return e.run({x}).front().tensor();
  }
  Tensor run(Model & m, const Tensor& x) { return Executor(m).run({x}).front().tensor(); }
  Tensor image(int channels) {
    std::vector<float> v;
    for (int i = 0; i < channels * kSize * kSize; ++i) v.push_back(static_cast<float>(i % 11) - 5);
    return Tensor::of<float>({1, channels, kSize, kSize}, v);
  }
  void check_equal(const Tensor& a, const Tensor& b) {
    REQUIRE(a.dims() == b.dims());
    for (std::int64_t i = 0; i < a.size(); ++i) CHECK(a.data<float>()[static_cast<std::size_t>(i)] == b.data<float>()[static_cast<std::size_t>(i)]);
  }

  // 3 channels to 12 to 20: neither is whole blocks of 8 or 16.
  std::string two_convs(int b) {
    return text("(float[1,3,3,3] x) => (float[1,20,3,3] y)",
                filter(12, 3, 3, b, false).insert(filter(12, 3, 3, b, false).find(' '), " w0 =") + ", " +
                    filter(20, 12, 1, b, true).insert(filter(20, 12, 1, b, true).find(' '), " w1 ="),
                "a = com.microsoft.nchwc.Conv <pads = [1,1,1,1], activation = \"Relu\"> (x, w0)\nb = com.microsoft.nchwc.Conv (a, w1)\n"
                "y = com.microsoft.nchwc.ReorderOutput <channels = 20> (b)");
  }

  TEST_CASE("filters come back in plain order, without the padding, for blocks of either size") {
    for (const int b : {8, 16}) {
      CAPTURE(b);
      const auto m = parse_model(two_convs(b));
      const NchwcBlock block = nchwc_block(*m);
      CHECK(block.certain);
      CHECK(block.size == b);
      const Lowered l = lowered(two_convs(b));
      CHECK(l.lowering.blocked == 0);
      CHECK(l.lowering.lowered == 3);
      CHECK(l.lowering.notes.empty());
      CHECK(l.ops() == "Conv Relu Conv");
      const Tensor& w = l.weights_of("Conv");
      REQUIRE(w.dims() == Dims{12, 3, 3, 3});
      for (int i = 0; i < 12 * 3 * 9; ++i) CHECK(w.data<float>()[static_cast<std::size_t>(i)] == weight(i / 27, i / 9 % 3, i % 9));
      check_equal(run(two_convs(b), image(3)), run(*l.model, image(3)));
    }
  }

  TEST_CASE("without a size that tells, the block is that of this machine, and a note says so") {
    const std::string m =
        text("(float[1,3,3,3] x) => (float[1,32,3,3] y)", filter(32, 3, 3, 16, false).insert(filter(32, 3, 3, 16, false).find(' '), " w ="),
             "a = com.microsoft.nchwc.Conv <pads = [1,1,1,1]> (x, w)\ny = com.microsoft.nchwc.ReorderOutput <channels = 32> (a)");
    CHECK_FALSE(nchwc_block(*parse_model(m)).certain);
    CHECK(lowered(m).lowering.notes.size() == 1);
  }

  TEST_CASE("the region: reordering, pools, sums, Concat, Upsample, depthwise filters, additions in blocks, channels last") {
    for (const int b : {8, 16}) {
      CAPTURE(b);
      const int c = b == 8 ? 24 : 32;
      std::string depthwise = filter(c, 1, 1, b, false), w = filter(c, c, 1, b, true);
      const std::string m =
          text(fmt::format("(float[1,3,3,{}] x) => (float[1,6,6,{}] y)", c, 2 * c),
               depthwise.insert(depthwise.find(' '), " d =") + ", " + w.insert(w.find(' '), " w =") +
                   fmt::format(", int64[5] split = {{0, {}, 0, 0, {}}}, int64[4] join = {{0, {}, 0, 0}}", c / b, b, c),
               fmt::format("r = com.microsoft.nchwc.ReorderInput <channels_last = 1> (x)\n"
                           "e = com.microsoft.nchwc.Conv <group = {}, activation = \"LeakyRelu\", activation_params = [0.5]> (r, d)\n"
                           "f = com.microsoft.nchwc.Conv (e, w, , r)\n"
                           "p = com.microsoft.nchwc.MaxPool <kernel_shape = [2,2], pads = [0,0,1,1]> (f)\n"
                           "g = com.microsoft.nchwc.GlobalAveragePool (p)\n"
                           "s0 = Reshape (p, split)\ns1 = Reshape (g, split)\nt = Add (s0, s1)\nu = Reshape (t, join)\n"
                           "v = Sigmoid (u)\nk = Concat <axis = 1> (u, v)\n"
                           "l = com.microsoft.nchwc.Upsample <scales = [1,1,2,2]> (k)\n"
                           "y = com.microsoft.nchwc.ReorderOutput <channels = {}, channels_last = 1> (l)",
                           c, 2 * c));
      const Lowered l = lowered(m);
      CHECK(nchwc_block(*parse_model(m)).size == b);
      CHECK(l.lowering.blocked == 0);
      CHECK(l.ops() == "Transpose Conv LeakyRelu Conv Add MaxPool GlobalAveragePool Add Sigmoid Concat Resize Transpose");
      std::vector<float> v;
      for (int i = 0; i < c * 9; ++i) v.push_back(static_cast<float>(i % 13) - 6);
      const Tensor x = Tensor::of<float>({1, 3, 3, c}, v);
      check_equal(run(m, x), run(*l.model, x));
    }
  }

  TEST_CASE("UNCHANGED: a blocked tensor that another operator or a caller reads") {
    const std::string w = filter(12, 3, 3, 8, false).insert(filter(12, 3, 3, 8, false).find(' '), " w =");
    const auto refused = [&](const std::string& io, const std::string& rest, const std::string& why) {
      const Lowered l = lowered(text(io, w, "a = com.microsoft.nchwc.Conv <pads = [1,1,1,1]> (x, w)\n" + rest));
      CHECK(l.lowering.lowered == 0);
      REQUIRE(l.lowering.blocked > 0);
      CHECK(l.lowering.steps[0].reason == why);
      CHECK(l.ops().starts_with("Conv"));
    };
    refused("(float[1,3,3,3] x) => (float[1,16,3,3] a)", "", "an output is a blocked tensor");
    refused("(float[1,3,3,3] x) => (float[1,16,3,3] y)", "y = Softmax <axis = 1> (a)", "Softmax reads a blocked tensor");
    refused("(float[1,3,3,3] x, float[1,16,3,3] z) => (float[1,12,3,3] y)",
            "s = Add (a, z)\ny = com.microsoft.nchwc.ReorderOutput <channels = 12> (s)", "Add joins a blocked tensor with a plain one");
    refused("(float[1,3,3,3] x) => (float[1,12,3,3] y)",
            "s = com.microsoft.nchwc.Conv <activation = \"None\"> (a, w)\ny = com.microsoft.nchwc.ReorderOutput <channels = 12> (s)",
            "a Conv reads another layout than its filter wants");
  }
}
