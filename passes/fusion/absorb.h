// Absorbing arithmetic with constants into the weights of a linear node: what fuse-conv-bn, fuse-conv-affine, fuse-gemm-affine, fuse-matmul-affine
// and their mirror images (the arithmetic stands in front) have in common.
#pragma once

#include <span>
#include <string_view>

#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// `n` is Mul, Div, Add, Sub or BatchNormalization; one of its operands comes from a `linear` (Conv, ConvTranspose, Gemm, MatMul) that nobody else
// reads. Records linear' with scaled weights and shifted bias in place of both.
bool absorb_after(const Node& n, std::string_view linear, Rewriter& rw);
// `n` is the linear node; its data input comes from Mul, Div, Add, Sub or BatchNormalization with constants.
bool absorb_before(const Node& n, Rewriter& rw);
// `v` is the only-read result of MatMul, Add of a constant bias to a MatMul, or Gemm, with constant weights: the same times `s`. Null: it is not, or
// not finite.
Value* scale_linear(Value* v, double s, Rewriter& rw);
// The same with one factor a column of the result (its last dim).
Value* scale_linear_columns(Value* v, std::span<const double> factors, Rewriter& rw);

}  // namespace onnxopt
