#include "ir/core/evaluator.h"

#include <doctest/doctest.h>

#include <chrono>

#include "ir/ops/op_table.h"
#include "verify/exec/deadline.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

namespace {

Maybe<std::vector<Tensor>> run(std::string_view name, const std::vector<Tensor>& in, const Attrs& attrs = {}, std::size_t outputs = 1) {
  auto evaluator = reference_evaluator();
  return evaluator->evaluate({&op(name), &attrs, outputs, nullptr}, in);
}
Tensor floats(Dims dims, std::vector<float> v) { return Tensor::of<float>(std::move(dims), v); }

}  // namespace

TEST_SUITE("evaluator_test") {
  TEST_CASE("computes with broadcasting") {
    auto r = run("Add", {floats({2, 1}, {1, 2}), floats({3}, {10, 20, 30})});
    REQUIRE(r);
    CHECK((*r)[0].same_content(floats({2, 3}, {11, 21, 31, 12, 22, 32})));
  }
  TEST_CASE("the scale of SimplifiedLayerNormalization broadcasts to the whole input") {
    const Tensor x = floats({1, 2, 2}, {1, 1, -2, 2});
    const auto norm = [&](const Tensor& scale, std::int64_t axis) {
      return run("SimplifiedLayerNormalization", {x, scale}, Attrs{{"axis", AttrValue(axis)}, {"epsilon", AttrValue(0.0f)}});
    };
    for (const auto& [scale, expected] : {std::pair{floats({2}, {3, 5}), floats({1, 2, 2}, {3, 5, -3, 5})},
                                          {floats({1}, {3}), floats({1, 2, 2}, {3, 3, -3, 3})},
                                          {floats({2, 1}, {3, 5}), floats({1, 2, 2}, {3, 3, -5, 5})},
                                          {floats({2, 2}, {2, 3, 4, 5}), floats({1, 2, 2}, {2, 3, -4, 5})}}) {
      const auto r = norm(scale, -1);
      REQUIRE(r);
      CHECK((*r)[0].same_content(expected));
    }
    CHECK_FALSE(norm(floats({4}, {1, 2, 3, 4}), 1));
  }
  TEST_CASE("LayerNormalization: stash_type counts only where the statistics are asked for") {
    const std::vector<Tensor> in = {floats({1, 2}, {1, 3}), floats({2}, {1, 2})};
    for (const std::int64_t stash : {0, 1, 2, 10}) {
      const auto r = run("LayerNormalization", in, Attrs{{"stash_type", AttrValue(stash)}, {"epsilon", AttrValue(0.0f)}});
      REQUIRE(r);
      CHECK((*r)[0].same_content(floats({1, 2}, {-1, 2})));
    }
    CHECK_FALSE(run("LayerNormalization", in, Attrs{{"stash_type", AttrValue(std::int64_t{0})}}, 3));
  }
  TEST_CASE("integer arithmetic wraps to its width") {
    auto r = run("Mul", {Tensor::scalar<std::int8_t>(100), Tensor::scalar<std::int8_t>(3)});
    REQUIRE(r);
    CHECK((*r)[0].data<std::int8_t>()[0] == 44);
  }
  TEST_CASE("says why it does not compute") {
    CHECK(run("Div", {Tensor::scalar<std::int32_t>(1), Tensor::scalar<std::int32_t>(0)}).reason == "integer division by zero");
    CHECK(run("Gather", {floats({2}, {1, 2}), Tensor::scalar<std::int64_t>(2)}).reason == "index 2 is out of range for an axis of 2");
    const Attrs to_int8{{"to", AttrValue(std::int64_t{3})}};
    CHECK_FALSE(run("Cast", {floats({}, {300})}, to_int8));
    const Attrs shape{{"shape", AttrValue(Ints{2})}};
    CHECK(run("RandomNormal", {}, shape).reason == "the result is random");
    CHECK_FALSE(run("Add", {floats({2}, {1, 2}), floats({3}, {1, 2, 3})}));
  }
  TEST_CASE("moves data of any type") {
    const Tensor strings = Tensor::from_strings({2, 2}, {"a", "b", "c", "d"});
    auto t = run("Transpose", {strings});
    REQUIRE(t);
    CHECK((*t)[0].same_content(Tensor::from_strings({2, 2}, {"a", "c", "b", "d"})));
    const Tensor nibbles = Tensor::from_bytes(DType::int4, {3}, {std::byte{0x21}, std::byte{0x03}});
    const Attrs axis{{"axis", AttrValue(std::int64_t{0})}};
    auto c = run("Concat", {nibbles, nibbles}, axis);
    REQUIRE(c);
    CHECK((*c)[0].same_content(Tensor::from_bytes(DType::int4, {6}, {std::byte{0x21}, std::byte{0x13}, std::byte{0x32}})));
  }
  TEST_CASE("moving much data stops when its time has passed") {
    constexpr std::int64_t kMany = 6'000'000;
    const Tensor indices = Tensor::zeros(DType::int64, {kMany}), table = floats({2}, {1, 2}), two = Tensor::scalar<std::int64_t>(2);
    const Attrs axis{{"axis", AttrValue(std::int64_t{0})}};
    const auto fails = [](std::string_view name, const std::vector<Tensor>& in, const Attrs& attrs = {}) {
      const Deadline passed(std::chrono::steady_clock::now() - std::chrono::seconds(1));
      return run(name, in, attrs).reason;
    };
    CHECK(run("Gather", {table, indices}));
    CHECK(fails("Gather", {table, indices}) == "timed out");
    CHECK(fails("GatherElements", {table, indices}, axis) == "timed out");
    CHECK(fails("OneHot", {indices, two, table}) == "timed out");
    CHECK(fails("Concat", {indices, indices, indices}, axis) == "timed out");
    CHECK(fails("Unique", {indices}) == "timed out");
    CHECK(fails("CumSum", {indices.reshaped({kMany / 2, 2}), Tensor::scalar<std::int64_t>(1)}) == "timed out");
    CHECK(fails("Pad", {indices.reshaped({2, kMany / 2}), Tensor::int64s({1, 0, 1, 0})}) == "timed out");
    CHECK(fails("ScatterElements", {floats({2}, {1, 2}), indices, Tensor::zeros(DType::float32, {kMany})}) == "timed out");
  }
}
