// Nodes that lack what their operator requires reach the passes (such files are read); no rule may fall over them.
#include <doctest/doctest.h>

#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "passes/opset/opset.h"

using namespace onnxopt;

TEST_SUITE("broken_nodes_test") {
  void optimize(const std::string& body) {
    const auto m =
        parse_model("<ir_version: 8, opset_import: [\"\" : 17]>\ng (float[2,3] x) => (float[2] y) <int64[1] s = {2}> {\n" + body + "\n}\n");
    m->file_opsets = m->opsets;
    lift(*m);
    PassContext ctx;
    ctx.model = m.get();
    ctx.output = own_opsets(*m);
    PassManager manager(graph_passes());
    manager.add(default_pipeline(Level::o2));
    manager.run(*m, ctx);
    CHECK(m->graph().node_count() == 1);
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
}
