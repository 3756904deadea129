// Nodes that lack what their operator requires reach the passes (such files are read); no rule may fall over them.
#include <doctest/doctest.h>

#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "passes/opset/opset.h"

using namespace onnxopt;

TEST_SUITE("broken_nodes_test") {
  void optimize(const std::string& body, int opset = 17, std::size_t nodes = 1) {
    const auto m =
        parse_model("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) +
                    "]>\ng (float[2,3] x) => (float[2] y) <int64[1] s = {2}, int64 n = {1}, bool c = {1}, float16 h = {2.0}, float f = {4.0}> {\n" +
                    body + "\n}\n");
    m->file_opsets = m->opsets;
    lift(*m);
    PassContext ctx;
    ctx.model = m.get();
    ctx.output = own_opsets(*m);
    PassManager manager(graph_passes());
    manager.add(default_pipeline(Level::o2));
    manager.run(*m, ctx);
    CHECK(m->graph().node_count() == nodes);
  }

  TEST_CASE("UNCHANGED: a required input is missing") {
    for (const char* op : {"Reshape", "Expand", "Tile", "Gather"}) {
      CAPTURE(op);
      optimize(std::string("y = ") + op + " (, s)");
    }
    for (const char* op : {"Squeeze", "Relu", "Cast <to = 1>", "Transpose", "Identity"}) {
      CAPTURE(op);
      optimize(std::string("y = ") + op + " ()");
    }
  }

  TEST_CASE("UNCHANGED: operands of different types") {
    for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
      CAPTURE(op);
      optimize(std::string("a = ") + op + " (x, h)\ny = " + op + " (a, f)", 17, 2);
      optimize(std::string("a = ") + op + " (x, f)\ny = " + op + " (a, h)", 17, 2);
    }
  }

  TEST_CASE("UNCHANGED: a required attribute is missing") {  // also where the node is of the newest version already
    for (const int opset : {17, 28}) {
      CAPTURE(opset);
      optimize("y = Loop (n, c, x) <bmdy = b (int64 i, bool g, float[2,3] a) => (bool k, float[2,3] z) { k = Identity (g) z = Add (a, x) }>", opset);
      optimize("y = If (c) <then = t () => (float[2,3] z) { z = Add (x, x) }, else_branch = e () => (float[2,3] w) { w = Add (x, x) }>", opset);
      optimize("y = Scan (x, x) <bmdy = b (float[2,3] a, float[3] r) => (float[2,3] z) { z = Add (a, r) }, num_scan_inputs = 1>", opset);
      for (const char* op : {"Cast (x)", "Concat (x, x)", "OneHot (x, s, x)", "Constant ()", "GRU (x, x, x)", "MaxPool (x)"}) {
        CAPTURE(op);
        optimize(std::string("y = ") + op, opset);
      }
    }
  }
}
