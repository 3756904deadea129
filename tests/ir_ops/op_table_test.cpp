#include "ir/ops/op_table.h"

#include <doctest/doctest.h>

#include <bit>
#include <string>

#include "ir/ops/infer.h"

using namespace onnxopt;

TEST_SUITE("op_table_test") {
  TEST_CASE("every row is found by its own version and the versions until the next") {
    const OpSchema* before = nullptr;
    int onnx_rows = 0;
    for (const OpSchema& row : all_op_versions()) {
      CAPTURE(row.name);
      CHECK(find_op(row.domain, row.name, row.since) == &row);
      if (before && before->name == row.name && before->domain == row.domain) {
        CHECK(before->since < row.since);
        CHECK(find_op(row.domain, row.name, row.since - 1) == before);
      }
      onnx_rows += row.domain != "com.microsoft" ? 1 : 0;
      before = &row;
    }
    CHECK(onnx_rows >= 659);
  }

  TEST_CASE("look-up") {
    CHECK(find_op("ai.onnx", "Clip", 12) == find_op("", "Clip", 12));
    CHECK(find_op("", "Gelu", 19) == nullptr);
    CHECK(find_op("", "NoSuchOperator", 28) == nullptr);
    CHECK(find_op("no.such.domain", "Add", 28) == nullptr);
    CHECK(op("Conv").since == 22);
    CHECK(newest_opset("ai.onnx.ml") == 5);
    CHECK(newest_opset("custom") == 0);
    CHECK(ir_version_for_opset(9) == 4);
    CHECK(ir_version_for_opset(21) == 10);
    CHECK(ir_version_for_opset(28) == 14);
  }

  TEST_CASE("facts of rows") {
    const OpSchema& clip6 = *find_op("", "Clip", 6);
    REQUIRE(clip6.find_attr("max"));
    CHECK(clip6.find_attr("max")->f == doctest::Approx(3.4028235e38));
    CHECK(op("Add").has(kCommutative));
    CHECK_FALSE(find_op("", "Add", 6)->has(kElementwise));  // broadcasts by an attribute
    CHECK(find_op("", "Upsample", 10)->has(kDeprecated));
    CHECK(op("If").has(kControlFlow));
    CHECK_FALSE(op("If").has(kNondeterministic));
    CHECK(op("RandomNormal").has(kNondeterministic));
    CHECK(op("Gelu").has(kHasFunctionBody));
    CHECK(op("Conv").min_inputs == 2);
    CHECK(op("Conv").max_inputs == 3);
  }

  TEST_CASE("every ONNX operator has an inference function") {
    for (const OpSchema& row : all_op_versions()) {
      const bool outside = row.domain == "com.microsoft" || row.name == "DynamicSlice" || row.name == "GivenTensorFill";
      CAPTURE(std::string(row.name));
      const bool has_function = infer_function(row) != nullptr;
      CHECK((outside || has_function));
    }
  }
}
