// What the kernels of images, signals and sequence models refuse, and types that no published test uses. Values: tests/cases/kernels.
#include <doctest/doctest.h>

#include "ir/core/element.h"
#include "ir/core/evaluator.h"
#include "ir/ops/op_table.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

namespace {

Maybe<std::vector<Tensor>> run(std::string_view name, const std::vector<Tensor>& in, const Attrs& attrs = {}, std::size_t outputs = 1) {
  auto evaluator = reference_evaluator();
  return evaluator->evaluate({&op(name), &attrs, outputs, nullptr}, in);
}
Tensor floats(Dims dims, std::vector<float> v) { return Tensor::of<float>(std::move(dims), v); }
Tensor zeros(DType t, Dims dims) { return Tensor::zeros(t, std::move(dims)); }
Tensor scalar(std::int64_t v) { return Tensor::scalar<std::int64_t>(v); }
Attrs one(std::string name, AttrValue v) { return {{std::move(name), std::move(v)}}; }

}  // namespace

TEST_SUITE("vision_kernels_test") {
  TEST_CASE("signals: lengths, axes and parts that make no sense") {
    const Tensor real = zeros(DType::float32, {1, 4, 1}), complex = zeros(DType::float32, {1, 4, 2});
    CHECK_FALSE(run("DFT", {zeros(DType::float32, {1, 4, 3})}));
    CHECK_FALSE(run("DFT", {real, scalar(0)}));
    CHECK_FALSE(run("DFT", {real, scalar(std::int64_t{1} << 40)}));
    CHECK_FALSE(run("DFT", {real, Tensor(), scalar(2)}));
    CHECK_FALSE(run("DFT", {real, Tensor(), scalar(-4)}));
    CHECK_FALSE(run("DFT", {complex}, one("onesided", AttrValue(std::int64_t{1}))));
    CHECK_FALSE(run("DFT", {real}, one("inverse", AttrValue(std::int64_t{2}))));
    CHECK_FALSE(run("STFT", {real, scalar(0), Tensor(), scalar(2)}));
    CHECK_FALSE(run("STFT", {real, scalar(1), Tensor(), scalar(5)}));
    CHECK_FALSE(run("STFT", {real, scalar(1), zeros(DType::float32, {3}), scalar(2)}));
    CHECK_FALSE(run("HannWindow", {scalar(-1)}));
    CHECK_FALSE(run("HannWindow", {scalar(4)}, one("output_datatype", AttrValue(std::int64_t{8}))));
    CHECK_FALSE(run("MelWeightMatrix", {scalar(4), scalar(8), scalar(8000), floats({}, {0}), floats({}, {90000})}));
    const auto empty = run("HannWindow", {scalar(0)});
    REQUIRE(empty);
    CHECK((*empty)[0].dims() == Dims{0});
  }
  TEST_CASE("signals of 16 bits are transformed in double and rounded once") {
    std::vector<std::byte> ones(2 * 1000);
    for (std::int64_t i = 0; i < 1000; ++i) store_element(DType::float16, ones.data(), i, 0.5);
    const auto r = run("DFT", {Tensor::from_bytes(DType::float16, {1, 1000, 1}, ones)});
    REQUIRE(r);
    CHECK((*r)[0].dtype() == DType::float16);
    CHECK(load_element<double>(DType::float16, (*r)[0].bytes().data(), 0) == 500);
    for (std::int64_t i = 1; i < 2000; ++i) CHECK(std::abs(load_element<double>(DType::float16, (*r)[0].bytes().data(), i)) < 1e-6);
  }
  TEST_CASE("regions: shapes, batches and sizes that make no sense") {
    const Tensor map = zeros(DType::float32, {1, 1, 4, 4}), roi = floats({1, 4}, {0, 0, 3, 3});
    const Tensor first = Tensor::int64s({0});
    CHECK(run("RoiAlign", {map, roi, first}));
    CHECK_FALSE(run("RoiAlign", {map, roi, Tensor::int64s({1})}));
    CHECK_FALSE(run("RoiAlign", {map, roi, Tensor::int64s({-1})}));
    CHECK_FALSE(run("RoiAlign", {map, floats({1, 4}, {0, 0, 3e38f, 3}), first}));
    CHECK_FALSE(run("RoiAlign", {map, floats({1, 4}, {0, 0, NAN, 3}), first}));
    CHECK_FALSE(run("RoiAlign", {map, roi, first}, one("mode", AttrValue(std::string("sum")))));
    CHECK_FALSE(run("RoiAlign", {map, roi, first}, one("output_height", AttrValue(std::int64_t{0}))));
    CHECK_FALSE(run("MaxRoiPool", {map, floats({1, 5}, {2, 0, 0, 3, 3})}, one("pooled_shape", AttrValue(Ints{1, 1}))));
    CHECK_FALSE(run("MaxRoiPool", {map, floats({1, 5}, {0, 0, 0, INFINITY, 3})}, one("pooled_shape", AttrValue(Ints{1, 1}))));
    CHECK_FALSE(run("NonMaxSuppression", {zeros(DType::float32, {1, 2, 4}), zeros(DType::float32, {1, 1, 3})}));
    CHECK_FALSE(run("NonMaxSuppression", {zeros(DType::float32, {1, 2, 4}), zeros(DType::float32, {1, 1, 2}), scalar(1), floats({}, {2})}));
    const auto none = run("NonMaxSuppression", {zeros(DType::float32, {1, 2, 4}), zeros(DType::float32, {1, 1, 2})});
    REQUIRE(none);
    CHECK((*none)[0].dims() == Dims{0, 3});
    // NaN scores come last, and there is a last.
    const auto nan = run("NonMaxSuppression", {floats({1, 3, 4}, {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}), floats({1, 1, 3}, {NAN, 1, 2}), scalar(9)});
    REQUIRE(nan);
    CHECK((*nan)[0].same_content(Tensor::of<std::int64_t>({3, 3}, {0, 0, 2, 0, 0, 1, 0, 0, 0})));
  }
  TEST_CASE("grids: nearest moves any type, other modes need numbers; positions far away are harmless") {
    const Tensor x = Tensor::from_strings({1, 1, 2, 2}, {"a", "b", "c", "d"}), grid = floats({1, 1, 3, 2}, {-1, -1, 0.5f, 0.5f, 9, 9});
    const auto r = run("GridSample", {x, grid}, one("mode", AttrValue(std::string("nearest"))));
    REQUIRE(r);
    CHECK((*r)[0].same_content(Tensor::from_strings({1, 1, 1, 3}, {"a", "d", ""})));
    CHECK_FALSE(run("GridSample", {x, grid}));
    CHECK_FALSE(run("GridSample", {zeros(DType::float32, {1, 1, 2, 2}), grid}, one("mode", AttrValue(std::string("bilinear")))));  // of version 16
    CHECK_FALSE(run("GridSample", {zeros(DType::float32, {1, 1, 0, 2}), grid}));
    CHECK_FALSE(run("GridSample", {zeros(DType::float32, {2, 1, 2, 2}), grid}));
    for (const char* padding : {"zeros", "border", "reflection"})
      for (const char* mode : {"nearest", "linear", "cubic"}) {
        const Attrs attrs{{"padding_mode", AttrValue(std::string(padding))}, {"mode", AttrValue(std::string(mode))}};
        CHECK(run("GridSample", {floats({1, 1, 1, 2}, {1, 2}), floats({1, 1, 3, 2}, {NAN, INFINITY, -1e38f, 3e38f, 1e10f, -INFINITY})}, attrs));
      }
    const Attrs aligned = one("align_corners", AttrValue(std::int64_t{1}));
    const Tensor theta = floats({1, 2, 3}, {1, 0, 0, 0, 1, 0});
    CHECK(run("AffineGrid", {theta, Tensor::int64s({1, 1, 2, 2})}, aligned));
    CHECK_FALSE(run("AffineGrid", {theta, Tensor::int64s({1, 1, 2, 1})}, aligned));  // not defined: never folded
    CHECK_FALSE(run("AffineGrid", {theta, Tensor::int64s({1, 1, 2, 2, 2})}));
    CHECK_FALSE(run("AffineGrid", {theta, Tensor::int64s({1, 1, -2, 2})}));
  }
  TEST_CASE("sequence models: rules, heads and states that do not fit") {
    const Tensor x = zeros(DType::float32, {1, 2, 4});
    Attrs linear{{"q_num_heads", AttrValue(std::int64_t{2})}, {"kv_num_heads", AttrValue(std::int64_t{2})}};
    CHECK_FALSE(run("LinearAttention", {x, x, x}, linear, 2));  // gated_delta needs decay and beta
    linear.set("update_rule", AttrValue(std::string("linear")));
    CHECK(run("LinearAttention", {x, x, x}, linear, 2));
    CHECK_FALSE(run("LinearAttention", {x, x, x, zeros(DType::float32, {1, 2, 2, 3})}, linear, 2));
    linear.set("kv_num_heads", AttrValue(std::int64_t{0}));
    CHECK_FALSE(run("LinearAttention", {x, x, x}, linear, 2));
    CHECK_FALSE(run("CausalConvWithState", {x, zeros(DType::float32, {2, 2, 3})}, {}, 2));
    CHECK_FALSE(run("CausalConvWithState", {x, zeros(DType::float32, {2, 1, 3})}, one("activation", AttrValue(std::string("relu"))), 2));
    CHECK_FALSE(run("DeformConv", {zeros(DType::float32, {1, 1, 3, 3}), zeros(DType::float32, {1, 1, 2, 2}), zeros(DType::float32, {1, 8, 2, 1})}));
  }
}
