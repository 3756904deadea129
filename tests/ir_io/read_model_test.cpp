#include <doctest/doctest.h>

#include "ir/core/check.h"
#include "ir/ops/infer.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("read_model_test");

namespace onnxopt {
namespace {

using namespace test;

Wire named(Wire n, std::string_view name) { return n.bytes(3, name); }

TEST_CASE("a small model") {
  const auto m = read(model(relu_graph()));
  CHECK(m->ir_version == 8);
  CHECK(m->opset("") == 17);
  const Graph& g = m->graph();
  REQUIRE(g.node_count() == 1);
  CHECK(g.first()->is("Relu"));
  CHECK(g.first()->op().since == 14);
  CHECK(g.inputs()[0]->name() == "x");
  CHECK(g.inputs()[0]->type.dtype == DType::float32);
  CHECK(g.outputs()[0] == g.first()->output());
  CHECK(check(*m).empty());
}

TEST_CASE("no opset_import means opset 1, and is written as none") {
  const auto m = read(Wire().number(1, 3).add(7, relu_graph()));
  CHECK(m->file_opsets.empty());
  CHECK(m->opset("") == 1);
  CHECK(m->graph().first()->op().since == 1);
  CHECK(read(serialize_model(*m))->file_opsets.empty());
}

TEST_CASE("initializers that are inputs too are constants; duplicate node names are fine") {
  const Wire w = Wire().number(1, 1).number(2, 1).bytes(8, "x").bytes(9, std::string(4, '\0'));
  const Wire g = Wire()
                     .add(1, named(node("Relu", {"x"}, {"a"}), "n"))
                     .add(1, named(node("Relu", {"a"}, {"y"}), "n"))
                     .add(5, w)
                     .add(11, value_info("x"))
                     .add(12, value_info("y"));
  const auto m = read(model(g));
  const Value& x = *m->graph().inputs()[0];
  CHECK(x.is_graph_input());
  REQUIRE(x.constant());
  CHECK(x.constant()->dims() == Dims{1});
  CHECK(check(*m).empty());
}

TEST_CASE("unsorted nodes are sorted, stably") {
  const Wire g = Wire()
                     .add(1, node("Exp", {"b"}, {"y"}))
                     .add(1, node("Neg", {"x"}, {"z"}))
                     .add(1, node("Abs", {"x"}, {"b"}))
                     .add(11, value_info("x"))
                     .add(12, value_info("y"))
                     .add(12, value_info("z"));
  const auto m = read(model(g));
  std::string order;
  for (const Node& n : m->graph().nodes()) order += std::string(n.op().name) + " ";
  CHECK(order == "Neg Abs Exp ");
}

TEST_CASE("cycles, missing and duplicate values are refused") {
  const Wire cycle = Wire().add(1, node("Relu", {"b"}, {"a"})).add(1, node("Relu", {"a"}, {"b"})).add(12, value_info("b"));
  CHECK(has(refusal(model(cycle)), "cycle"));
  CHECK(has(refusal(model(Wire().add(1, named(node("Relu", {"nowhere"}, {"y"}), "n1")))), "node 'n1' (Relu): input 'nowhere' is not made"));
  CHECK(has(refusal(model(Wire().add(12, value_info("y")))), "output 'y'"));
  CHECK(has(refusal(model(relu_graph().add(1, node("Relu", {"x"}, {"y"})))), "'y' is defined twice"));
  CHECK(has(refusal(model(relu_graph().add(11, value_info("x")))), "'x' is defined twice"));
  CHECK(has(refusal(model(relu_graph().add(1, node("", {"x"}, {"z"})))), "op_type"));
}

TEST_CASE("optional inputs and outputs are null") {
  const Wire g =
      Wire().add(1, node("Clip", {"x", "", "x"}, {"y"})).add(1, node("Dropout", {"y"}, {"", "m"})).add(11, value_info("x")).add(12, value_info("m"));
  const auto m = read(model(g));
  const Node& clip = *m->graph().first();
  REQUIRE(clip.inputs().size() == 3);
  CHECK(clip.input(1) == nullptr);
  CHECK(m->graph().last()->output(0) == nullptr);
  CHECK(m->graph().last()->output(1) != nullptr);
}

Wire if_node(const Wire& then_graph, const Wire& else_graph) {
  return node("If", {"c"}, {"y"})
      .add(5, Wire().bytes(1, "then_branch").add(6, then_graph).number(20, 5))
      .add(5, Wire().bytes(1, "else_branch").add(6, else_graph).number(20, 5));
}

TEST_CASE("subgraphs capture outer values and shadow their names") {
  const Wire captures = Wire().add(1, node("Relu", {"x"}, {"r"})).add(12, value_info("r"));
  const Wire shadows = Wire().add(1, node("Relu", {"x"}, {"a"})).add(1, node("Neg", {"a"}, {"r"})).add(12, value_info("r"));
  const Wire g = Wire()
                     .add(1, node("Abs", {"x"}, {"a"}))
                     .add(1, if_node(captures, shadows))
                     .add(11, value_info("x"))
                     .add(11, value_info("c"))
                     .add(12, value_info("y"));
  const auto m = read(model(g));
  CHECK(check(*m).empty());
  const auto subs = m->graph().last()->subgraphs();
  REQUIRE(subs.size() == 2);
  CHECK(subs[0]->first()->input(0) == m->graph().inputs()[0]);
  CHECK(subs[1]->last()->input(0)->graph() == subs[1]);
  CHECK(serialize_model(*read(serialize_model(*m))) == serialize_model(*m));
}

TEST_CASE("a subgraph that reads a later value makes its node wait for it") {
  const Wire late = Wire().add(1, node("Relu", {"b"}, {"r"})).add(12, value_info("r"));
  const Wire g =
      Wire().add(1, if_node(late, late)).add(1, node("Abs", {"x"}, {"b"})).add(11, value_info("x")).add(11, value_info("c")).add(12, value_info("y"));
  const auto m = read(model(g));
  CHECK(m->graph().first()->is("Abs"));
  CHECK(check(*m).empty());
}

TEST_CASE("nesting bombs are refused") {
  Wire graph = Wire().add(12, value_info("c"));
  for (int i = 0; i < 60; ++i)
    graph = Wire().add(1, node("If", {"c"}, {"y"}).add(5, Wire().bytes(1, "then_branch").add(6, graph).number(20, 5))).add(12, value_info("y"));
  CHECK(has(refusal(model(graph.add(11, value_info("c")))), "nested more than 100 levels"));
  Wire type = Wire().add(1, Wire().number(1, 1));
  for (int i = 0; i < 150; ++i) type = Wire().add(4, Wire().add(1, type));
  CHECK(has(refusal(model(relu_graph().add(11, Wire().bytes(1, "s").add(2, type)))), "nested more than"));
  const std::string groups(100000, '\x0b');  // start of group 1, over and over
  CHECK(has(refusal(model(relu_graph()).raw(groups)), "nested too deeply"));
}

TEST_CASE("messages are one line, whatever a name holds") {
  const std::string why = refusal(model(Wire().add(1, node("Relu", {"a\nb\x1b[2J"}, {"y"}))));
  CHECK(has(why, "a\\x0ab\\x1b[2J"));
}

TEST_CASE("every truncation is refused or read, never a crash") {
  const std::string whole = model(relu_graph()).str();
  int refused = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) refused += !refusal(whole.substr(0, n)).empty();
  CHECK(refused > static_cast<int>(whole.size()) / 2);  // the others end between two fields
  CHECK(has(refusal(std::string()), "not an ONNX model"));
  CHECK(has(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), "corrupt protobuf at byte"));
  CHECK(has(refusal(std::string("\x3a\xff\xff\xff\xff\x7f")), "runs past the end"));
}

TEST_CASE("unknown fields of every message come back") {
  const Wire attr = Wire().bytes(1, "alpha").fixed32(2, 0.5f).number(20, 1).bytes(77, "attribute future");
  const Wire weight = Wire().number(2, 1).bytes(8, "w").bytes(9, std::string(4, 'w')).bytes(77, "tensor future");
  const Wire g = Wire()
                     .add(1, node("LeakyRelu", {"x"}, {"y"}).add(5, attr).bytes(10, "device configuration").number(77, 5))
                     .add(5, weight)
                     .add(11, value_info("x").bytes(77, "value future"))
                     .add(12, value_info("y"))
                     .bytes(77, "graph future");
  const std::string out = serialize_model(*read(model(g)
                                                    .bytes(20, "")
                                                    .bytes(26,
                                                           "\x0a\x03"
                                                           "dev")
                                                    .bytes(77, "model future")));
  for (const char* text : {"attribute future", "device configuration", "tensor future", "value future", "graph future", "model future", "dev"}) {
    CAPTURE(text);
    CHECK(has(out, text));
  }
}

TEST_CASE("attribute types are deduced where a file states none; what the type does not use is kept") {
  const Wire attr = Wire().bytes(1, "alpha").fixed32(2, 0.5f);
  const auto m = read(model(Wire().add(1, node("LeakyRelu", {"x"}, {"y"}).add(5, attr)).add(11, value_info("x")).add(12, value_info("y"))));
  CHECK(m->graph().first()->attr<float>("alpha") == 0.5f);
  const auto with = [](const Wire& a) {
    return model(Wire().add(1, node("LeakyRelu", {"x"}, {"y"}).add(5, a)).add(11, value_info("x")).add(12, value_info("y")));
  };
  CHECK(has(refusal(with(Wire().bytes(1, "a").fixed32(2, 1).number(3, 1))), "values of two types"));
  CHECK(has(refusal(with(Wire().bytes(1, "a").number(20, 99))), "attribute type 99"));
  CHECK(has(refusal(with(Wire().bytes(1, "a").number(20, 4))), "tensor but holds none"));
  const auto both = read(with(Wire().bytes(1, "alpha").fixed32(2, 2).bytes(4, "stray").number(20, 1)));
  CHECK(both->graph().first()->attr<float>("alpha") == 2.0f);
  CHECK(has(serialize_model(*both), "stray"));
  CHECK(has(
      refusal(model(relu_graph().add(1, node("X", {}, {"q"}).add(5, Wire().bytes(1, "a").number(3, 1)).add(5, Wire().bytes(1, "a").number(3, 2))))),
      "given twice"));
}

TEST_CASE("functions: calls are opaque, recursion is refused") {
  const auto function = [](std::string_view name, std::string_view callee) {
    return Wire()
        .bytes(1, name)
        .bytes(4, "a")
        .bytes(5, "b")
        .add(7, node(callee, {"a"}, {"b"}).bytes(7, callee == "Relu" ? "" : "local"))
        .add(9, opset(17))
        .add(9, opset(1, "local"))
        .bytes(10, "local");
  };
  const Wire g = Wire().add(1, node("f", {"x"}, {"y"}).bytes(7, "local")).add(11, value_info("x")).add(12, value_info("y"));
  const auto m = read(model(g).add(8, opset(1, "local")).add(25, function("f", "Relu")));
  REQUIRE(m->functions.size() == 1);
  CHECK(m->graph().first()->op().has(kOpaque));
  CHECK(m->function_of(*m->graph().first()) == m->functions[0].get());
  CHECK(check(*m).empty());
  CHECK(has(refusal(model(g).add(25, function("f", "g")).add(25, function("g", "f"))), "calls itself"));
  CHECK(has(refusal(model(g).add(25, function("f", "Relu")).add(25, function("f", "Relu"))), "defined twice"));
}

TEST_CASE("types of every kind come back byte for byte") {
  const Wire dims = Wire()
                        .add(1, Wire().number(1, 3))
                        .add(1, Wire().bytes(2, "batch").bytes(3, "DATA_BATCH"))
                        .add(1, Wire().number(1, ~0ull))
                        .add(1, Wire().bytes(2, "?"))
                        .add(1, Wire());
  const Wire tensor = Wire().add(1, Wire().number(1, 10).add(2, dims)).bytes(6, "IMAGE");
  const Wire map = Wire().add(5, Wire().number(1, 7).add(2, tensor)), opaque = Wire().add(7, Wire().bytes(1, "d").bytes(2, "n"));
  const Wire sequence = Wire().add(4, Wire().add(1, map)), optional = Wire().add(9, Wire().add(1, sequence)),
             sparse = Wire().add(8, Wire().number(1, 1).add(2, dims));
  for (const Wire& type : {tensor, map, opaque, sequence, optional, sparse, Wire(), Wire().bytes(77, "future")}) {
    const Wire info = Wire().bytes(1, "x").add(2, type);
    const auto m = read(model(Wire().add(1, node("Relu", {"x"}, {"y"})).add(11, info).add(12, value_info("y"))));
    CHECK(has(serialize_model(*m), info.str()));
  }
  const auto m = read(model(Wire().add(11, Wire().bytes(1, "x").add(2, tensor))));
  const Type& t = m->graph().inputs()[0]->type;
  CHECK(t.dtype == DType::float16);
  REQUIRE(t.rank() == 5);
  CHECK((*t.shape)[0].is(3));
  CHECK((*t.shape)[1].is_symbolic());
  for (int i = 2; i < 5; ++i) CHECK((*t.shape)[static_cast<std::size_t>(i)].is_unknown());
}

TEST_CASE("value_info, annotations and sparse initializers") {
  const Wire annotation = Wire().bytes(1, "y").add(2, Wire().bytes(1, "SCALE_TENSOR").bytes(2, "x"));
  const Wire stray = Wire().bytes(1, "gone").add(2, Wire().bytes(1, "SCALE_TENSOR").bytes(2, "x"));
  const Wire values = Wire().number(1, 1).number(2, 1).bytes(8, "sp").bytes(9, std::string(4, 'v'));
  const Wire indices = Wire().number(1, 1).number(2, 7).bytes(9, std::string(8, '\0'));
  const Wire g = relu_graph()
                     .add(1, node("Neg", {"y"}, {"z"}))
                     .add(13, value_info("z").bytes(3, "why"))
                     .add(13, value_info("stale"))
                     .add(14, annotation)
                     .add(14, stray)
                     .add(15, Wire().add(1, values).add(2, indices).number(3, 5));
  const auto m = read(model(g));
  CHECK(check(*m).empty());
  CHECK(m->graph().outputs()[0]->extra()->quantization.size() == 1);
  const std::string out = serialize_model(*m);
  CHECK(has(out, "why"));
  CHECK(!has(out, "stale"));
  CHECK(has(out, annotation.str()));
  CHECK(has(out, stray.str()));
  CHECK(has(out, "vvvv"));
  CHECK(serialize_model(*read(out)) == out);
}

TEST_CASE("an input whose default value is sparse has it as a tensor, and its file says so in one message") {
  const auto sparse = [](std::uint64_t dim) {
    const Wire values = Wire().number(1, 1).number(2, 1).bytes(8, "x").bytes(9, "abcd");
    const Wire indices = Wire().number(1, 1).number(2, 7).bytes(9, std::string("\x02\0\0\0\0\0\0\0", 8));
    return Wire().add(1, values).add(2, indices).number(3, dim);
  };
  const auto m = read(model(relu_graph().add(15, sparse(3))));
  CHECK(check(*m).empty());
  const Value& x = *m->graph().inputs()[0];
  REQUIRE(x.constant());
  CHECK(x.constant()->dims() == Dims{3});
  CHECK(std::string_view(reinterpret_cast<const char*>(x.constant()->bytes().data()), 12) == std::string_view("\0\0\0\0\0\0\0\0abcd", 12));
  CHECK(m->graph().node_count() == 1);
  CHECK(serialize_model(*read(serialize_model(*m))) == serialize_model(*m));
  CHECK(has(refusal(model(relu_graph().add(15, sparse(3)).add(15, sparse(3)))), "also another initializer"));
  CHECK(has(refusal(model(relu_graph().add(15, sparse(std::uint64_t{1} << 60)))), "too large to be written out"));
}

TEST_CASE("a domain imported several times: the last import holds, as for onnx.checker and ONNX Runtime") {
  const auto twice = [](std::uint64_t a, std::string_view first, std::uint64_t b, std::string_view second) {
    return Wire().number(1, 8).add(7, relu_graph()).add(8, opset(a, first)).add(8, opset(b, second));
  };
  CHECK(read(twice(17, "", 13, ""))->opset("") == 13);
  CHECK(read(twice(13, "", 17, ""))->opset("") == 17);
  CHECK(read(twice(17, "", 17, "ai.onnx"))->opset("") == 17);
  const auto m = read(twice(17, "", 13, ""));
  CHECK(m->graph().first()->op().since == 13);
  CHECK(read(serialize_model(*m))->opset("") == 13);
  CHECK(m->file_opsets[0].version == 13);
  CHECK(has(refusal(twice(17, "", 13, "ai.onnx")), "with versions 17 and 13"));  // here the two disagree
}

TEST_CASE("the version of a domain of one's own may be 0; ONNX starts at 1") {
  const auto with = [](std::uint64_t version, std::string_view domain) { return model(relu_graph()).add(8, opset(version, domain)); };
  CHECK(read(with(0, "own"))->opset("own") == 0);
  CHECK(serialize_model(*read(with(0, "own"))) == serialize_model(*read(serialize_model(*read(with(0, "own"))))));
  CHECK(has(refusal(model(relu_graph(), 0)), "versions start at 1"));
}

TEST_CASE("what no type is known of in a function's inner graph is written without a type") {
  const auto branch = [](std::string_view attribute, std::string_view op, std::string_view out) {
    const Wire body = Wire().add(1, node(op, {"a"}, {out})).bytes(2, "b").add(12, Wire().bytes(1, out));
    return Wire().bytes(1, attribute).add(6, body).number(20, 5);
  };
  const Wire f = Wire()
                     .bytes(1, "F")
                     .bytes(4, "a")
                     .bytes(4, "c")
                     .bytes(5, "y")
                     .add(7, node("If", {"c"}, {"y"}).add(5, branch("then_branch", "Neg", "p")).add(5, branch("else_branch", "Relu", "q")))
                     .add(7, node("If", {"c"}, {"l"})
                                 .add(5, branch("then_branch", "SequenceConstruct", "s"))
                                 .add(5, branch("else_branch", "SequenceConstruct", "t")))
                     .add(9, opset(17))
                     .bytes(10, "own");
  const Wire g = Wire().add(1, node("F", {"x", "x"}, {"y"}).bytes(7, "own")).bytes(2, "g").add(11, value_info("x")).add(12, value_info("y"));
  const auto m = read(model(g).add(8, opset(1, "own")).add(25, f));
  infer(*m, {.strict = false});
  const std::string out = serialize_model(*m);
  CHECK(has(out, Wire().add(12, Wire().bytes(1, "p")).str()));  // nothing but the name
  CHECK(has(out, Wire().add(12, Wire().bytes(1, "q")).str()));
  CHECK(has(out, Wire().add(12, Wire().bytes(1, "s")).str()));
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
