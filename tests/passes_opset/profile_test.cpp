#include "passes/opset/profile.h"

#include <doctest/doctest.h>

#include "ir/core/error.h"
#include "ir/ops/op_table.h"
#include "ir/text/text.h"
#include "passes/opset/profile_types.h"
#include "passes/opset/widen_types.h"

using namespace onnxopt;

TEST_SUITE("profile_test") {
  TEST_CASE("a release loads what the row before it loads") {
    CHECK(find_profile("onnxruntime-cpu@1.17").opset == 20);
    CHECK(find_profile("onnxruntime-cpu@1.17.3").opset == 20);
    CHECK(find_profile("onnxruntime-cuda@1.20").ir_version == 10);
    CHECK(find_profile("onnxruntime@1.9").opset == 15);
    CHECK(find_profile("tensorrt@10").opset == 20);
    CHECK(find_profile("tensorrt@10.9").opset == 20);
    CHECK(find_profile("tensorrt@10.15").opset == 24);
    CHECK(find_profile("openvino@2024").opset == 20);
    CHECK(find_profile("openvino@2025.4").opset == 20);
    CHECK(find_profile("onnxruntime-cpu").version == "1.31");
    CHECK_THROWS_AS(find_profile("onnxruntime-cpu@0.1"), Error);
    CHECK_THROWS_AS(find_profile("onnxruntime-cpu@new"), Error);
    CHECK_THROWS_AS(find_profile("nobody@1"), Error);
  }

  TEST_CASE("opsets come down to the release, never up") {
    std::vector<OpsetImport> imports{{"", 21}, {"ai.onnx.ml", 2}, {"com.microsoft", 1}};
    fit_to_profile(imports, find_profile("onnxruntime-cpu@1.17"));
    CHECK(imports[0].version == 20);
    CHECK(imports[1].version == 2);
    CHECK(imports[2].version == 1);
    fit_to_profile(imports, find_profile("onnxruntime-cpu"));
    CHECK(imports[0].version == 20);
  }

  TEST_CASE("rows are sorted, and possible") {
    const RuntimeProfile* before = nullptr;
    for (const RuntimeProfile& p : runtime_profiles()) {
      CHECK(p.opset >= 7);
      CHECK(p.opset <= kNewestOpset);
      CHECK(!p.source.empty());
      if (before && before->runtime == p.runtime) {
        CHECK(before->opset <= p.opset);
        CHECK(before->ir_version <= p.ir_version);
      }
      before = &p;
    }
  }

  TEST_CASE("element types of releases") {
    CHECK(types_text(types_of("onnxruntime-cpu@1.9")) == "-");
    CHECK(types_text(types_of("onnxruntime-cpu@1.17")) == "bfloat16 (stored), float8");
    CHECK(types_text(types_of("onnxruntime-cuda@1.17")) == "bfloat16, float8");
    CHECK(types_text(types_of("openvino@2024")) == "bfloat16");
    CHECK(types_text(types_of("tensorrt@8.6")) == "float, int8, int32, int64, bool, float16, double");
    CHECK(!has_type(types_of("onnxruntime-cpu@1.18").all, DType::int4));
    CHECK(has_type(types_of("onnxruntime-cpu@1.20").all, DType::int4));
    CHECK(!has_type(types_of("onnxruntime-cpu").all, DType::float4e2m1));
  }

  std::unique_ptr<Model> lifted(const std::string& text) {
    auto m = parse_model("<ir_version: 10, opset_import: [\"\" : 21]>\n" + text);
    m->file_opsets = m->opsets;
    lift(*m);
    return m;
  }

  // What a release refuses of a model, widened or not.
  std::vector<std::string> refused(const std::string& text, const std::string& target, bool widened) {
    auto m = lifted(text);
    const OutputOpsets to{{{"", 21}}};
    const TypeSet avoid = types_to_avoid(*m, types_of(target));
    if (widened) widen_types(*m, to, avoid);
    Conversion c = prepare_conversion(*m, to);
    refuse_types(*m, avoid, target, c);
    CHECK(c.blocked == c.steps.size() - c.adapted - c.lowered);
    std::vector<std::string> r;
    for (const ConversionStep& s : c.steps)
      if (s.kind == ConversionStep::Kind::blocked) r.push_back(s.from + " " + refusal_line(s));
    return r;
  }

  TEST_CASE("types that a release does not load block, or are widened") {
    const std::string int4 = "g (float s) => (float[2] y) <int4[2] w = {1, -2}>\n{\ny = DequantizeLinear (w, s)\n}\n";
    CHECK(refused(int4, "onnxruntime-cpu@1.20", false).empty());
    CHECK(refused(int4, "onnxruntime-cpu@1.18", false) ==
          std::vector<std::string>{"DequantizeLinear-28 type: onnxruntime-cpu@1.18 does not load int4"});
    CHECK(refused(int4, "onnxruntime-cpu@1.18", true).empty());
    CHECK(refused(int4, "onnxruntime-cpu@1.9", false).empty());  // not known
    const std::string rounds = "g (float[2] x) => (float[2] y)\n{\nq = Cast <to = 17> (x)\ny = Cast <to = 1> (q)\n}\n";
    CHECK(refused(rounds, "onnxruntime-cpu@1.16", false).empty());
    CHECK(refused(rounds, "onnxruntime-cpu@1.15", true).size() == 2);  // without the rounding it would be something else
    const std::string stored = "g (float[2] x) => (float[2] y) <bfloat16[2] w = {1, 2}>\n{\nc = Cast <to = 1> (w)\ny = Add (x, c)\n}\n";
    CHECK(refused(stored, "onnxruntime-cpu@1.17", false).empty());
    const std::string computes = "g (bfloat16[2] x) => (bfloat16[2] y)\n{\ny = Add (x, x)\n}\n";
    CHECK(refused(computes, "onnxruntime-cpu@1.17", false) == std::vector<std::string>{"Add-14 type: onnxruntime-cpu@1.17 does not load bfloat16"});
    CHECK(refused(computes, "onnxruntime-cuda@1.17", false).empty());
    CHECK(refused(computes, "onnxruntime-cpu@1.17", true).empty());
    const std::string bytes = "g (uint16[2] x) => (float[2] y)\n{\ny = Cast <to = 1> (x)\n}\n";
    CHECK(refused(bytes, "tensorrt@10", true).size() == 1);
    CHECK(refused(bytes, "openvino@2024", false).empty());
  }
}
