#include "ir/io/check_structure.h"

#include <doctest/doctest.h>

#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("check_structure_test");

namespace onnxopt {
namespace {

using namespace test;

std::string broken(const std::string& bytes) {
  const TempFolder folder;
  folder.write("m.onnx", bytes);
  try {
    check_structure(folder / "m.onnx");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}
std::string broken(const Wire& w) { return broken(w.str()); }

Wire graph_of(std::initializer_list<Wire> nodes) {
  Wire g;
  for (const Wire& n : nodes) g.add(1, n);
  return g.add(11, value_info("x")).add(12, value_info("y"));
}

TEST_CASE("a well-formed model passes") {
  CHECK(broken(model(relu_graph())) == "");
  CHECK(broken(model(graph_of({node("Relu", {"x"}, {"a", "", "b"}), node("Add", {"a", "b", ""}, {"y"})}))) == "");
}

TEST_CASE("names: twice, missing, too early") {
  CHECK(has(broken(model(graph_of({node("Relu", {"x"}, {"y"}), node("Relu", {"x"}, {"y"})}))), "'y' is defined twice"));
  CHECK(has(broken(model(graph_of({node("Relu", {"x"}, {"x"}), node("Relu", {"x"}, {"y"})}))), "'x' is defined twice"));
  CHECK(has(broken(model(graph_of({node("Relu", {"z"}, {"y"})}))), "'z' is not made"));
  CHECK(has(broken(model(graph_of({node("Relu", {"x"}, {"a"})}))), "'y' is not made"));
  CHECK(has(broken(model(graph_of({node("Neg", {"a"}, {"y"}), node("Relu", {"x"}, {"a"})}))), "'a' is not made"));
}

TEST_CASE("inner graphs see outer values made before, not later ones") {
  const auto with_branch = [](std::string_view reads) {
    const Wire inner = Wire().add(1, node("Neg", {reads}, {"s"})).add(12, value_info("s"));
    const Wire branch = Wire().bytes(1, "then_branch").add(6, inner).number(20, 5);
    return model(graph_of({node("Abs", {"x"}, {"a"}), node("If", {"x"}, {"y"}).add(5, branch), node("Abs", {"x"}, {"late"})}));
  };
  CHECK(broken(with_branch("a")) == "");
  CHECK(has(broken(with_branch("late")), "'late' is not made"));
}

TEST_CASE("tensors and attributes") {
  const auto with_weight = [](std::string_view raw) {
    const Wire w = Wire().number(1, 2).number(2, 1).bytes(8, "w").bytes(9, raw);
    return model(graph_of({node("Add", {"x", "w"}, {"y"})}).add(5, w));
  };
  CHECK(broken(with_weight("12345678")) == "");
  CHECK(broken(with_weight("1234567")) != "");
  const Wire axis = Wire().bytes(1, "axis").number(3, 1).number(20, 2);
  CHECK(broken(model(graph_of({node("Softmax", {"x"}, {"y"}).add(5, axis)}))) == "");
  CHECK(has(broken(model(graph_of({node("Softmax", {"x"}, {"y"}).add(5, axis).add(5, axis)}))), "given twice"));
}

TEST_CASE("every truncation of a model is noticed or leaves no whole graph") {
  const std::string whole = Wire().number(1, 8).add(8, opset(17)).add(7, relu_graph()).str();
  CHECK(broken(whole) == "");
  for (std::size_t n = 1; n < whole.size(); ++n) CHECK(broken(whole.substr(0, n)) != "");
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
