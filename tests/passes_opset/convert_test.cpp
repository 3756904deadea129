#include "passes/opset/convert.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "ir/core/check.h"
#include "ir/ops/op_table.h"
#include "ir/text/text.h"
#include "passes/opset/ir_version.h"
#include "passes/opset/widen_types.h"

using namespace onnxopt;

TEST_SUITE("convert_test") {
  struct Converted {
    std::unique_ptr<Model> model;
    Conversion conversion;
    std::string ops() const {
      std::string s;
      for (const Node& n : model->graph().nodes()) s += (s.empty() ? "" : " ") + std::string(n.op().name);
      return s;
    }
  };

  Converted converted(int from, int to, const std::string& body, const std::string& io, int ir = 8) {
    Converted c;
    c.model = parse_model("<ir_version: " + std::to_string(ir) + ", opset_import: [\"\" : " + std::to_string(from) + "]>\ng " + io + "\n{\n" + body +
                          "\n}\n");
    c.model->file_opsets = c.model->opsets;
    lift(*c.model);
    OutputOpsets target{{{"", to}}};
    c.conversion = prepare_conversion(*c.model, target);
    if (c.conversion.blocked == 0) lower(*c.model, target);
    CHECK(check(*c.model).empty());
    return c;
  }

  TEST_CASE("what stays, what is adapted, and what blocks") {
    const auto a = converted(11, 13, "s = Squeeze <axes = [0]> (x)\ny = Relu (s)", "(float[1,3] x) => (float[3] y)");
    CHECK(a.conversion.untouched == 1);
    REQUIRE(a.conversion.steps.size() == 1);
    CHECK(a.conversion.steps[0].from == "Squeeze-11");
    CHECK(a.conversion.steps[0].to == "Squeeze-13");
    CHECK(a.model->graph().first()->input(1)->name() == "axes");
    const auto b =
        converted(11, 9,
                  "y = Relu (x)\nz = TfIdfVectorizer <max_gram_length = 1, max_skip_count = 0, min_gram_length = 1, mode = \"TF\", "
                  "ngram_counts = [0], ngram_indexes = [0], pool_int64s = [1]> (i)\nw = StringNormalizer <case_change_action = \"LOWER\"> (s)",
                  "(float[3] x, int64[3] i, string[3] s) => (float[3] y, float[1] z, string[3] w)");
    REQUIRE(b.conversion.blocked == 1);
    const ConversionStep& s = b.conversion.steps.back();
    CHECK(s.from == "StringNormalizer-10");
    CHECK(s.refusal == Refusal::non_constant_operand);
    const std::string text = blocked_text(b.conversion, {{{"", 9}}});
    CHECK(text.find("non-constant operand: strings whose case is changed") != std::string::npos);
    CHECK(text.find("no decomposition: no decomposition") == std::string::npos);
    const auto c = converted(13, 12, "y = Invented (x)", "(float[3] x) => (float[3] y)");
    REQUIRE(c.conversion.blocked == 1);
    CHECK(c.conversion.steps[0].refusal == Refusal::unknown_op);
  }

  TEST_CASE("IR versions") {
    auto c = converted(17, 7, "y = Add (x, w)", "(float[3] x) => (float[3] y) <float[3] w = {1, 2, 3}>");
    CHECK(lowest_ir_version(*c.model, 7) == 3);
    CHECK(lowest_ir_version(*c.model, 21) == 10);
    CHECK(set_ir_version(*c.model, 3).empty());
    CHECK(!c.model->graph().first()->input(1)->name_from_file());  // so the writer lists it among the inputs
    auto d = converted(7, 13, "y = Add (x, w)", "(float[3] x, float[3] w) => (float[3] y) <float[3] w = {1, 2, 3}>", 3);
    const auto dropped = set_ir_version(*d.model, lowest_ir_version(*d.model, 13));
    REQUIRE(dropped.size() == 1);
    CHECK(dropped[0] == "w");
    CHECK(d.model->ir_version == 7);
    CHECK(d.model->graph().inputs().size() == 1);
    auto e = converted(19, 13, "y = Cast <to = 17> (x)", "(float[3] x) => (float8e4m3fn[3] y)");
    CHECK(e.conversion.blocked == 1);
    CHECK(e.conversion.steps[0].refusal == Refusal::type);
    CHECK(lowest_ir_version(*e.model, 13) == 9);
  }

  std::unique_ptr<Model> lifted(int opset, const std::string& text) {
    auto m = parse_model("<ir_version: 10, opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + text);
    m->file_opsets = m->opsets;
    lift(*m);
    return m;
  }

  TEST_CASE("weights of 4 bits become bytes, and nothing else changes") {
    auto m = lifted(21,
                    "g (float[2,4] x) => (float[2,4] y) <int4[2,4] w = {1, -2, 3, -4, 5, -6, 7, -8}, float[2] s = {0.5, 2}>\n{\n"
                    "d = DequantizeLinear <axis = 0> (w, s)\ny = Add (x, d)\n}");
    const OutputOpsets target{{{"", 13}}};
    CHECK(prepare_conversion(*lifted(21, "g (int4[2] x) => (float[2] y) { y = Cast <to = 1> (x) }"), target).blocked == 1);
    const WidenReport r = widen_types(*m, target);
    CHECK(r.constants == 1);
    CHECK(r.interface.empty());
    CHECK(!r.arithmetic);
    REQUIRE(prepare_conversion(*m, target).blocked == 0);
    lower(*m, target);
    CHECK(check(*m).empty());
    const Tensor* w = m->graph().first()->input(0)->constant();
    REQUIRE(w);
    CHECK(w->dtype() == DType::int8);
    CHECK(w->data<std::int8_t>()[7] == -8);
  }

  TEST_CASE("bfloat16 and float8 before the opsets that have them") {
    auto m = lifted(19,
                    "g (bfloat16[2] x) => (float[2] y) <float8e4m3fn[2] w = {56, 64}, float s = {2}>\n{\n"
                    "a = Mul (x, x)\nb = Cast <to = 1> (a)\nd = DequantizeLinear (w, s)\ny = Add (b, d)\n}");
    const OutputOpsets target{{{"", 12}}};
    const WidenReport r = widen_types(*m, target);
    CHECK(r.arithmetic);
    REQUIRE(r.interface.size() == 1);
    CHECK(r.interface[0] == "x");
    const Conversion c = prepare_conversion(*m, target);
    REQUIRE(c.blocked == 0);
    lower(*m, target);
    CHECK(check(*m).empty());
    CHECK(m->graph().inputs()[0]->type.dtype == DType::float32);
    auto kept = lifted(19, "g (float[2] x) => (float[2] y) { a = Cast <to = 17> (x)  y = Cast <to = 1> (a) }");
    CHECK(widen_types(*kept, target).values == 0);  // rounding to float8 is what this model does
    CHECK(prepare_conversion(*kept, target).blocked > 0);
  }

  TEST_CASE("what real models needed: sums, slices, NonZero, Resize and Loop of forms that older opsets lack") {
    const auto sum = converted(8, 7, "y = Sum (a, b, c)", "(float[n,3] a, float[3] b, float[m,1] c) => (float[p,3] y)");
    CHECK(sum.ops() == "Add Add");
    const auto mean = converted(8, 7, "y = Mean (a, b)", "(float[n,3] a, float[3] b) => (float[n,3] y)");
    CHECK(mean.ops() == "Add Div");
    CHECK(converted(12, 7, "y = Max (x, z)", "(float[] x, float[m,1] z) => (float[] y)").conversion.blocked == 0);
    const auto cut = converted(11, 9, "s = Shape (a)\nt = Cast <to = 7> (i)\nu = Add (t, o)\ny = Slice (s, t, u, z)",
                               "(float[] a, int64[] i) => (int64[n] y) <int64[1] z = {0}, int64[1] o = {1}>");
    CHECK(cut.conversion.blocked == 0);  // axes of length one say how many there are
    const auto places = converted(13, 7, "y = NonZero (x)", "(float[2,3] x) => (int64[2,n] y)");
    CHECK(places.conversion.blocked == 0);
    CHECK(places.ops().find("TopK") != std::string::npos);
    const auto many = converted(13, 8, "y = NonZero (x)", "(float[n,3] x) => (int64[2,m] y)");
    CHECK(many.conversion.blocked == 0);
    CHECK(many.ops().find("Loop") != std::string::npos);
    const std::string io =
        "(float[1,2,h,w] x, float[1,1,a,b] like) => (float[n,c,p,q] y) <int64[1] zero = {0}, int64[1] two = {2}, int64[1] four = {4}>";
    const std::string sizes = "s = Shape (x)\nt = Shape (like)\ni = Slice (s, zero, two)\nj = Slice (t, two, four)\nk = Concat <axis = 0> (i, j)\n";
    for (const char* mode : {"nearest", "linear", "cubic"})
      for (const int to : {7, 9, 10}) CHECK(converted(13, to, sizes + "y = Resize <mode = \"" + mode + "\"> (x, , , k)", io).conversion.blocked == 0);
    const auto scaled = converted(13, 9, "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\"> (x, , s)",
                                  "(float[1,1,2,4] x, float[4] s) => (float[1,1,p,q] y)");
    REQUIRE(scaled.conversion.blocked == 1);
    CHECK(scaled.conversion.steps[0].refusal == Refusal::non_constant_operand);
    CHECK(converted(13, 9, "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\"> (x, , s)",
                    "(float[1,1,h,w] x) => (float[1,1,p,q] y) <float[4] s = {1, 1, 2, 2}>")
              .conversion.blocked == 0);
    const auto part = converted(13, 9, "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\"> (x, , s)",
                                "(float[1,1,2,4] x) => (float[1,1,1,2] y) <float[4] s = {1, 1, 0.6, 0.6}>");
    REQUIRE(part.conversion.blocked == 1);
    CHECK(part.conversion.steps[0].refusal == Refusal::no_decomposition);
    const auto loop = converted(11, 9,
                                "y = Loop <body = b (int64 i, bool go) => (bool go_on, float[2] z) { go_on = Identity (go)  f = Cast <to = 1> (i)  "
                                "z = Add (f, x) }> (n, all)",
                                "(int64 n, bool all, float[2] x) => (float[m,2] y)");
    REQUIRE(loop.conversion.blocked == 0);
    const Node& l = *loop.model->graph().last();
    CHECK(l.inputs().size() == 3);
    REQUIRE(l.outputs().size() == 2);
    CHECK(l.output(1)->name() == "y");
    CHECK(l.subgraphs()[0]->outputs().size() == 3);
    CHECK(l.subgraphs()[0]->outputs()[2]->name() == "z");
  }

  TEST_CASE("nodes of decompositions inside decompositions have names of their own") {
    auto m = lifted(13,
                    "g (float[1,1,h,w] x, float[8] roi, int64[4] s) => (float[n,c,p,q] y) "
                    "{ y = Resize <mode = \"linear\", coordinate_transformation_mode = \"tf_crop_and_resize\"> (x, roi, , s) }");
    m->graph().first()->name = "crop";
    const OutputOpsets target{{{"", 7}}};
    REQUIRE(prepare_conversion(*m, target).blocked == 0);
    std::set<std::string> names;
    for (const Node& n : m->graph().nodes()) CHECK(names.insert(n.name).second);
  }

  TEST_CASE("ceil_mode of pools over inputs of unknown size") {
    const std::string io = "(float[1,1,h,w] x) => (float[1,1,p,q] y)";
    const auto a = converted(12, 9, "y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1> (x)", io);
    REQUIRE(a.conversion.blocked == 0);
    CHECK(*a.model->graph().first()->attrs().get<Ints>("pads") == Ints{0, 0, 1, 1});
    CHECK(converted(12, 9, "y = MaxPool <kernel_shape = [2, 2], strides = [3, 3], ceil_mode = 1> (x)", io).conversion.blocked == 1);
  }

  TEST_CASE("sparse constants are written out before opset 11") {
    auto m = lifted(11, "g (float[2,3] x) => (float[2,3] y) { y = Add (x, x) }");
    SparseTensor s;
    s.values = Tensor::of<float>({2}, {5, 7});
    s.indices = Tensor::of<std::int64_t>({2, 2}, {0, 1, 1, 2});
    s.dims = {2, 3};
    Attrs attrs;
    attrs.set("sparse_value", std::move(s));
    Node& add = *m->graph().first();
    Node& c = m->graph().insert_before(add, op("Constant"), {}, std::move(attrs));
    m->graph().set_input(add, 1, c.output());
    const OutputOpsets target{{{"", 9}}};
    REQUIRE(prepare_conversion(*m, target).blocked == 0);
    lower(*m, target);
    CHECK(check(*m).empty());
    const Tensor* dense = m->graph().first()->attrs().get<Tensor>("value");
    REQUIRE(dense);
    CHECK(dense->dims() == Dims{2, 3});
    CHECK(dense->data<float>()[1] == 5);
    CHECK(dense->data<float>()[5] == 7);
    CHECK(dense->data<float>()[0] == 0);
  }
}
