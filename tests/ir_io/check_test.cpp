#include "ir/core/check.h"

#include <doctest/doctest.h>

#include "ir/ops/op_table.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("check_test");

namespace onnxopt {
namespace {

using namespace test;

std::string findings(Model& m) {
  std::string r;
  for (const Finding& f : check(m)) r += (f.broken ? "BROKEN " : "") + f.where + ": " + f.what + "\n";
  return r;
}

TEST_CASE("a sound model has no findings") { CHECK(findings(*read(model(relu_graph()))) == ""); }

TEST_CASE("inputs that may be omitted count where the file lists them") {
  const Wire body = Wire()
                        .add(1, node("Identity", {"k"}, {"o"}))
                        .add(1, node("Cast", {"i"}, {"z"}).add(5, Wire().bytes(1, "to").number(3, 1).number(20, 2)))
                        .bytes(2, "b")
                        .add(11, Wire().bytes(1, "i"))
                        .add(11, Wire().bytes(1, "k"))
                        .add(12, Wire().bytes(1, "o"))
                        .add(12, Wire().bytes(1, "z"));
  const auto loop = [&](std::initializer_list<std::string_view> inputs) {
    const Wire n = node("Loop", inputs, {"y"}).add(5, Wire().bytes(1, "body").add(6, body).number(20, 5));
    return model(Wire().add(1, n).bytes(2, "g").add(11, value_info("n")).add(12, value_info("y")));
  };
  CHECK(findings(*read(loop({"n", ""}))) == "");
  CHECK(has(findings(*read(loop({"n"}))), "1 inputs, Loop-16 takes 2 or more"));
  CHECK(has(findings(*read(model(relu_graph().add(1, node("Add", {"x", ""}, {"a"}))))), "2 inputs, Add-14 takes 2"));
}

TEST_CASE("what breaks the schema names graph, node and operator version") {
  const auto m = read(model(relu_graph()
                                .add(1, node("Gemm", {"x"}, {"a"}).bytes(3, "gemm"))
                                .add(1, node("Softmax", {"x"}, {"b"}).add(5, Wire().bytes(1, "axis").fixed32(2, 1).number(20, 1)))
                                .add(1, node("Relu", {"x"}, {"c"}).add(5, Wire().bytes(1, "slope").number(3, 1).number(20, 2)))
                                .add(1, node("Concat", {"x"}, {"d"}))
                                .add(1, node("Relu", {""}, {"e"}))
                                .add(1, node("Op", {"x"}, {"f"}).bytes(7, "custom"))));
  const std::string all = findings(*m);
  for (const char* text : {"g/'gemm' (Gemm): 1 inputs, Gemm-13 takes 2 to 3", "attribute 'axis' has the wrong type",
                           "Relu-14 has no attribute 'slope'", "required attribute 'axis' is missing", "domain 'custom' is not imported"}) {
    CAPTURE(text);
    CHECK(has(all, text));
  }
  CHECK(has(all, "required input 'X' is omitted"));
  CHECK(!has(all, "BROKEN"));
}

TEST_CASE("order, erased values and foreign values are found") {
  const auto m = read(model(relu_graph().add(1, node("Neg", {"y"}, {"z"}))));
  Graph& g = m->graph();
  g.move_before(*g.last(), *g.first());
  CHECK(has(findings(*m), "BROKEN g/(Neg) that makes 'z': input 0 ('y') is made later"));

  const auto other = read(model(relu_graph()));
  const auto m2 = read(model(relu_graph()));
  m2->graph().set_input(*m2->graph().first(), 0, other->graph().inputs()[0]);
  CHECK(has(findings(*m2), "is not visible here"));

  const auto m3 = read(model(relu_graph()));
  m3->graph().outputs()[0]->type = Type();
  Value& c = m3->graph().add_constant("c", Tensor::scalar<float>(1));
  c.type = Type::tensor(DType::int64, Dims{});
  CHECK(has(findings(*m3), "the type of constant 'c' is not that of its tensor"));
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
