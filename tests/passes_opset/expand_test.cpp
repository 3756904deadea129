// What becomes of one node below its operator's first version: lowered, or refused with which reason. That the lowered form computes the same is
// shown by the node tests (convert/node_tests).
#include <doctest/doctest.h>

#include <string>

#include "ir/core/check.h"
#include "ir/text/text.h"
#include "passes/opset/convert.h"

using namespace onnxopt;

TEST_SUITE("expand_test") {
  // "lowered", "adapted", "as it is", or the reason.
  std::string outcome(int from, int to, const std::string& io, const std::string& body) {
    auto m = parse_model("<ir_version: 10, opset_import: [\"\" : " + std::to_string(from) + "]>\ng " + io + "\n{\n" + body + "\n}\n");
    m->file_opsets = m->opsets;
    lift(*m);
    const OutputOpsets target{{{"", to}}};
    const Conversion c = prepare_conversion(*m, target);
    if (c.blocked > 0) {
      for (const ConversionStep& s : c.steps)
        if (s.kind == ConversionStep::Kind::blocked) return refusal_line(s);
    }
    lower(*m, target);
    const auto problems = check(*m);
    if (!problems.empty()) return "invalid: " + problems[0].what;
    return c.lowered > 0 ? "lowered" : c.adapted > 0 ? "adapted" : "as it is";
  }

  TEST_CASE("experimental operators of opset 1") {
    CHECK(outcome(9, 13, "(float[3] x) => (float[3] y)", "y = Scale <scale = 2.0> (x)") == "lowered");
    CHECK(outcome(9, 13, "(float[3] x) => (float[3] y)", "y = ScaledTanh <alpha = 2.0, beta = 0.5> (x)") == "lowered");
    CHECK(outcome(9, 13, "(float[3] x) => (float[3] y)", "y = ScaledTanh (x)") == "no decomposition: alpha and beta have no defaults");
    CHECK(outcome(9, 13, "(float[3] x) => (float[3] y)", "y = ParametricSoftplus <alpha = 2.0, beta = 0.5> (x)") == "lowered");
    CHECK(outcome(9, 13, "(float[3] x) => (float[3] y)", "y = ParametricSoftplus <beta = 0.5> (x)") ==
          "no decomposition: alpha and beta have no defaults");
    CHECK(outcome(9, 13, "(float[5] x, int64[1] a, int64[1] b) => (float[N] y)", "y = DynamicSlice (x, a, b)") == "lowered");
    CHECK(outcome(9, 13, "(int64[1] x) => (float[N] y)", "y = GivenTensorFill <values = [1.0, 2.0], input_as_shape = 1> (x)") == "lowered");
    CHECK(outcome(9, 13, "() => (float[2] y)", "y = GivenTensorFill <values = [1.0, 2.0], shape = [2]> ()") == "lowered");
    CHECK(outcome(9, 13, "() => (float[2] y)", "y = GivenTensorFill <shape = [2]> ()") == "no decomposition: no values");
    CHECK(outcome(8, 13, "(float[1,2,3,3] x) => (float[1,2,3,3] y)", "y = MeanVarianceNormalization <across_channels = 1> (x)") == "adapted");
    CHECK(outcome(8, 13, "(float[1,2,3,3] x) => (float[1,2,3,3] y)", "y = MeanVarianceNormalization <normalize_variance = 0> (x)") ==
          "kept: no variance is divided by");
  }

  TEST_CASE("Resize by computed sizes: between elements, coordinates have the digits of double; picked elements are those of float") {
    for (const bool picks : {true, false}) {
      const std::string mode = picks ? "nearest" : "linear";
      auto m =
          parse_model("<ir_version: 10, opset_import: [\"\" : 13]>\ng (float[1,1,H,W] x, int64[4] s) => (float[1,1,A,B] y)\n{ y = Resize <mode = \"" +
                      mode + "\"> (x, \"\", \"\", s) }\n");
      m->file_opsets = m->opsets;
      lift(*m);
      const OutputOpsets target{{{"", 9}}};
      REQUIRE(prepare_conversion(*m, target).blocked == 0);
      lower(*m, target);
      std::size_t doubles = 0;
      for (const Node& n : m->graph().nodes())
        for (const Value* v : n.outputs()) doubles += v && v->type.is_tensor() && v->type.dtype == DType::float64 ? 1 : 0;
      CHECK((doubles == 0) == picks);
    }
  }

  TEST_CASE("shapes that may hold several zeros") {
    const std::string body = "y = Reshape <allowzero = 1> (x, s)";
    for (const int target : {7, 9, 12, 13}) CHECK(outcome(24, target, "(float[0,3,4] x, int64[3] s) => (float[A,B,C] y)", body) == "lowered");
    CHECK(outcome(24, 12, "(float[0,3] x) => (float[0,0,3] y) <int64[3] s = {0, 0, 3}>", body) == "lowered");
  }

  TEST_CASE("bits") {
    for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
      const std::string body = std::string("y = ") + op + " (a, b)";
      CHECK(outcome(18, 7, "(uint8[3] a, uint8[2,3] b) => (uint8[2,3] y)", body) == "lowered");
      CHECK(outcome(18, 7, "(int64[3] a, int64 b) => (int64[3] y)", body) == "lowered");
      CHECK(outcome(18, 7, "(int32[] a, int32[] b) => (int32[] y)", body) == "no decomposition: the rank of the input is not known");
    }
    CHECK(outcome(18, 7, "(uint64[3] a) => (uint64[3] y)", "y = BitwiseNot (a)") == "lowered");
    CHECK(outcome(28, 7, "(int8[3] a, int8[3] b) => (int8[3] y)", "y = BitShift <direction = \"RIGHT\"> (a, b)") == "lowered");
    CHECK(outcome(11, 7, "(uint8[3] a, uint8[3] b) => (uint8[3] y)", "y = BitShift <direction = \"LEFT\"> (a, b)") == "lowered");
    CHECK(outcome(26, 7, "(int8[3] a) => (uint8[3] y)", "y = BitCast <to = 2> (a)") == "lowered");
    CHECK(outcome(26, 7, "(float[3] a) => (int32[3] y)", "y = BitCast <to = 6> (a)") ==
          "no decomposition: the bits of floating point, those of a NaN among them");
    CHECK(outcome(26, 7, "(int32[3] a) => (float[3] y)", "y = BitCast <to = 1> (a)") == "lowered");
  }

  TEST_CASE("arithmetic") {
    for (const char* op : {"Sinh", "Asinh", "Acosh", "Atanh", "Cosh"}) {
      CHECK(outcome(22, 7, "(float[3] x) => (float[3] y)", std::string("y = ") + op + " (x)") == "lowered");
      CHECK(outcome(22, 7, "(double[3] x) => (double[3] y)", std::string("y = ") + op + " (x)") == "type: this operator of this type");
    }
    CHECK(outcome(11, 9, "(float[2,3,3] x) => (float[2] y)", "y = Det (x)") == "lowered");
    CHECK(outcome(11, 9, "(float[5,5] x) => (float y)", "y = Det (x)") == "no decomposition: matrices of more than 4 rows");
    CHECK(outcome(11, 9, "(float[N,N] x) => (float y)", "y = Det (x)") == "no decomposition: the shape of the input is not known");
    CHECK(outcome(11, 9, "(float16[2,2] x) => (float16 y)", "y = Det (x)") == "type: Det of this type");
    CHECK(outcome(11, 9, "(uint8[2,3] a, float s, uint8 z, uint8[3,4] b) => (uint8[2,4] y)", "y = QLinearMatMul (a, s, z, b, s, z, s, z)") ==
          "lowered");
    CHECK(outcome(11, 9, "(uint8[2,3] a, float[2] s, uint8 z, uint8[3,4] b, float t) => (uint8[2,4] y)",
                  "y = QLinearMatMul (a, s, z, b, t, z, t, z)") == "no decomposition: a scale a row");
    CHECK(outcome(11, 9, "(uint8[1,2,4,4] x, float s, uint8 z, uint8[3,2,3,3] w, float[3] t) => (uint8[1,3,2,2] y)",
                  "y = QLinearConv (x, s, z, w, t, z, s, z)") == "lowered");
  }

  TEST_CASE("a model that imports ai.onnx.ml alone") {
    const auto refusal = [](const std::string& kind) {
      auto m = parse_model("<ir_version: 8, opset_import: [\"ai.onnx.ml\" : 4]>\ng (string[2] x) => (" + kind +
                           "[2] y) { y = ai.onnx.ml.LabelEncoder <keys_strings = [\"a\"], values_tensor = " + kind +
                           "[1] {1}, default_tensor = " + kind + "[1] {0}> (x) }");
      m->file_opsets = m->opsets;
      lift(*m);
      const OutputOpsets target{{{"ai.onnx.ml", 2}}};
      const Conversion c = prepare_conversion(*m, target);
      for (const ConversionStep& s : c.steps)
        if (s.kind == ConversionStep::Kind::blocked) return refusal_line(s);
      lower(*m, target);
      return std::string("converted");
    };
    CHECK(refusal("int64") == "converted");
    CHECK(refusal("int16").starts_with("no decomposition: the lookup needs ai.onnx, of which the model names no version"));
  }

  TEST_CASE("indices") {
    CHECK(outcome(10, 8, "(float[4,2] x, int64[2] n) => (float[4,2] y)", "y = ReverseSequence (x, n)") == "lowered");
    CHECK(outcome(10, 8, "(float[] x, int64[2] n) => (float[] y)", "y = ReverseSequence (x, n)") ==
          "no decomposition: the rank of the input is not known");
    CHECK(outcome(9, 7, "(float[N,3] x) => (float[N,3] y)", "y = EyeLike <k = 1> (x)") == "lowered");
    CHECK(outcome(13, 7, "(float[2,3,4] x, int64[2,1] i) => (float[2,4] y)", "y = GatherND <batch_dims = 1> (x, i)") == "lowered");
  }

  TEST_CASE("transforms") {
    const std::string dft = "y = DFT <onesided = 1> (x, , axis)";
    CHECK(outcome(20, 9, "(float[1,8,1] x) => (float[1,5,2] y) <int64 axis = {1}>", dft) == "lowered");
    CHECK(outcome(20, 9, "(float[1,N,1] x) => (float[1,M,2] y) <int64 axis = {1}>", dft) == "lowered");
    CHECK(outcome(20, 9, "(float[1,8,1] x, int64 axis) => (float[1,5,2] y)", dft) == "lowered");
    CHECK(outcome(20, 9, "(float[1,8,2] x) => (float[1,5,2] y) <int64 axis = {1}>", dft) == "no decomposition: this form of DFT");
    CHECK(outcome(20, 9, "(float[1,8,K] x) => (float[1,5,2] y) <int64 axis = {1}>", dft) == "no decomposition: the shape of the input is not known");
    CHECK(outcome(20, 9, "(float[1,N,2] x) => (float[1,M,1] y)", "y = DFT <onesided = 1, inverse = 1> (x)") == "lowered");
    CHECK(outcome(17, 9, "(float[1,16,1] x, float[8] w) => (float[1,F,5,2] y) <int64 step = {4}>", "y = STFT (x, step, w)") == "lowered");
    CHECK(outcome(17, 9, "(float[1,N,1] x, int64 step, float[8] w) => (float[1,F,5,2] y)", "y = STFT (x, step, w)") == "lowered");
    CHECK(outcome(17, 9, "(float[1,4,1] x, float[8] w) => (float[1,F,5,2] y) <int64 step = {4}>", "y = STFT (x, step, w)") ==
          "no decomposition: frames longer than the signal");
    const std::string mel = "y = MelWeightMatrix (a, b, c, d, e)";
    CHECK(outcome(17, 9, "() => (float[9,8] y) <int64 a = {8}, int64 b = {16}, int64 c = {8192}, float d = {0}, float e = {4096}>", mel) ==
          "lowered");
    CHECK(outcome(17, 9, "(int64 a) => (float[9,8] y) <int64 b = {16}, int64 c = {8192}, float d = {0}, float e = {4096}>", mel) == "lowered");
  }

  TEST_CASE("samples") {
    for (const char* mode : {"linear", "nearest", "cubic"})
      for (const char* padding : {"zeros", "border", "reflection"}) {
        const std::string body = std::string("y = GridSample <mode = \"") + mode + "\", padding_mode = \"" + padding + "\"> (x, g)";
        CHECK(outcome(20, 7, "(float[1,2,4,4] x, float[1,3,3,2] g) => (float[1,2,3,3] y)", body) == "lowered");
        CHECK(outcome(20, 9, "(float[N,2,H,W] x, float[N,A,B,2] g) => (float[N,2,A,B] y)", body) == "lowered");
      }
    CHECK(outcome(20, 9, "(float[1,2,4,4,4] x, float[1,3,3,3,3] g) => (float[1,2,3,3,3] y)", "y = GridSample <mode = \"cubic\"> (x, g)") ==
          "no decomposition: cubic of this rank");
    CHECK(outcome(20, 9, "(float[] x, float[1,3,3,2] g) => (float[] y)", "y = GridSample (x, g)") ==
          "no decomposition: the rank of the input is not known");
    const std::string dc = "y = DeformConv <kernel_shape = [2, 2]> (x, w, o)";
    CHECK(outcome(19, 7, "(float[1,2,4,4] x, float[3,2,2,2] w, float[1,8,3,3] o) => (float[1,3,3,3] y)", dc) == "lowered");
    CHECK(outcome(19, 9, "(float[N,2,H,W] x, float[3,2,2,2] w, float[N,8,A,B] o) => (float[N,3,A,B] y)", dc) == "lowered");
    CHECK(outcome(19, 9, "(float[1,2,4,4] x, float[M,2,2,2] w, float[1,8,3,3] o) => (float[1,3,3,3] y)", dc) ==
          "no decomposition: the shape of the weight is not known");
    CHECK(outcome(19, 9, "(float[1,2,4] x, float[3,2,2] w, float[1,2,3,3] o) => (float[1,3,3] y)", "y = DeformConv (x, w, o)") ==
          "no decomposition: DeformConv of other than 2 dimensions");
    const std::string roi = "(float[1,2,8,8] x, float[R,4] r, int64[R] b) => (float[R,2,2,2] y)";
    CHECK(outcome(16, 10, roi, "y = RoiAlign <output_height = 2, output_width = 2, sampling_ratio = 2> (x, r, b)") == "lowered");
    CHECK(outcome(16, 9, roi, "y = RoiAlign <output_height = 2, output_width = 2> (x, r, b)") == "lowered");
    const std::string image = "<int64[2] s = {4, 4}, int64[2] k = {2, 2}>";
    CHECK(outcome(18, 7, "(float[1,8,9] x) => (float[1,2,4,4] y) " + image, "y = Col2Im (x, s, k)") == "lowered");
    CHECK(outcome(18, 9, "(float[1,8,9] x, int64[2] s, int64[2] k) => (float[1,2,4,4] y)", "y = Col2Im (x, s, k)") == "lowered");
  }

  TEST_CASE("loops") {
    const std::string body = "body = b (float[2] s, float[2] x) => (float[2] t, float[2] z) { t = Add (s, x)  z = Identity (t) }";
    const std::string newer =
        "y, ys = Scan <num_scan_inputs = 1, scan_input_axes = [-1], scan_output_axes = [1], scan_input_directions = [1], "
        "scan_output_directions = [1], " +
        body + "> (s, xs)";
    CHECK(outcome(9, 8, "(float[2] s, float[2,N] xs) => (float[2] y, float[2,N] ys)", newer) == "lowered");
    CHECK(outcome(9, 7, "(float[2] s, float[2,4] xs) => (float[2] y, float[2,4] ys)", newer) == "lowered");
    CHECK(outcome(9, 7, "(float[2] s, float[] xs) => (float[2] y, float[2,4] ys)", newer) == "no decomposition: the rank of the input is not known");
    const std::string older = "y, ys = Scan <num_scan_inputs = 1, " + body + "> (, s, xs)";
    for (const int target : {7, 9, 28})
      CHECK(outcome(8, target, "(float[3,2] s, float[3,4,2] xs) => (float[3,2] y, float[3,4,2] ys)", older) == "lowered");
    CHECK(outcome(8, 9, "(int64[3] n, float[3,2] s, float[3,4,2] xs) => (float[3,2] y, float[3,4,2] ys)",
                  "y, ys = Scan <num_scan_inputs = 1, " + body + "> (n, s, xs)") == "lowered");
    const std::string map = "(seq(float[2]) x) => (seq(float[2]) y)";
    const std::string each = "y = SequenceMap <body = b (float[2] a) => (float[2] c) { c = Neg (a) }> (x)";
    CHECK(outcome(17, 13, map, each) == "lowered");
    CHECK(outcome(17, 12, map, each) == "lowered");
    const std::string attention = "y, s = LinearAttention <q_num_heads = 2, kv_num_heads = 1, update_rule = \"linear\"> (q, k, v)";
    CHECK(outcome(27, 7, "(float[1,4,8] q, float[1,4,4] k, float[1,4,4] v) => (float[1,4,8] y, float[1,1,4,4] s)", attention) == "lowered");
    CHECK(outcome(27, 26, "(float[B,T,8] q, float[B,T,4] k, float[B,T,4] v) => (float[B,T,8] y, float[B,1,4,4] s)", attention) == "lowered");
    CHECK(outcome(27, 26, "(float[1,4,H] q, float[1,4,4] k, float[1,4,4] v) => (float[1,4,H] y, float[1,1,4,4] s)", attention) ==
          "no decomposition: the shape of the input is not known");
  }

  TEST_CASE("computed axes and unknown sizes") {
    const std::string io = "(float[2,N,4] x, int64[1] a) => (float[] y)";
    for (const char* op :
         {"ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"}) {
      for (const int target : {7, 9, 13, 17}) CHECK(outcome(18, target, io, std::string("y = ") + op + " (x, a)") == "lowered");
      CHECK(outcome(18, 9, io, std::string("y = ") + op + " <keepdims = 0> (x, a)") == "lowered");
      CHECK(outcome(18, 8, io, std::string("y = ") + op + " <keepdims = 0> (x, a)") == "lowered");
    }
    CHECK(outcome(13, 9, "(float[] x, int64[1] a) => (float[] y)", "y = ReduceSum (x, a)") == "no decomposition: the rank of the input is not known");
    CHECK(outcome(13, 9, "(float[2,3] x, int64[K] a) => (float[] y)", "y = ReduceSum (x, a)") == "lowered");
    CHECK(outcome(18, 9, "(int32[2,3] x, int64[1] a) => (int32[] y)", "y = ReduceL2 (x, a)") == "type: this reduction of integers");
    CHECK(outcome(13, 9, "(float[2,3] x, int64[0] a) => (float[] y)", "y = ReduceSum (x, a)") == "lowered");
    CHECK(outcome(14, 9, "(float[N,3] x) => (float[N,3] y) <int64 axis = {0}>", "y = CumSum <exclusive = 1, reverse = 1> (x, axis)") == "lowered");
    CHECK(outcome(26, 9, "(float[N] x) => (float[N] y) <int64 axis = {0}>", "y = CumProd (x, axis)") == "lowered");
    CHECK(outcome(14, 9, "(float[4,3] x, int64 axis) => (float[4,3] y)", "y = CumSum (x, axis)") == "lowered");
    CHECK(outcome(14, 9, "(float[] x, int64 axis) => (float[] y)", "y = CumSum (x, axis)") == "no decomposition: the rank of the input is not known");
    CHECK(outcome(9, 7, "(bool[N] c, float[M,N] x, float[] z) => (float[] y)", "y = Where (c, x, z)") == "lowered");
    CHECK(outcome(12, 7, "(float[N] x, float[M,1] z) => (float[M,N] y)", "y = Max (x, z)") == "lowered");
    CHECK(outcome(18, 9, "(float[N,M] x, int64[2] s) => (float[] y)", "y = CenterCropPad (x, s)") == "lowered");
    CHECK(outcome(18, 9, "(float[N,M] x, int64[K] s) => (float[] y)", "y = CenterCropPad (x, s)") == "non-constant operand: shape of unknown length");
    CHECK(outcome(20, 9, "(float[] t, int64[4] s) => (float[] y)", "y = AffineGrid (t, s)") == "lowered");
    CHECK(outcome(20, 9, "(float[] t, int64[K] s) => (float[] y)", "y = AffineGrid (t, s)") ==
          "no decomposition: the shape of the input is not known");
    CHECK(outcome(13, 11, "(float[] x, int64[] t) => (float y)", "y = NegativeLogLikelihoodLoss (x, t)") == "lowered");
    for (const int target : {7, 9, 11}) {
      CHECK(outcome(13, target, "(float[N,C] x, int64[N] t) => (float y)", "y = SoftmaxCrossEntropyLoss (x, t)") == "lowered");
      CHECK(outcome(13, target, "(float[] x, int64[] t) => (float y)", "y = SoftmaxCrossEntropyLoss (x, t)") == "lowered");
    }
  }

  TEST_CASE("sizes that are computed when the model runs") {
    const std::string io = "(float[1,2,H,W] x, int64[4] s) => (float[] y)";
    for (const char* mode : {"linear", "nearest", "cubic"})
      for (const char* way : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"}) {
        const std::string body = std::string("y = Resize <mode = \"") + mode + "\", coordinate_transformation_mode = \"" + way + "\"> (x, , , s)";
        for (const int target : {7, 9, 10}) CHECK(outcome(13, target, io, body) == "lowered");
        CHECK(outcome(13, 11, io, body) == "adapted");
      }
    const std::string scales = "(float[1,2,H,W] x, float[4] s) => (float[] y)";
    CHECK(outcome(13, 10, scales, "y = Resize <mode = \"linear\"> (x, , s)") == "lowered");
    CHECK(outcome(13, 10, scales, "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\"> (x, , s)") ==
          "non-constant operand: scales");
    CHECK(outcome(13, 10, "(float[1,1,4,4] x) => (float[] y) <float[4] s = {1, 1, 0.6, 0.6}>",
                  "y = Resize <mode = \"linear\", coordinate_transformation_mode = \"align_corners\"> (x, , s)")
              .starts_with("no decomposition: align_corners to a part of an element"));
    CHECK(outcome(18, 10, io, "y = Resize <mode = \"linear\", antialias = 1> (x, , , s)") == "lowered");
    CHECK(outcome(18, 10, "(float[1,2,H,W] x, int64[2] s) => (float[] y)",
                  "y = Resize <axes = [2, 3], keep_aspect_ratio_policy = \"not_larger\"> (x, , , s)") == "lowered");
    CHECK(outcome(19, 10, io, "y = Resize <coordinate_transformation_mode = \"half_pixel_symmetric\"> (x, , , s)") == "lowered");
    CHECK(outcome(13, 10, "(float[] x, int64[4] s) => (float[] y)", "y = Resize (x, , , s)") ==
          "no decomposition: the rank of the input is not known");
  }

  TEST_CASE("scattering to computed places") {
    const std::string io = "(float[4,3] x, int64[2,3] i, float[2,3] u) => (float[4,3] y)";
    CHECK(outcome(18, 8, io, "y = ScatterElements (x, i, u)") == "lowered");
    for (const char* reduction : {"add", "mul", "max", "min"}) {
      const std::string body = std::string("y = ScatterElements <reduction = \"") + reduction + "\"> (x, i, u)";
      for (const int target : {9, 11, 15}) CHECK(outcome(18, target, io, body) == "lowered");
      CHECK(outcome(18, 8, io, body) == "lowered");
    }
    CHECK(outcome(18, 8, "(float[N,3] x, int64[K,3] i, float[K,3] u) => (float[N,3] y)", "y = ScatterElements (x, i, u)") == "lowered");
    CHECK(outcome(18, 8, "(float[65536] x, int64[8192] i, float[8192] u) => (float[65536] y)", "y = ScatterElements (x, i, u)") ==
          "no decomposition: too many computed indices");
    CHECK(outcome(18, 13, "(float[N,3] x, int64[K,1] i, float[K,3] u) => (float[N,3] y)", "y = ScatterND <reduction = \"add\"> (x, i, u)") ==
          "lowered");
    CHECK(outcome(18, 13, "(float[4,3] x, float[2,3] u) => (float[4,3] y) <int64[2,1] i = {1, 1}>",
                  "y = ScatterND <reduction = \"add\"> (x, i, u)") == "lowered");
    CHECK(outcome(11, 8, "(float[1,1,2,2] x, int64[1,1,2,2] i) => (float[1,1,4,4] y)",
                  "y = MaxUnpool <kernel_shape = [2, 2], strides = [2, 2]> (x, i)") == "lowered");
    CHECK(outcome(11, 8, "(float[1,1,2,2] x, int64[1,1,2,2] i, int64[4] s) => (float[1,1,5,5] y)",
                  "y = MaxUnpool <kernel_shape = [2, 2], strides = [2, 2]> (x, i, s)") == "lowered");
    CHECK(outcome(9, 8, "(float[4,3] x, bool[4] c) => (float[N,3] y)", "y = Compress <axis = 0> (x, c)") == "lowered");
    CHECK(outcome(11, 8, "(int64[3] i, int64 depth, float[2] v) => (float[3,D] y)", "y = OneHot (i, depth, v)") == "lowered");
    CHECK(outcome(11, 8, "(int64[] i, int64 depth, float[2] v) => (float[] y)", "y = OneHot (i, depth, v)") ==
          "no decomposition: the rank of the input is not known");
    CHECK(outcome(10, 9, "(int8[3] a, int8[3] b) => (int8[3] y)", "y = Mod (a, b)") == "lowered");
    CHECK(outcome(28, 13, "(float[3] a, float[3] b) => (float[3] y)", "y = Mod (a, b)") == "lowered");
    CHECK(outcome(28, 13, "(float[3] a, float[3] b) => (float[3] y)", "y = Mod <fmod = 1> (a, b)") == "as it is");
    CHECK(outcome(10, 9, "(float[3] a, float[3] b) => (float[3] y)", "y = Mod <fmod = 1> (a, b)") == "lowered");
    CHECK(outcome(10, 7, "(float16[N] a, float16 b) => (float16[N] y)", "y = Mod <fmod = 1> (a, b)") == "lowered");
    CHECK(outcome(10, 9, "(double[3] a, double[3] b) => (double[3] y)", "y = Mod <fmod = 1> (a, b)") == "lowered");
  }

  TEST_CASE("branches that give different shapes") {
    const std::string io = "(bool c, float[2,3] x) => (float[] y)";
    const auto both = [](const std::string& yes, const std::string& no) {
      return "y = If (c) <then_branch = yes () => (" + yes + " }, else_branch = no () => (" + no + " }>";
    };
    const std::string wide = "float[2,6] a) { a = Concat <axis = 1> (x, x)", same = "float[2,3] b) { b = Neg (x)";
    const std::string deep = "float[1,2,3] b) <int64[1] k = {0}> { b = Unsqueeze (x, k)";
    for (const int target : {7, 10}) {
      CHECK(outcome(13, target, io, both(wide, same)) == "lowered");
      CHECK(outcome(13, target, io, both(wide, deep)) == "lowered");
      CHECK(outcome(13, target, io, both(same, "float[2,3] a) { a = Abs (x)")) == "as it is");
    }
    CHECK(outcome(13, 11, io, both(wide, same)) == "as it is");
    CHECK(outcome(13, 9, "(bool c, float[] u) => (float[] y)",
                  both("float[] a) <int64[1] k = {-2}> { a = Unsqueeze (u, k)", "float[] b) { b = Neg (u)")) == "lowered");
    CHECK(outcome(13, 9, "(float[] u) => (float[] y) <int64[2] k = {-1, 0}>", "y = Unsqueeze (u, k)") ==
          "no decomposition: the rank of the input is not known");
  }

  TEST_CASE("sequences and optionals of known elements") {
    const std::string io = "(float[2] x, float[2] z, int64 k) => (float[] y) <int64 one = {1}>";
    const auto chain = [](const std::string& end) {
      return "a = SequenceEmpty ()  b = SequenceInsert (a, x)  c = SequenceInsert (b, z, one)  " + end;
    };
    const std::string lives = "no decomposition: a sequence that is more than a list of known elements, before opset 11";
    CHECK(outcome(13, 9, io, chain("y = SequenceAt (c, one)")) == "lowered");
    CHECK(outcome(13, 9, io, chain("d = SequenceErase (c)  y = ConcatFromSequence <axis = 0> (d)")) == "lowered");
    CHECK(outcome(13, 9, io, chain("d = SequenceErase (c, k)  y = ConcatFromSequence <axis = 0> (d)")) == "lowered");
    CHECK(outcome(13, 9, io, "a = SequenceConstruct (x, z)  y = SequenceAt (a, k)") == "lowered");
    CHECK(outcome(13, 9, io, "a = SequenceConstruct (x, z)  b = SequenceErase (a, k)  y = SequenceAt (a, one)") == "lowered");
    CHECK(outcome(13, 9, "(float[4] x, int64[2] s) => (int64 n)", "a = SplitToSequence (x, s)  n = SequenceLength (a)") == "lowered");
    CHECK(outcome(13, 9, "(float[4] x, int64[K] s) => (int64 n)", "a = SplitToSequence (x, s)  n = SequenceLength (a)") != "lowered");
    CHECK(outcome(13, 9, "(float[4] x) => (seq(float) s)", "s = SplitToSequence (x)") == lives);
    CHECK(
        outcome(13, 9, "(float[4] x, float[2] z) => (seq(float) t)", "s = SplitToSequence (x)  t = SequenceInsert (s, z)").starts_with("no decomp"));
    CHECK(outcome(18, 14, "(float[4] x) => (bool n)", "o = Optional (x)  n = OptionalHasElement (o)") == "lowered");
    CHECK(outcome(18, 14, "(float[4] x) => (optional(float[4]) o)", "o = Optional (x)") ==
          "no decomposition: an optional that lives on, before opset 15");
  }

  TEST_CASE("boxes") {
    const std::string io = "(float[B,N,4] b, float[B,C,N] s, int64 m, float i) => (int64[K,3] y)";
    for (const int target : {7, 9}) {
      CHECK(outcome(11, target, io, "y = NonMaxSuppression (b, s, m, i, i)") == "lowered");
      CHECK(outcome(11, target, io, "y = NonMaxSuppression <center_point_box = 1> (b, s)") == "lowered");
    }
    CHECK(outcome(11, 9, "(float[] b, float[1,1,4] s, int64 m) => (int64[K,3] y)", "y = NonMaxSuppression (b, s, m)") ==
          "no decomposition: the shapes of boxes and scores are not known");
  }

  TEST_CASE("trees") {
    const auto trees = [](int from, int to, const std::string& io, const std::string& body) {
      auto m = parse_model("<ir_version: 8, opset_import: [\"\" : 15, \"ai.onnx.ml\" : " + std::to_string(from) + "]>\ng " + io + "\n{\n" + body +
                           "\n}\n");
      m->file_opsets = m->opsets;
      lift(*m);
      const Conversion c = prepare_conversion(*m, {{{"", 15}, {"ai.onnx.ml", to}}});
      for (const ConversionStep& s : c.steps)
        if (s.kind == ConversionStep::Kind::blocked) return refusal_line(s);
      return std::string(c.lowered > 0 ? "lowered" : "not lowered");
    };
    const std::string older =
        "y = ai.onnx.ml.TreeEnsembleRegressor <nodes_treeids = [0, 0, 0], nodes_nodeids = [0, 1, 2], nodes_featureids = [0, 0, 0], "
        "nodes_modes = [\"BRANCH_LT\", \"LEAF\", \"LEAF\"], nodes_values = [0.5, 0.0, 0.0], nodes_truenodeids = [1, 0, 0], "
        "nodes_falsenodeids = [2, 0, 0], target_treeids = [0, 0], target_nodeids = [1, 2], target_ids = [0, 0], target_weights = [1.0, 2.0], "
        "n_targets = 1, base_values = [0.5]";
    CHECK(trees(3, 5, "(float[N,1] x) => (float[N,1] y)", older + "> (x)") == "lowered");
    CHECK(trees(3, 5, "(double[N,1] x) => (float[N,1] y)", older + "> (x)") == "lowered");
    CHECK(trees(3, 1, "(float[N,1] x) => (float[N,1] y)", older + "> (x)") == "not lowered");
    CHECK(trees(3, 5, "(float[N,1] x) => (float[N,1] y)", older + ", aggregate_function = \"MAX\"> (x)").ends_with("that are not summed"));
    CHECK(trees(3, 5, "(float[N,1] x) => (float[N,1] y)", older + ", post_transform = \"none\"> (x)").ends_with("this form of an ensemble"));
  }

  TEST_CASE("windows and axes") {
    const std::string io = "(float[N,C,8,8] x) => (float[N,C,A,B] y)";
    for (const char* op : {"AveragePool", "LpPool"}) {
      const std::string body =
          std::string("y = ") + op + " <kernel_shape = [2, 2], dilations = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1, strides = [2, 2]> (x)";
      CHECK(outcome(22, 7, io, body) == "lowered");
      CHECK(outcome(22, 17, io, body) == "lowered");
      CHECK(outcome(22, 17, "(float[N,C,H,W] x) => (float[N,C,A,B] y)", body) == "no decomposition: ceil_mode with an unknown size");
    }
    CHECK(outcome(22, 17, "(float[N,C,H,W] x) => (float[N,C,A,B] y)", "y = AveragePool <kernel_shape = [2, 2], dilations = [2, 2]> (x)") ==
          "lowered");
    CHECK(outcome(10, 9, io, "y = AveragePool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, count_include_pad = 1> (x)") == "lowered");
    CHECK(outcome(22, 17, io, "y = AveragePool <kernel_shape = [2, 2], dilations = [2, 2], auto_pad = \"SAME_UPPER\"> (x)") == "lowered");
    CHECK(outcome(22, 17, "(float[N,C,H,W] x) => (float[N,C,A,B] y)",
                  "y = AveragePool <kernel_shape = [2, 2], dilations = [2, 2], auto_pad = \"SAME_UPPER\"> (x)") ==
          "no decomposition: auto_pad with an unknown size");
    for (const int target : {7, 9}) {
      const std::string dilated = "y = MaxPool <kernel_shape = [2, 3], dilations = [2, 2], pads = [1, 1, 1, 1], strides = [2, 1]> (x)";
      CHECK(outcome(12, target, io, dilated) == "lowered");
      CHECK(outcome(12, target, "(float[N,C,H,W] x) => (float[N,C,A,B] y)", dilated) == "lowered");
      CHECK(outcome(12, target, "(int8[N,C,H,W] x) => (int8[N,C,A,B] y)", dilated) == "lowered");
      CHECK(outcome(12, target, "(float[N,C,8,8] x) => (float[N,C,A,B] y, int64[N,C,A,B] i)",
                    "y, i = MaxPool <kernel_shape = [2, 2], dilations = [2, 2]> (x)") == "lowered");
    }
    CHECK(outcome(22, 17, "(float16[N,C,8,8] x) => (float16[N,C,A,B] y)",
                  "y = AveragePool <kernel_shape = [9, 9], dilations = [2, 2], ceil_mode = 1> (x)") ==
          "no decomposition: a window wider than the input");
    CHECK(outcome(13, 9, "(float[A,1,B] x, int64[1] a) => (float[] y)", "y = Squeeze (x, a)") == "lowered");
    CHECK(outcome(13, 8, "(float[A,1,B] x, int64[1] a) => (float[] y)", "y = Squeeze (x, a)") == "lowered");
    CHECK(outcome(13, 8, "(float[A,B] x, int64[2] a) => (float[] y)", "y = Unsqueeze (x, a)") == "lowered");
    CHECK(outcome(13, 8, "(bfloat16[2,3] x) => (bfloat16[] y)\n<int64[2] s = {0, -1}>", "y = Reshape (x, s)").starts_with("type: "));
    CHECK(outcome(21, 8, "() => (float[] y)\n<int64[2] s = {2, -1}>", "y = ConstantOfShape (s)") == "lowered");  // it fails where it runs, as it did
    CHECK(outcome(13, 8, "(float[A,B] x, int64[K] a) => (float[] y)", "y = Unsqueeze (x, a)") == "lowered");
    CHECK(outcome(13, 8, "(float[] x, int64[K] a) => (float[] y)", "y = Unsqueeze (x, a)") == "lowered");
    CHECK(outcome(13, 8, "(float[] x, int64[1] a) => (float[] y)", "y = Squeeze (x, a)") == "lowered");
    CHECK(outcome(18, 10, "(float[2,2] x, int64[K] a, int64[L] p) => (float[] y)", "y = Pad (x, p, \"\", a)") == "lowered");
  }

  TEST_CASE("sequences of known elements") {
    const std::string io = "(float[4,2] x, float[4,2] z) => (float[4,2] y) <int64 i = {-1}>";
    CHECK(outcome(11, 9, io, "s = SequenceConstruct (x, z)\ny = SequenceAt (s, i)") == "lowered");
    CHECK(outcome(11, 9, "(float[4,2] x) => (float[] y) <int64 i = {1}>",
                  "s = SplitToSequence <axis = 0, keepdims = 0> (x)\ny = SequenceAt (s, i)") == "lowered");
    CHECK(outcome(11, 9, "(float[4,2] x) => (float[] y)", "s = SplitToSequence <axis = 0> (x)\ny = ConcatFromSequence <axis = 1> (s)") == "lowered");
    const std::string lives = "no decomposition: a sequence that is more than a list of known elements, before opset 11";
    const auto starts = [&](const std::string& text) { return text.starts_with("no decomposition: "); };
    CHECK(outcome(11, 9, "(float[4,2] x, int64 i) => (float[4,2] y)", "s = SequenceConstruct (x, x)\ny = SequenceAt (s, i)") == "lowered");
    CHECK(outcome(11, 9, "(float[4,2] x) => (seq(float[4,2]) s)", "s = SequenceConstruct (x, x)") == lives);
    CHECK(starts(outcome(11, 9, "(float[N,2] x) => (int64 n)", "s = SplitToSequence (x)\nn = SequenceLength (s)")));
  }
}
