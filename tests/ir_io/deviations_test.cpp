#include "ir/io/deviations.h"

#include <doctest/doctest.h>

#include "ir/io/io.h"
#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("deviations_test");

namespace onnxopt {
namespace {

using namespace test;
using Lines = std::vector<std::string>;

Lines said(const Wire& model) {
  const TempFolder folder;
  folder.write("m.onnx", model.str());
  read_model(folder / "m.onnx");  // reads it all the same
  return deviations(folder / "m.onnx");
}

Wire shaped(std::string_view name) { return Wire().bytes(1, name).add(2, Wire().add(1, Wire().number(1, 1).add(2, Wire()))); }
Wire weight(std::string_view name) { return Wire().number(1, 1).number(2, 1).bytes(8, name).bytes(9, "abcd"); }

// y = Add (x, w), with w among the inputs or not.
Wire add_graph(bool listed) {
  Wire g = Wire().add(1, node("Add", {"x", "w"}, {"y"})).bytes(2, "g").add(5, weight("w"));
  g.add(11, shaped("x"));
  if (listed) g.add(11, shaped("w"));
  return g.add(12, shaped("y"));
}

Wire model_of(int ir_version, const Wire& graph, bool imports) {
  Wire m = Wire().number(1, ir_version).add(7, graph);
  return imports ? m.add(8, Wire().bytes(1, "").number(2, 7)) : m;
}

TEST_CASE("initializers are inputs below IR version 4") {
  CHECK(said(model_of(3, add_graph(true), true)).empty());
  CHECK(said(model_of(4, add_graph(false), true)).empty());
  CHECK(said(model_of(3, add_graph(false), true)) ==
        Lines{"initializer 'w' is not an input of its graph; IR version 3 demands it, 4 and later do not"});
  Wire two = add_graph(false);
  two.add(5, weight("v"));
  CHECK(said(model_of(1, two, false)) ==
        Lines{"2 initializers are not inputs of their graph; IR version 1 demands it, 4 and later do not; the first is 'w'"});
}

TEST_CASE("initializers of inner graphs too") {
  const auto with_branch = [](int ir_version) {
    const Wire inner = Wire().add(1, node("Neg", {"k"}, {"s"})).bytes(2, "b").add(5, weight("k")).add(12, shaped("s"));
    const Wire branch = Wire().bytes(1, "then_branch").add(6, inner).number(20, 5);
    const Wire g = Wire().add(1, node("If", {"x"}, {"y"}).add(5, branch)).bytes(2, "g").add(11, shaped("x")).add(12, shaped("y"));
    return model_of(ir_version, g, true);
  };
  CHECK(said(with_branch(4)).empty());
  CHECK(said(with_branch(3)) == Lines{"initializer 'k' is not an input of its graph; IR version 3 demands it, 4 and later do not"});
}

TEST_CASE("opset imports come with IR version 3") {
  CHECK(said(model_of(2, add_graph(true), false)).empty());
  CHECK(said(model_of(2, add_graph(true), true)) == Lines{"the model imports an opset; IR version 2 has no such field"});
  CHECK(said(model_of(3, add_graph(true), false)) == Lines{"the model imports no opset; IR version 3 demands it"});
  CHECK(said(model_of(0, add_graph(true), true)) == Lines{"the model states no IR version"});
}

TEST_CASE("order of nodes, names of graphs, shapes of inputs and outputs") {
  const Wire late =
      Wire().add(1, node("Neg", {"a"}, {"y"})).add(1, node("Relu", {"x"}, {"a"})).bytes(2, "g").add(11, shaped("x")).add(12, shaped("y"));
  CHECK(said(model_of(8, late, true)) == Lines{"value 'a' is read by a node that stands before the one that makes it"});
  const Wire nameless = Wire().add(1, node("Neg", {"x"}, {"y"})).add(11, shaped("x")).add(12, shaped("y"));
  CHECK(said(model_of(8, nameless, true)) == Lines{"a graph is without a name"});
  const Wire shapeless = Wire().add(1, node("Neg", {"x"}, {"y"})).bytes(2, "g").add(11, shaped("x")).add(12, value_info("y"));
  CHECK(said(model_of(8, shapeless, true)) == Lines{"input or output 'y' states no shape"});
}

TEST_CASE("imports of one domain, types of attributes") {
  Wire twice = model_of(8, add_graph(false), true);
  twice.add(8, opset(8));
  CHECK(said(twice) == Lines{"the model imports domain '' 2 times; the last import holds, version 8"});
  const auto leaky = [](const Wire& alpha) {
    const Wire n = node("LeakyRelu", {"x"}, {"y"}).add(5, alpha);
    return model_of(8, Wire().add(1, n).bytes(2, "g").add(11, shaped("x")).add(12, shaped("y")), true);
  };
  CHECK(said(leaky(Wire().bytes(1, "alpha").fixed32(2, 0.5f).number(20, 1))).empty());
  CHECK(said(leaky(Wire().bytes(1, "alpha").fixed32(2, 0.5f))) == Lines{"attribute 'alpha' states no type; only IR version 1 allows it"});
  CHECK(said(leaky(Wire().bytes(1, "alpha").fixed32(2, 0.5f).number(3, 1).number(20, 1))) ==
        Lines{"attribute 'alpha' has values of another type than it states"});
}

TEST_CASE("inner graphs that shadow or pass on outer values") {
  const auto with_branch = [](const Wire& inner) {
    const Wire branch = Wire().bytes(1, "then_branch").add(6, inner).number(20, 5);
    const Wire g = Wire()
                       .add(1, node("Neg", {"x"}, {"a"}))
                       .add(1, node("If", {"x"}, {"y"}).add(5, branch))
                       .bytes(2, "g")
                       .add(11, shaped("x"))
                       .add(12, shaped("y"));
    return model_of(8, g, true);
  };
  CHECK(said(with_branch(Wire().add(1, node("Neg", {"x"}, {"a"})).bytes(2, "b").add(12, shaped("a")))) ==
        Lines{"value 'a' of an inner graph has the name of a value outside; onnx.checker refuses it"});
  CHECK(said(with_branch(Wire().bytes(2, "b").add(12, shaped("a")))) ==
        Lines{"value 'a' is an output of an inner graph and made outside of it; onnx.checker and ONNX Runtime refuse it"});
}

TEST_CASE("functions without imports, with one output twice") {
  const auto with = [](const Wire& f) {
    const Wire g = Wire().add(1, node("F", {"x"}, {"y"}).bytes(7, "own")).bytes(2, "g").add(11, shaped("x")).add(12, shaped("y"));
    return model_of(8, g, true).add(8, opset(1, "own")).add(25, f);
  };
  const auto f = [] { return Wire().bytes(1, "F").bytes(4, "a").bytes(5, "b").add(7, node("Neg", {"a"}, {"b"})).bytes(10, "own"); };
  CHECK(said(with(f().add(9, opset(17)))).empty());
  CHECK(said(with(f())) == Lines{"function 'F' imports no opset"});
  CHECK(said(with(f().add(9, opset(17)).bytes(5, "b"))) == Lines{"function 'F' has two outputs of one name"});
}

}  // namespace
}  // namespace onnxopt
TEST_SUITE_END();
