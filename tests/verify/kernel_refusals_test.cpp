// What no answer is defined for is refused with a reason, never computed and never a crash. Most were found by tests/tools/fuzz_ops.py --hostile.
#include <doctest/doctest.h>

#include <string>

#include "ir/core/error.h"
#include "ir/text/text.h"
#include "passes/opset/opset.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

namespace {

// The message with which running the model ends, on inputs of zeros (of one word for strings); "" if it runs.
std::string refusal(const std::string& text) {
  try {
    ParseOptions options;
    options.default_opset = 21;
    const auto m = parse_model("<opset_import: [\"\" : 21, \"ai.onnx.ml\" : 3, \"com.microsoft\" : 1]>\n" + text, options);
    std::vector<RtValue> inputs;
    for (const Value* v : m->graph().inputs()) {
      Dims dims;
      for (const Dim& d : *v->type.shape) dims.push_back(d.value());
      if (v->type.dtype == DType::string) inputs.emplace_back(Tensor::from_strings(dims, {"word"}));
      else inputs.emplace_back(Tensor::zeros(v->type.dtype, dims));
    }
    Executor executor(*m);
    if (!executor.unsupported().empty()) return executor.unsupported()[0].reason;
    executor.run(inputs);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool refuses(const std::string& text, const std::string& why) {
  const std::string said = refusal(text);
  INFO(text << ": \"" << said << "\"");
  CHECK(said.find(why) != std::string::npos);
  return true;
}

}  // namespace

TEST_SUITE("kernel_refusals_test") {
  TEST_CASE("what runs is not refused: the helper would see it") {
    CHECK(refusal("g (float[2] x) => (float[2] y) { y = Neg (x) }").empty());
    CHECK(refusal("g (string[1] x) => (float[1,2] y) { y = ai.onnx.ml.OneHotEncoder <cats_strings = [\"a\", \"word\"]> (x) }").empty());
  }
  TEST_CASE("types and attributes without a meaning") {
    refuses("g (float[1,2] x) => (float[2] y) { y = Einsum <equation = \"ii->i\"> (x) }", "the diagonal of 1 and 2 elements");
    refuses("g (uint8[2] x) => (uint8[2] y) { y = Neg (x) }", "not defined for uint8");
    refuses("g (float[2] x) => (float[2,2] y) { y = ai.onnx.ml.OneHotEncoder <cats_strings = [\"a\", \"b\"]> (x) }", "no categories");
    refuses("g (string[1] x) => (float[1,2] y) { y = ai.onnx.ml.OneHotEncoder <cats_int64s = [1, 2]> (x) }", "no categories");
    refuses("g (float[2] x) => (float[2] y) { y = ai.onnx.ml.Imputer (x) }", "are missing");
    refuses("g (float[1,3] x) => (float[1,3] y) { y = ai.onnx.ml.Imputer <imputed_value_floats = [1.0, 2.0]> (x) }",
            "2 imputed values for 3 columns");
    refuses("g (float[1,3] x) => (float[1,3] y) { y = ai.onnx.ml.FeatureVectorizer <inputdimensions = [1, 2]> (x) }", "2 inputdimensions");
    refuses("g (float[1,3] x) => (float[1,3] y) { y = ai.onnx.ml.FeatureVectorizer <inputdimensions = [-1]> (x) }", "-1");
    refuses("g (float[1,3] a, float[2,3] b) => (float[1,6] y) { y = ai.onnx.ml.FeatureVectorizer (a, b) }", "rows");
    refuses("g (int64[2,3] ids, float[2,4] s) => (float[2,4] y) { y = com.microsoft.NGramRepeatBlock <ngram_size = 0> (ids, s) }", "ngram_size");
    refuses("g (float[2,3] x) => (float[2,1,3] y) { y = com.microsoft.UnfoldTensor <size = 4> (x) }", "slices of 4 of an axis of 3");
  }
  TEST_CASE("numbers whose products are none, and parts that are not there") {
    refuses("g (float[1,4,2,0] x) => (float[N,C,H,W] y) { y = DepthToSpace <blocksize = 4294967296> (x) }", "blocksize 4294967296");
    refuses("g (float[1,4,0,0] x) => (float[N,C,H,W] y) { y = SpaceToDepth <blocksize = 4611686018427387904> (x) }", "blocksize");
    refuses("g (float[2,2] x) => (float[2,2] y) <int64[2] n = {1, 1}> { y = ReverseSequence <batch_axis = 3, time_axis = -2> (x, n) }",
            "batch_axis 3");
    refuses("g (float[0,2] x) => (float[N,M] y) <int64[2] s = {-1, 0}> { y = Reshape <allowzero = 1> (x, s) }", "leaves open what -1 is");
    refuses("g (float[2,2] x) => (float[N] y) <int64[3] s = {4611686018427387904, 16, 1}> { y = Reshape (x, s) }", "more than there are numbers");
    refuses("g (float[4] x) => (float[2] a, float[2] b) { a, b = Split <num_outputs = 0> (x) }", "num_outputs is 0");
    refuses("g (float[4] x) => (float[2] a, float[2] b) <int64[2] s = {4611686018427387904, -4611686018427387900}> { a, b = Split (x, s) }",
            "a part of");
    refuses("g (float x) => (float y) <float[0] r = {}> { y = Resize <axes = [100]> (x, r, r) }", "exactly one of scales and sizes");
    refuses("g (float[0] x) => (float[N] y) <int64[1] s = {3}> { y = Resize <keep_aspect_ratio_policy = \"not_larger\"> (x, , , s) }",
            "scale inf of an axis of 0");
  }
  TEST_CASE("attention and experts whose parts do not fit") {
    const std::string caches = "float[1,1,20,8] pk, float[1,1,20,8] pv";
    const std::string group = "(float[1,1,16] q, float[1,99,8] k, float[1,99,8] v, " + caches +
                              ", int32[1] n) => (float[1,1,16] y, float[1,1,20,8] a, float[1,1,20,8] b) <int32[1] t = {1}> { y, a, b = ";
    refuses("g " + group + "com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 1> (q, k, v, pk, pv, n, t) }", "a key 1x99x8");
    const std::string blocks = " <int32[1] t = {1}, int32[1] n1 = {1}, int32[1,3] r = {0, 1, 2}, int32[1,2] c = {0, ";
    const std::string sparse = "com.microsoft.SparseAttention <num_heads = 2, kv_num_heads = 1, sparse_block_size = ";
    const std::string head =
        "g (float[1,1,16] q, float[1,1,8] k, float[1,1,8] v, " + caches + ") => (float[1,1,16] y, float[1,1,20,8] a, float[1,1,20,8] b)";
    const std::string inputs = "> (q, k, v, pk, pv, r, c, t, n1) }";
    CHECK(refusal(head + blocks + "1}> { y, a, b = " + sparse + "16" + inputs).empty());
    refuses(head + blocks + "7}> { y, a, b = " + sparse + "16" + inputs, "names block 7 of 2");
    refuses(head + blocks + "1}> { y, a, b = " + sparse + "0" + inputs, "blocks of 0");
    const std::string experts =
        "g (float[1,4] x, float[1,2] p, uint8[2,4,2] w, float[2,4] s, uint8[2,4,2] v) => (float[1,4] y) { y = com.microsoft.QMoE <";
    CHECK(refusal(experts + "k = 1> (x, p, w, s, , v, s) }").empty());
    refuses(experts + "k = 3> (x, p, w, s, , v, s) }", "k 3");
    refuses(experts + "expert_weight_bits = 3> (x, p, w, s, , v, s) }", "weights of 3 bits");
    refuses(experts + "expert_weight_bits = 8> (x, p, w, s, , v, s) }", "experts of 4x2");
    refuses(experts + "quant_type = \"fp4\"> (x, p, w, s, , v, s) }", "only integer weights");
  }
  TEST_CASE("com.microsoft operators with broken inputs") {
    const std::string group =
        "g (float[1,1,24] q, int32[1] n, int32[1] t) => (float[1,1,8] y, float[1,1,1,8] a, float[1,1,1,8] b) { y, a, b = "
        "com.microsoft.GroupQueryAttention <num_heads = 1, kv_num_heads = ";
    refuses(group + "4611686018427387904> (q, , , , , n, t) }", "heads");
    refuses("g (int8[2,3] a, int8 b, float s, int8[3] z) => (float[2] y) { y = com.microsoft.MatMulIntegerToFloat (a, b, s, s, , z) }",
            "zero point 3");
    refuses("g (float[2,1] x, int64[4] p, float[2] v) => (float[2,1] y) { y = com.microsoft.Pad (x, p, v) }", "one value is needed");
    refuses("g (float a, float[2] b) => (float[N] y) { y = com.microsoft.Range (a, b) }", "one value is needed");
    refuses("g (uint8[1,1,2,2] x, float s, uint8 z, uint8[1,1,1,1] w, float[0] e) => (uint8[1,1,2,2] y) { y = QLinearConv (x, s, z, w, e, z, s, z) }",
            "without elements");
    refuses(
        "g (float[1,2] x, uint8[2] w, float[1] s) => (float[1,2] y) { y = com.microsoft.MatMulBnb4 <K = 2, N = 2, block_size = "
        "9223372036854775807, quant_type = 0> (x, w, s) }",
        "blocks of 9223372036854775807");
    refuses("g (float s, int8 z, int8[2] x) => (int8[N] y) { y = com.microsoft.QLinearConcat <axis = 0> (s, z, x, s) }", "each part needs");
  }
}
