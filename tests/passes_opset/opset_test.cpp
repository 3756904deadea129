#include "passes/opset/opset.h"

#include <doctest/doctest.h>

#include <string>

#include "ir/core/check.h"
#include "ir/ops/op_table.h"
#include "ir/text/text.h"

using namespace onnxopt;

TEST_SUITE("opset_test") {
  std::string text_at(int opset, const std::string& body, const std::string& io, int ir = 8) {
    return "<ir_version: " + std::to_string(ir) + ", opset_import: [\"\" : " + std::to_string(opset) + "]>\ng " + io + "\n{\n" + body + "\n}\n";
  }

  // parse_model gives nodes at the rows of the text's opsets; file_opsets are what the text says.
  std::unique_ptr<Model> parsed(const std::string& text) {
    auto m = parse_model(text);
    if (m->file_opsets.empty()) m->file_opsets = m->opsets;
    return m;
  }

  // Lift and lower to the own opset: must be what it was.
  void round_trip(const std::string& text, const char* lifted_op, int lifted_since, bool no_restore = true) {
    CAPTURE(text);
    auto before = parsed(text);
    for (const bool restore : {true, false}) {
      if (!restore && !no_restore) continue;
      auto m = parsed(text);
      const LiftReport report = lift(*m);
      if (lifted_op) {
        bool found = false;
        for (const Node& n : m->graph().nodes()) found = found || (n.op().name == lifted_op && n.op().since == lifted_since && !n.kept);
        CHECK(found);
        CHECK(report.kept.empty());
      } else {
        CHECK(!report.kept.empty());
      }
      CHECK(check(*m).empty());
      lower(*m, own_opsets(*m), {.restore = restore});
      CHECK(check(*m).empty());
      if (restore) CHECK(difference(*before, *m, {.normalize_defaults = false}) == "");
      const int opset = own_opsets(*m).version("");
      for (const Node& n : m->graph().nodes()) CHECK(n.op().since == find_op("", n.op().name, opset)->since);
    }
  }

  std::string print_at(const std::string& text, int opset) {
    auto m = parsed(text);
    lift(*m);
    OutputOpsets target = own_opsets(*m);
    target.imports[0].version = opset;
    lower(*m, target);
    return print_graph(m->graph(), {.full = true});
  }

  TEST_CASE("old files that mix versions up") {
    for (const auto& [opset, body] : std::initializer_list<std::pair<int, const char*>>{
             {6, "y = Cast <to = \"DOUBLE\"> (x)"}, {5, "y = Cast <to = 11> (x)"}, {5, "y = Cast <to = \"DOUBLE\"> (x)"}}) {
      CAPTURE(body);
      auto m = parsed(text_at(opset, body, "(float[3] x) => (double[3] y)"));
      CHECK(lift(*m).kept.empty());
      CHECK(m->graph().first()->attr<std::int64_t>("to") == 11);
    }
    auto m = parsed(text_at(1, "y = Pad <pads = [1, 0]> (x)", "(float[3] x) => (float[4] y)"));
    CHECK(lift(*m).kept.empty());
  }

  TEST_CASE("a Resize that had to stay in opset 10 goes to opset 12 once its scales are known") {
    auto m = parsed(text_at(10, "y = Resize (x, s)", "(float[1,1,2,2] x, float[4] s) => (float[1,1,4,4] y)"));
    CHECK(lift(*m).kept.size() == 1);
    Value& s = *m->graph().inputs()[1];
    Value& known = m->graph().add_constant("known", Tensor::of<float>({4}, {1, 1, 2, 2}));
    m->graph().replace_all_uses(s, known);
    OutputOpsets target = own_opsets(*m);
    target.imports[0].version = 12;
    lower(*m, target);
    const Node& n = *m->graph().first();
    CHECK(n.op().since == 11);
    REQUIRE(n.input(1));  // the region is a required input before opset 13
    CHECK(n.input(1)->constant()->size() == 0);
    CHECK(n.input(2) == &known);
  }

  TEST_CASE("attribute values before their time go back as they were") {
    for (const char* name : {"ScatterElements", "ScatterND"})
      round_trip(text_at(17, std::string("y = ") + name + " <reduction = \"max\"> (x, i, u)",
                         "(float[3,1] x, int64[2,1] i, float[2,1] u) => (float[3,1] y)"),
                 name, 18, false);
    round_trip(text_at(18, "y = Pad <mode = \"wrap\"> (x, p)", "(float[3] x, int64[2] p) => (float[n] y)"), "Pad", 25, false);
    round_trip(text_at(13, "y = Pad <mode = \"wrap\"> (x, p)", "(float[3] x, int64[2] p) => (float[n] y)"), "Pad", 25, false);
  }

  TEST_CASE("attributes that became inputs") {
    round_trip(text_at(11, "y = Squeeze <axes = [0]> (x)", "(float[1,3] x) => (float[3] y)"), "Squeeze", 25);
    round_trip(text_at(9, "y = Unsqueeze <axes = [0, 3]> (x)", "(float[1,3] x) => (float[1,1,3,1] y)"), "Unsqueeze", 25);
    round_trip(text_at(11, "y = ReduceSum <axes = [1], keepdims = 0> (x)", "(float[1,3] x) => (float[1] y)"), "ReduceSum", 13);
    round_trip(text_at(13, "y = ReduceMean <axes = [-1]> (x)", "(float[1,3] x) => (float[1,1] y)"), "ReduceMean", 18);
    round_trip(text_at(9, "y = Slice <axes = [1], starts = [1], ends = [3]> (x)", "(float[1,3] x) => (float[1,2] y)"), "Slice", 13);
    round_trip(text_at(7, "y = Pad <mode = \"constant\", pads = [0, 1, 0, 1], value = 2.0> (x)", "(float[1,3] x) => (float[1,5] y)"), "Pad", 25);
    round_trip(text_at(7, "y = Clip <min = 0.0, max = 6.0> (x)", "(float[1,3] x) => (float[1,3] y)"), "Clip", 13);
    round_trip(text_at(11, "a, b = Split <axis = 1, split = [1, 2]> (x)", "(float[1,3] x) => (float[1,1] a, float[1,2] b)"), "Split", 18);
    round_trip(text_at(11, "a, b = Split <axis = 1> (x)", "(float[1,4] x) => (float[1,2] a, float[1,2] b)"), "Split", 18);
    round_trip(text_at(9, "v, i = TopK <axis = 1, k = 2> (x)", "(float[1,4] x) => (float[1,2] v, int64[1,2] i)"), "TopK", 24);
    round_trip(text_at(7, "y = Dropout <ratio = 0.25> (x)", "(float[1,4] x) => (float[1,4] y)"), "Dropout", 22);
  }

  TEST_CASE("operators that changed their name or meaning") {
    round_trip(text_at(7, "y = Upsample <mode = \"nearest\", scales = [1.0, 1.0, 2.0, 2.0]> (x)", "(float[1,3,4,4] x) => (float[1,3,8,8] y)"),
               "Resize", 19);
    round_trip(text_at(9, "y = Upsample <mode = \"linear\"> (x, s)", "(float[1,3,4,4] x) => (float[1,3,8,8] y) <float[4] s = {1, 1, 2, 2}>"),
               "Resize", 19);
    round_trip(text_at(10, "y = Resize <mode = \"nearest\"> (x, s)", "(float[1,1,2,4] x) => (float[1,1,1,2] y) <float[4] s = {1, 1, 0.6, 0.6}>"),
               "Resize", 19);
    round_trip(text_at(11, "y = Resize <mode = \"cubic\"> (x, r, s)",
                       "(float[1,1,2,4] x) => (float[1,1,4,8] y) <float[0] r = {}, float[4] s = {1, 1, 2, 2}>"),
               "Resize", 19);
    round_trip(
        text_at(11, "y = Resize <mode = \"cubic\"> (x, r, r, s)", "(float[1,1,2,4] x, float[0] r) => (float[1,1,4,8] y) <int64[4] s = {1, 1, 4, 8}>"),
        "Resize", 19);
    round_trip(text_at(9, "y = Scatter (x, i, u)", "(float[3] x, int64[1] i, float[1] u) => (float[3] y)"), "ScatterElements", 18);
    round_trip(text_at(11, "y = Softmax <axis = 1> (x)", "(float[2,3] x) => (float[2,3] y)"), "Softmax", 13);
    round_trip(text_at(11, "y = Softmax (x)", "(float[2,3,1] x) => (float[2,3,1] y)"), "Softmax", 13);
    round_trip(text_at(11, "y = Softmax <axis = 1> (x)", "(float[2,3,4] x) => (float[2,3,4] y)"), nullptr, 0);
    round_trip(text_at(14, "y = BatchNormalization (x, s, s, s, s)", "(float[2,3] x, float[3] s) => (float[2,3] y)"), "BatchNormalization", 15);
    round_trip(text_at(7, "y = BatchNormalization <spatial = 1> (x, s, s, s, s)", "(float[2,3] x, float[3] s) => (float[2,3] y)"),
               "BatchNormalization", 15);
    round_trip(text_at(7, "y = BatchNormalization <spatial = 0> (x, s, s, s, s)", "(float[2,3] x, float[3] s) => (float[2,3] y)"), nullptr, 0);
    round_trip(text_at(16, "y = GridSample <mode = \"bicubic\"> (x, g)", "(float[1,1,2,2] x, float[1,2,2,2] g) => (float[1,1,2,2] y)"), "GridSample",
               22);
  }

  TEST_CASE("broadcasting before 7") {
    round_trip(text_at(6, "y = Add <broadcast = 1, axis = 1> (x, b)", "(float[2,3,4] x, float[3] b) => (float[2,3,4] y)", 3), "Add", 14);
    round_trip(text_at(6, "y = Mul <broadcast = 1, axis = 1> (x, b)", "(float[2,3,4] x) => (float[2,3,4] y) <float[3] b = {1, 2, 3}>", 4), "Mul", 14);
    round_trip(text_at(6, "y = Add (x, b)", "(float[2,3] x, float[2,3] b) => (float[2,3] y)", 3), "Add", 14);
    round_trip(text_at(6, "y = Add <broadcast = 1> (x, b)", "(float x, float b) => (float y)", 3), "Add", 14, false);
    round_trip(text_at(6, "y = PRelu (x, s)", "(float[2,3,4] x, float[3] s) => (float[2,3,4] y)", 3), "PRelu", 16, false);
  }

  TEST_CASE("a form whose constants nobody reads after lifting goes back with what they held") {
    const std::string text =
        "<ir_version: 8, opset_import: [\"\" : 18]>\ng (float[1,4,3] x) => (float[1,4,3] y) <float[2] s = {1, 2}, float[2] b = {3, 4}>\n"
        "{ y = GroupNormalization <num_groups = 2> (x, s, b) }\n";
    const auto before = parsed(text);
    auto m = parsed(text);
    CHECK(lift(*m).kept.empty());
    Graph& g = m->graph();
    CHECK(g.first()->op().since == 21);
    std::vector<Value*> unread;
    for (Value* v : g.constants())
      if (v->unused()) unread.push_back(v);
    CHECK(unread.size() == 2);
    for (Value* v : unread) g.erase_value(*v);
    CHECK(cannot_lower(*g.first(), own_opsets(*m)) == "");
    lower(*m, own_opsets(*m));
    CHECK(difference(*before, *m) == "");
  }

  TEST_CASE("LayerNormalization of ONNX Runtime goes back though more is known of its input's shape than when it was lifted") {
    const std::string text =
        "<ir_version: 8, opset_import: [\"\" : 12]>\ng (float[2,N] x) => (float[2,N] y) <float[4] s = {1, 2, 3, 4}> { y = LayerNormalization (x, s) "
        "}\n";
    auto m = parsed(text);
    CHECK(lift(*m).kept.empty());
    CHECK(m->graph().first()->op().since == 17);
    m->graph().inputs()[0]->type = Type::tensor(DType::float32, Dims{2, 4});
    CHECK(cannot_lower(*m->graph().first(), own_opsets(*m)) == "");
    lower(*m, own_opsets(*m));
    CHECK(m->graph().first()->op().since == 1);
  }

  TEST_CASE("a mask that is declared bool and that nobody reads is left out before opset 10") {
    const std::string text = "<ir_version: 8, opset_import: [\"\" : 10]>\ng (float[2] x) => (float[2] y) <bool[2] m> { y, m = Dropout (x) }\n";
    auto m = parsed(text);
    lift(*m);
    OutputOpsets target = own_opsets(*m);
    target.imports[0].version = 9;
    lower(*m, target);
    CHECK(m->graph().first()->op().since == 7);
    CHECK(!m->graph().first()->output(1));
    m = parsed(text);
    lift(*m);
    lower(*m, own_opsets(*m));
    CHECK(m->graph().first()->output(1));
  }

  TEST_CASE("conversion: up, down, and what cannot be") {
    const std::string squeeze = text_at(11, "y = Squeeze <axes = [0]> (x)", "(float[1,3] x) => (float[3] y)");
    CHECK(print_at(squeeze, 13).find("Squeeze (x, axes)") != std::string::npos);
    CHECK(print_at(squeeze, 7).find("axes") != std::string::npos);
    const std::string gelu = text_at(20, "y = Gelu (x)\nz = CastLike (y, y)", "(float[1,3] x) => (float[1,3] z)");
    auto m = parsed(gelu);
    lift(*m);
    OutputOpsets target = own_opsets(*m);
    target.imports[0].version = 13;
    const std::size_t nodes = m->graph().node_count();
    try {
      lower(*m, target);
      FAIL("lowered");
    } catch (const Error& e) {
      const std::string what = e.what();
      CHECK(what.find("operator Gelu first appears in opset 20") != std::string::npos);
      CHECK(what.find("operator CastLike first appears in opset 15") != std::string::npos);
    }
    CHECK(m->graph().node_count() == nodes);
    CHECK(m->graph().first()->op().since == 20);
  }

  TEST_CASE("new nodes go down through the tables") {
    auto m = parsed(text_at(11, "y = Relu (x)", "(float[1,3] x) => (float[1,3] y)"));
    lift(*m);
    Graph& g = m->graph();
    Node& relu = *g.first();
    Value& axes = g.add_constant("axes", Tensor::int64s({-1}));
    Node& n = g.append(op("ReduceMean"), {relu.input(0), &axes}, {{"noop_with_empty_axes", std::int64_t{0}}});
    n.output()->type = relu.output()->type;
    CHECK(cannot_lower(n, own_opsets(*m)) == "");
    Value& loose = *g.append(op("Cast"), {relu.input(0)}, {{"to", std::int64_t{7}}}).output();
    loose.type = Type::tensor(DType::int64, Dims{1});
    Node& hard = g.append(op("ReduceMean"), {relu.input(0), &loose});
    CHECK(cannot_lower(hard, own_opsets(*m)) == "non-constant operand: axes");
    g.erase(hard);
    lower(*m, own_opsets(*m));
    CHECK(n.attrs().size() == 1);
    CHECK(n.inputs().size() == 1);
    CHECK(n.op().since == 11);
    CHECK(axes.erased());
  }

  TEST_CASE("constant nodes are constants inside and nodes outside") {
    const std::string text = text_at(13, "c = Constant <value_floats = [1.0, 2.0]> ()\ny = Add (x, c)", "(float[2] x) => (float[2] y)");
    auto before = parsed(text);
    auto m = parsed(text);
    lift(*m);
    CHECK(m->graph().node_count() == 1);
    const Value* c = m->graph().first()->input(1);
    REQUIRE(c->constant());
    REQUIRE(c->extra());
    CHECK(c->extra()->constant_node->attr_name == "value_floats");
  }

  TEST_CASE("a node of a function whose attribute is the caller's comes back as it was") {
    // Cast has had attributes since that depend on `to` on the way back.
    auto m = parsed(R"(<ir_version: 10, opset_import: ["" : 17, "own" : 1]>
g (float[2] x) => (double[2] y) { y = own.F <t = 11> (x) }
<domain: "own", opset_import: ["" : 17]>
F <t> (a) => (b) { b = Cast <to : int = @t> (a) })");
    lift(*m);
    lower(*m, own_opsets(*m));
    const Node& cast = *m->functions[0]->body->first();
    CHECK(cast.op().since == 13);
    CHECK(cast.attrs().size() == 1);
    CHECK(check(*m).empty());
  }
}
