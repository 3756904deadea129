#include <doctest/doctest.h>

#include <bit>
#include <cstring>

#include "ir/text/text.h"

namespace onnxopt {
namespace {

std::unique_ptr<Model> parse(std::string_view text) { return parse_model(text); }

std::string error_of(std::string_view text, const ParseOptions& options = {}) {
  try {
    parse_model(text, options);
  } catch (const Error& e) {
    CHECK(e.code() == ExitCode::bad_input);
    return e.what();
  }
  return "";
}

// Printing is a fixed point: what we print reads back and prints the same.
std::string reprint(std::string_view text, PrintOptions options = {.full = true}) {
  const std::string once = print_model(*parse(text), options);
  CHECK_MESSAGE(print_model(*parse(once), options) == once, once);
  return once;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

const Tensor& constant(const Model& m, std::string_view name) {
  for (Value* v : m.graph().constants())
    if (v->name() == name) return *v->constant();
  throw std::runtime_error("no constant");
}

TEST_SUITE("parser_test") {
  TEST_CASE("a graph without header gets the default opset and the lowest fitting IR version") {
    const auto m = parse("g (float[N] x) => (float[N] y) { y = Relu (x) }");
    CHECK(m->opset("") == 28);
    CHECK(m->ir_version == 14);
    CHECK(m->file_opsets.size() == 1);
    REQUIRE(m->graph().node_count() == 1);
    CHECK(m->graph().first()->is("Relu"));
    CHECK(m->graph().inputs()[0]->type.rank() == 1);
    CHECK(parse_model("g () => () {}", {.default_opset = 13})->ir_version == 7);
    CHECK(parse("g (float x) => (float y) { y = com.microsoft.Gelu (x) }")->opset("com.microsoft") == 1);
  }

  TEST_CASE("types: scalar, unknown rank, symbolic, quoted, nested") {
    const auto m = parse(R"(g (float a, float[] b, int64[?,N,"batch*2"] c, seq(map(int64, string[])) d, optional(seq(float16[2])) e,
                              sparse_tensor(double[3,4]) f, opaque(com.acme,Thing) h, x) => () {})");
    const auto in = m->graph().inputs();
    CHECK(in[0]->type.rank() == 0);
    CHECK_FALSE(in[1]->type.has_rank());
    CHECK(in[2]->type.rank() == 3);
    CHECK((*in[2]->type.shape)[0].is_unknown());
    CHECK(in[3]->type.kind == Type::Kind::sequence);
    CHECK(in[3]->type.elem->dtype == DType::int64);
    CHECK(in[5]->type.kind == Type::Kind::sparse_tensor);
    CHECK(in[6]->type.kind == Type::Kind::opaque);
    CHECK(in[7]->type.kind == Type::Kind::unknown);
    const std::string text = print_model(*m, {.full = true});
    CHECK(contains(text, "float a, float[] b, int64[?,N,"));
    CHECK(contains(text, "opaque(com.acme,Thing) h, x)"));
  }

  TEST_CASE("attributes of every type") {
    const std::string text = reprint(R"(g (float x) => (float y) {
      y = my.domain.Op <i = 1, f = 1.0, s = "a\"b\\c", is = [1, -2], fs = [1.0, 2.5e-8, inf, -inf, nan], ss = ["", "x"], e: ints = [], ef: floats = [],
          t = float[2] {1, 2}, named = int64 scalar {7}, ts = [float {1}, int8[1] w {-1}], tp = float[2,N], tps = [float, seq(int64)],
          sp = sparse_tensor(float[3,4]) {float[2] {1,2}, int64[2] {0,5}}, ref: int = @axis, untyped = @"odd name", "odd key" = 1,
          g = then () => (z) { z = Relu (x) }, gs = [a () => () {}, b (float q) => (q) {}], f2: float = 3, fl: floats = [1, 2], none: undefined = []> (x)
    })");
    for (const char* part :
         {"i = 1,", "f = 1.0", R"(s = "a\"b\\c")", "fs = [1.0, 2.5e-08, inf, -inf, nan]", "e: ints = []", "named = int64 scalar {7}",
          "ts = [float {1}, int8[1] w {-1}]", "tps = [float, seq(int64)]", "ref: int = @axis", R"(untyped = @"odd name")", R"("odd key" = 1)",
          "f2 = 3.0", "fl = [1.0, 2.0]", "none: undefined = []", "g = then () => (z) {"})
      CHECK_MESSAGE(contains(text, part), part << " not in\n" << text);
  }

  TEST_CASE("string attributes keep every byte") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    bytes += "\r\n#@ \\\"";
    auto m = parse(R"(g () => () { = Op <s = "a", l = ["a"]> () })");
    m->graph().first()->mutable_attrs().set("s", bytes).set("l", Strings{bytes, "b"});
    const auto back = parse(print_model(*m));
    CHECK(*back->graph().first()->attrs().get<std::string>("s") == bytes);
    CHECK((*back->graph().first()->attrs().get<Strings>("l"))[0] == bytes);
  }

  TEST_CASE("float attributes keep every bit") {
    for (std::uint32_t bits :
         {0x00000000u, 0x80000000u, 0x00000001u, 0x7f7fffffu, 0x7f800000u, 0x7fc00000u, 0xffc00000u, 0x7fc00001u, 0x7f800001u, 0x3dcccccdu}) {
      auto m = parse("g () => () { = Op <f = 1.0, l = [1.0]> () }");
      m->graph().first()->mutable_attrs().set("f", std::bit_cast<float>(bits)).set("l", Floats{std::bit_cast<float>(bits), 2.0f});
      const std::string text = print_model(*m);
      const auto back = parse(text);
      CHECK_MESSAGE(std::bit_cast<std::uint32_t>(*back->graph().first()->attrs().get<float>("f")) == bits, text);
      CHECK(std::bit_cast<std::uint32_t>((*back->graph().first()->attrs().get<Floats>("l"))[0]) == bits);
    }
  }

  TEST_CASE("constants of every element type") {
    const char* text =
        R"(g () => () <float[3] a = {1, -0, 1.5e10}, double b = {0.1}, int8[2] c = {-128, 127}, uint8[2] d = {0,255}, int16[1] e = {-32768},
      uint16[1] f = {65535}, int32[1] h = {-2147483648}, int64[1] i = {-9223372036854775808}, uint32[1] j = {4294967295}, uint64[1] k = {18446744073709551615},
      bool[2] l = {0,1}, float16[2] m = {15360, 1.5}, bfloat16[2] n = {16256, 2.0}, float8e4m3fn[2] o = {56, 1.0}, int4[3] p = {-8, 7, -1}, uint4[3] q = {0,15,9},
      int2[5] r = {-2,-1,0,1,-2}, uint2[3] s = {0,3,2}, float4e2m1[3] t = {0,15,1.0}, float6e2m3[5] u = {0,63,1,2,3}, complex64[2] v = {1,2,3,4}, complex128 w = {0,-1},
      string[2] x = {"", "a\"b"}, float[0] y = {}, float8e8m0[1] z = {127}, float[2,0,3] empty = {}> {})";
    const auto m = parse(text);
    CHECK(constant(*m, "m").bytes()[3] == std::byte{0x3e});  // 1.5 is 0x3e00
    CHECK(constant(*m, "n").bytes()[3] == std::byte{0x40});  // 2.0 is 0x4000
    CHECK(constant(*m, "o").bytes()[1] == std::byte{56});
    CHECK(constant(*m, "p").bytes()[0] == std::byte{0x78});  // low nibble first
    CHECK(constant(*m, "p").bytes()[1] == std::byte{0x0f});
    CHECK(constant(*m, "u").byte_size() == 4);
    const std::string printed = reprint(text);
    CHECK(contains(printed, "float[3] a = {1,-0,1.5e+10}"));
    CHECK(contains(printed, "int4[3] p = {-8,7,-1}"));
    CHECK(contains(printed, "float16[2] m = {15360,15872}"));
    CHECK(contains(printed, "float6e2m3[5] u = {0,63,1,2,3}"));
  }

  TEST_CASE("constants that do not fit are refused") {
    CHECK(contains(error_of("g () => () <int8[1] a = {128}> {}"), "128 is not a int8"));
    CHECK(contains(error_of("g () => () <uint4[1] a = {16}> {}"), "16 is not a uint4"));
    CHECK(contains(error_of("g () => () <uint8[1] a = {-1}> {}"), "-1 is not a uint8"));
    CHECK(contains(error_of("g () => () <int64[1] a = {1.0}> {}"), "is not a int64"));
    CHECK(contains(error_of("g () => () <float[2] a = {1}> {}"), "1 numbers or strings given"));
    CHECK(contains(error_of("g () => () <float[1] a = {1e39}> {}"), "1e39 is not a float"));
    CHECK(contains(error_of("g () => () <float[9223372036854775807,9] a = {}> {}"), "overflows"));
    CHECK(contains(error_of("g () => () <float[N] a = {1}> {}"), "must be numbers"));
    CHECK(contains(error_of(R"(g () => () <float[1] a = ["location": "weights.bin"]> {})"), "cannot be read from a text"));
    CHECK(contains(error_of(R"(g () => () <float[999999999999] a = ["location": "@uniform"]> {})"), "more synthetic data"));
  }

  TEST_CASE("large constants print as base64 in full and as a digest otherwise") {
    const auto m = parse(R"(g () => () <float[1000] w = ["location": "@uniform", "seed": "7"], int64[17] i = ["location": "@iota"],
                                          float[16] s = ["location": "@fill", "value": "2"]> {})");
    const std::string full = print_model(*m, {.full = true});
    CHECK(contains(full, "\"@raw\", \"base64\""));
    const auto back = parse(full);
    CHECK(constant(*back, "w").same_content(constant(*m, "w")));
    const std::string brief = print_model(*m);
    CHECK(contains(brief, R"(float[1000] w = ["location": "@elided", "sha256": ")"));
    CHECK(contains(brief, R"(int64[17] i = ["location": "@elided")"));
    CHECK(contains(brief, "float[16] s = {2,2,"));
    CHECK(contains(error_of(brief), "print the model with --full"));
    CHECK(print_model(*parse_model(brief, {.placeholders = true})) == brief);
  }

  TEST_CASE("a NaN with unusual bits survives") {
    auto m = parse("g () => () <float[1] w = {1}> {}");
    const std::uint32_t bits = 0x7f800001u;
    std::vector<std::byte> bytes(4);
    std::memcpy(bytes.data(), &bits, 4);
    m->graph().set_constant(*m->graph().constants()[0], Tensor::from_bytes(DType::float32, {1}, std::move(bytes)));
    CHECK(constant(*parse(print_model(*m)), "w").same_content(constant(*m, "w")));
  }

  TEST_CASE("synthetic data is deterministic and typed") {
    const char* text =
        R"(g () => () <float[4] u = ["location": "@uniform", "seed": "1"], int8[8] i = ["location": "@uniform", "seed": "2", "low": "-3", "high": "3"],
      float16[3] h = ["location": "@iota", "start": "1", "step": "0.5"], bool[8] b = ["location": "@uniform"], float[5] n = ["location": "@normal"],
      string[2] s = ["location": "@iota"]> {})";
    CHECK(print_model(*parse(text)) == print_model(*parse(text)));
    CHECK(contains(print_model(*parse(text)), "float16[3] h = {15360,15872,16384}"));
    const auto m = parse(text);
    for (std::int8_t v : constant(*m, "i").data<std::int8_t>()) CHECK((v >= -3 && v <= 3));
    CHECK(contains(error_of(R"(g () => () <float[4] u = ["location": "@uniform", "sede": "1"]> {})"), "has no 'sede'"));
    CHECK(contains(error_of(R"(g () => () <float[4] u = ["location": "@unifrom"]> {})"), "unknown location"));
  }

  TEST_CASE("inputs, outputs, omitted ones, names and domains") {
    const std::string text = reprint(R"(<ir_version: 8, opset_import: ["" : 13, "a-b" : 2]>
      "my graph" (float[N] "x/0", float[1] b = {2}) => (float[N] y, float[N] y) {
        ["node/1"] y, "", "z:0" = "a-b"."odd op":over ("x/0", "", b)
        = Sink (y)
        q = Clip (y, , b)
      })");
    CHECK(contains(text, R"(["node/1"] y, "", "z:0" = "a-b"."odd op":over ("x/0", "", b))"));
    CHECK(contains(text, R"("my graph" (float[N] "x/0", float[1] b) => (float[N] y, float[N] y))"));
    CHECK(contains(text, "float[1] b = {2}"));
    CHECK(contains(text, R"(q = Clip (y, "", b))"));
    CHECK(contains(text, R"(= Sink (y))"));
  }

  TEST_CASE("subgraphs see outer values; shadowing and unknown names are errors") {
    reprint(R"(g (bool c, float[2] x) => (float[2] y) {
      t = Relu (x)
      y = If (c) <then_branch = a () => (float[2] u) { u = Neg (t) }, else_branch = b () => (float[2] w) <float[2] k = {1,2}> { w = Add (k, x) }>
    })");
    CHECK(contains(error_of("g (float x) => (float y) {\n  y = Relu (z)\n}"), "<text>:2:13: 'z' is not defined before this node"));
    CHECK(contains(error_of("g (float x) => (float y) { x = Relu (x) }"), "'x' is defined twice"));
    CHECK(contains(error_of("g (float x) => (float y) { z = Relu (x) }"), "output 'y' is not defined"));
  }

  TEST_CASE("functions: own imports, attributes with and without default, calls bound to them") {
    const char* text = R"(<ir_version: 10, opset_import: ["" : 18, "local" : 1]>
      g (float[N] x) => (float[N] y) { y = local.Scale <alpha = 2.0> (x) }
      <domain: "local", opset_import: ["" : 17], doc_string: "scales">
      Scale <axis, alpha: float = 1.0> (a) => (b) { k = Constant <value_float: float = @alpha> () b = Mul (a, k) })";
    const auto m = parse(text);
    REQUIRE(m->functions.size() == 1);
    CHECK(m->functions[0]->attributes == Strings{"axis"});
    CHECK(m->functions[0]->attribute_defaults.has("alpha"));
    CHECK(m->functions[0]->opsets[0].version == 17);
    CHECK(m->function_of(*m->graph().first()) == m->functions[0].get());
    reprint(text);
  }

  TEST_CASE("a local function wins over an operator of the table") {
    const auto m = parse(R"(g (float x) => (float y) { y = com.microsoft.Gelu (x) } <domain: "com.microsoft"> Gelu (a) => (b) { b = Relu (a) })");
    CHECK(m->graph().first()->op().has(kOpaque));
    CHECK(m->function_of(*m->graph().first()) != nullptr);
  }

  TEST_CASE("notes hold what the syntax cannot") {
    const char* text = R"(<ir_version: 10, opset_import: ["" : 18], doc_string: "two
lines", metadata_props: ["k": "v", "k2": "v2"]
      #@ training_info "AAEC"
      >
      g (float[N] x) => (float[N] y) <float[2] w = {1,2}, sparse_tensor(float[4]) sp = {float[1] sp {1}, int64[1] {3}}, float[N] t> {
        #@ doc_string "line\nnext \x01 \"q\""
        #@ value "t" quantization "SCALE_TENSOR" "w"
        #@ value "x" denotation "IMAGE"
        #@ value "x" dim_denotations "DATA_BATCH" ""
        #@ value "w" tensor doc_string "weights"
        t = Relu (x)
          #@ doc_string "a node"
          #@ metadata "key" "value"
        y = Op <v = float {1}> (t)
          #@ attribute "v" doc_string "attr"
          #@ attribute "v" tensor 0 metadata "a" "b"
      })";
    const std::string printed = reprint(text);
    for (const char* part :
         {R"(#@ training_info "AAEC")", R"(#@ doc_string "line\nnext \x01 \"q\"")", R"(#@ value "t" quantization "SCALE_TENSOR" "w")",
          R"(#@ value "x" dim_denotations "DATA_BATCH" "")", R"(#@ value "w" tensor doc_string "weights")", R"(#@ metadata "key" "value")",
          R"(#@ attribute "v" tensor 0 metadata "a" "b")", "float[N] t"})
      CHECK_MESSAGE(contains(printed, part), part << " not in\n" << printed);
    CHECK(contains(error_of("g (float x) => (float y) { y = Relu (x)\n#@ colour \"red\"\n }"), "<text>:2:3: unknown note 'colour'"));
    CHECK(contains(error_of("g (float x) => (float y) {\n#@ value \"nope\" doc_string \"\"\n y = Relu (x) }"), "which this graph does not define"));
  }

  TEST_CASE("errors carry file, line and column") {
    CHECK(error_of("g (float x { y = Relu (x) }", {.file = "a.onnxtxt", .first_line = 10}) ==
          "a.onnxtxt:10:12: expected ')' after the inputs, found '{'");
    CHECK(contains(error_of(""), "<text>:1:1: expected the name of a graph"));
    CHECK(contains(error_of("g () => () {"), "expected '=' between outputs and operator"));
    CHECK(contains(error_of("g () => () { y = Op <a = []> () }"), "needs its type"));
    CHECK(contains(error_of("g () => () { y = Op <a = [1, 2.0]> () }"), "a float in a list of ints"));
    CHECK(contains(error_of("g () => () { y = Op <a: int = \"s\"> () }"), "declared int and its value is string"));
    std::string deep = "g (";
    for (int i = 0; i < 10000; ++i) deep += "seq(";
    CHECK(contains(error_of(deep), "nested too deeply"));
    std::string nested;
    for (int i = 0; i < 10000; ++i) nested += "g () => () { = Op <b = ";
    CHECK(contains(error_of(nested), "nested too deeply"));
  }

  TEST_CASE("names that passes chose are made unique, public and file names stay") {
    auto m = parse("g (float x) => (float y) { t = Relu (x) y = Relu (t) }");
    Graph& g = m->graph();
    Node& first = *g.first();
    Node& extra = g.insert_before(*g.last(), first.op(), {first.output()});
    extra.output()->set_name("t");
    g.set_input(*g.last(), 0, extra.output());
    g.add_constant("x", Tensor::scalar(1.0f));
    const std::string text = print_model(*m);
    CHECK(contains(text, "t_1 = Relu (t)"));
    CHECK(contains(text, "float x_1 = {1}"));
    parse(text);
  }
}

}  // namespace
}  // namespace onnxopt
