// com.microsoft.SparseToDenseMatMul: the only kernel with a sparse tensor among its inputs at run time. Expected: ONNX Runtime 1.31 on the same
// numbers.
#include <doctest/doctest.h>

#include <vector>

#include "ir/ops/op_table.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

namespace {

// alpha * A * B for A = [[0, 2, 0], [3, 0, 4]].
std::vector<float> product(const Tensor& indices, Attrs attrs, const Tensor& b) {
  const OpSchema* op = find_op("com.microsoft", "SparseToDenseMatMul", 1);
  REQUIRE(op);
  const OpCall call{op, &attrs, 1, nullptr};
  ExecEnv env;
  for (const Kernel& k : reference_kernels()) {
    if (k.op != op->name) continue;
    const auto run = k.prepare(call, env);
    REQUIRE(run);
    const auto a = std::make_shared<SparseTensor>();
    *a = {Tensor::of<float>({3}, std::vector<float>{2, 3, 4}), indices, {2, 3}, ""};
    RtValue sparse;
    sparse.v = std::shared_ptr<const SparseTensor>(a);
    const std::vector<RtValue> in{sparse, RtValue(b)};
    std::vector<RtValue> out(1);
    KernelIo io(in, out);
    (*run)(io);
    const auto values = out[0].tensor().data<float>();
    return {values.begin(), values.end()};
  }
  FAIL("no kernel");
  return {};
}

}  // namespace

TEST_SUITE("sparse_matmul_test") {
  TEST_CASE("indices in either form, transposed operands and alpha") {
    const Tensor linear = Tensor::int64s({1, 3, 5});
    const Tensor pairs = Tensor::of<std::int64_t>({3, 2}, std::vector<std::int64_t>{0, 1, 1, 0, 1, 2});
    const Tensor b = Tensor::of<float>({3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(product(linear, {}, b) == std::vector<float>{6, 8, 23, 30});
    CHECK(product(pairs, {}, b) == std::vector<float>{6, 8, 23, 30});
    Attrs half;
    half.set("alpha", 0.5f);
    CHECK(product(pairs, half, b) == std::vector<float>{3, 4, 11.5, 15});
    Attrs both;
    both.set("transA", std::int64_t{1});
    both.set("transB", std::int64_t{1});
    CHECK(product(pairs, both, Tensor::of<float>({1, 2}, std::vector<float>{1, 10})) == std::vector<float>{30, 2, 40});
  }
  TEST_CASE("indices outside of the matrix and sizes that do not fit are refused") {
    const Tensor b = Tensor::of<float>({3, 1}, std::vector<float>{1, 2, 3});
    CHECK_THROWS_AS(product(Tensor::int64s({1, 3, 6}), {}, b), Error);
    CHECK_THROWS_AS(product(Tensor::int64s({1, 3}), {}, b), Error);
    CHECK_THROWS_AS(product(Tensor::int64s({1, 3, 5}), {}, Tensor::of<float>({2, 1}, std::vector<float>{1, 2})), Error);
  }
}
