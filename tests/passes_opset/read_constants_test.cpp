// Constant nodes that the reader makes constants at once, against the same nodes read as nodes and lifted.
#include "ir/io/read_constants.h"

#include <doctest/doctest.h>

#include "passes/opset/opset.h"
#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("read_constants_test");

namespace onnxopt {
namespace {

using namespace test;

Wire named(std::string_view name, Wire attribute) { return Wire().bytes(1, name).raw(attribute.str()); }
Wire float_tensor(std::string_view name) {
  return Wire().number(1, 1).number(2, 1).fixed32(4, 2.5F).bytes(8, name);  // dims, float, float_data
}
Wire constant(std::string_view output, const Wire& attribute) { return node("Constant", {}, {output}).add(5, attribute); }

// Constants of every dense form, with and without notes, one that is an output, one that only a caller could know, and one that is sparse.
Wire many_constants() {
  return Wire()
      .add(1, constant("a", named("value", Wire().add(5, float_tensor("")).number(20, 4))).bytes(3, "first").bytes(6, "says something"))
      .add(1, constant("b", named("value", Wire().add(5, float_tensor("named")).number(20, 4))))
      .add(1, constant("c", named("value_float", Wire().fixed32(2, 1.5F).number(20, 1))))
      .add(1, constant("d", named("value_ints", Wire().number(8, 7).number(20, 7))).number(99, 3))
      .add(1, constant("e", named("value", Wire().add(5, float_tensor("")).number(20, 4))))
      .add(1, node("Add", {"a", "x"}, {"s"}))
      .add(1, node("Add", {"s", "b"}, {"t"}))
      .add(1, node("Add", {"t", "c"}, {"y"}))
      .bytes(2, "g")
      .add(11, value_info("x"))
      .add(12, value_info("y"))
      .add(12, value_info("e"))
      .add(13, value_info("a"));
}

struct Both {
  std::string plain, at_once;
  std::size_t nodes = 0;  // right after reading at once
};

Both both(const Wire& message) {
  const TempFolder folder;
  folder.write("m.onnx", message.str());
  const auto file = folder / "m.onnx";
  Both r;
  const auto plain = read_model(file);
  const auto at_once = read_model_with_constants(file);
  r.nodes = total_nodes(at_once->graph());
  for (Model* m : {plain.get(), at_once.get()}) {
    lift(*m);
    lower(*m, own_opsets(*m));
  }
  r.plain = serialize_model(*plain);
  r.at_once = serialize_model(*at_once);
  return r;
}

TEST_CASE("what is written after a lift is the same, and no Constant was ever a node") {
  const Both r = both(model(many_constants()));
  CHECK(r.nodes == 3);
  CHECK(r.plain == r.at_once);
  CHECK(has(r.at_once, "says something"));
}

TEST_CASE("an IR below 4, whose outputs nodes must make, reads them as nodes") {
  const Both r = both(model(many_constants(), 12, 3));
  CHECK(r.nodes == 8);
  CHECK(r.plain == r.at_once);
}

TEST_CASE("a name that stands twice is refused as before") {
  const TempFolder folder;
  const auto file = folder / "m.onnx";
  const Wire value = named("value_int", Wire().number(3, 1).number(20, 2));
  folder.write("m.onnx", model(relu_graph().add(1, constant("y", value))).str());
  CHECK_THROWS_WITH_AS(read_model_with_constants(file), doctest::Contains("'y' is defined twice"), Error);
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
