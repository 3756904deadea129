#include "passes/opset/profile.h"

#include <doctest/doctest.h>

#include "ir/core/error.h"
#include "ir/ops/op_table.h"

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
}
