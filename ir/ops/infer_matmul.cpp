// MatMul and its relatives, Gemm, Einsum, Det.
#include "ir/ops/infer_matmul.h"

#include <fmt/format.h>

#include <array>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

OptShape matmul_shape(InferCtx& ctx, std::size_t a, std::size_t b) {
  const Shape *x = ctx.input_shape(a), *y = ctx.input_shape(b);
  if (!x || !y) return std::nullopt;
  return matmul_shape(ctx, *x, *y);
}

Shape matmul_shape(InferCtx& ctx, Shape x, Shape y) {
  if (x.empty() || y.empty()) ctx.fail("a scalar operand");
  const bool row = x.size() == 1, column = y.size() == 1;
  if (row) x.insert(x.begin(), Dim(1));
  if (column) y.push_back(Dim(1));
  const Dim k = x.back(), l = y[y.size() - 2];
  if (k.is_value() && l.is_value() && k.value() != l.value()) ctx.fail(fmt::format("inner dims {} and {} differ", k.value(), l.value()));
  const Dim m = x[x.size() - 2], n = y.back();
  x.resize(x.size() - 2);
  y.resize(y.size() - 2);
  Shape out = broadcast(ctx, x, y);
  if (!row) out.push_back(m);
  if (!column) out.push_back(n);
  return out;
}

void matmul(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0) != DType::undefined ? ctx.input_dtype(0) : ctx.input_dtype(1);
  ctx.set_tensor(0, t, matmul_shape(ctx, 0, 1));
}

void matmul_integer(InferCtx& ctx) { ctx.set_tensor(0, DType::int32, matmul_shape(ctx, 0, 1)); }

void gemm(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0) != DType::undefined ? ctx.input_dtype(0) : ctx.input_dtype(1);
  Dim m, n, ka, kb;
  if (const Shape* a = ctx.input_shape(0)) {
    if (a->size() != 2) ctx.fail(fmt::format("A has rank {}", a->size()));
    const bool flip = ctx.attr_or<std::int64_t>("transA", 0) != 0;
    m = (*a)[flip ? 1 : 0];
    ka = (*a)[flip ? 0 : 1];
  }
  if (const Shape* b = ctx.input_shape(1)) {
    if (b->size() != 2) ctx.fail(fmt::format("B has rank {}", b->size()));
    const bool flip = ctx.attr_or<std::int64_t>("transB", 0) != 0;
    n = (*b)[flip ? 0 : 1];
    kb = (*b)[flip ? 1 : 0];
  }
  if (ka.is_value() && kb.is_value() && ka.value() != kb.value()) ctx.fail(fmt::format("inner dims {} and {} differ", ka.value(), kb.value()));
  ctx.set_tensor(0, t, Shape{m, n});
}

void det(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out) {
    if (out->size() < 2) ctx.fail(fmt::format("input of rank {}", out->size()));
    out->resize(out->size() - 2);
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

namespace {

// Dims of the letters of an equation; the ellipsis stands for the broadcast of what it covers in each term.
struct EinsumDims {
  std::array<Dim, 128> letters{};
  std::array<bool, 128> seen{};
  Shape ellipsis;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void read_term(InferCtx& ctx, std::string_view term, const Shape& shape, EinsumDims& dims) {
  std::size_t letters = 0;
  for (const char c : term) letters += is_letter(c) ? 1 : 0;
  const bool dots = term.find("...") != std::string_view::npos;
  if (shape.size() < letters || (!dots && shape.size() != letters)) ctx.fail(fmt::format("term '{}' for rank {}", term, shape.size()));
  std::size_t at = 0;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term[i] == '.') {
      const std::size_t covered = shape.size() - letters;
      const Shape part(shape.begin() + static_cast<std::ptrdiff_t>(at), shape.begin() + static_cast<std::ptrdiff_t>(at + covered));
      dims.ellipsis = broadcast(ctx, dims.ellipsis, part);
      at += covered;
      i += 2;
      continue;
    }
    if (!is_letter(term[i])) ctx.fail("the equation holds an unexpected character");
    const auto c = static_cast<std::size_t>(term[i]);
    dims.letters[c] = dims.seen[c] ? broadcast_dim(ctx, dims.letters[c], shape[at]) : shape[at];
    dims.seen[c] = true;
    ++at;
  }
}

// The implicit output: the letters that occur once, in alphabetical order, after the ellipsis.
std::string implicit_output(std::string_view left) {
  std::array<int, 128> count{};
  for (const char c : left)
    if (is_letter(c)) ++count[static_cast<std::size_t>(c)];
  std::string out = left.find("...") != std::string_view::npos ? "..." : "";
  for (std::size_t c = 0; c < count.size(); ++c)
    if (count[c] == 1) out.push_back(static_cast<char>(c));
  return out;
}

}  // namespace

void einsum(InferCtx& ctx) {
  DType t = DType::undefined;
  for (std::size_t i = 0; i < ctx.num_inputs() && t == DType::undefined; ++i) t = ctx.input_dtype(i);
  std::string equation;
  for (const char c : ctx.attr<std::string>("equation"))
    if (c != ' ') equation.push_back(c);
  const std::size_t arrow = equation.find("->");
  const std::string_view left = std::string_view(equation).substr(0, arrow);
  const std::string right = arrow == std::string::npos ? implicit_output(left) : equation.substr(arrow + 2);
  EinsumDims dims;
  std::size_t start = 0;
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    if (start > left.size()) ctx.fail("the equation has fewer terms than there are inputs");
    const std::size_t comma = std::min(left.find(',', start), left.size());
    const Shape* s = ctx.input_shape(i);
    if (!s) return ctx.set_tensor(0, t, right.find("...") == std::string::npos ? OptShape(Shape(right.size())) : std::nullopt);
    read_term(ctx, left.substr(start, comma - start), *s, dims);
    start = comma + 1;
  }
  Shape out;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (right[i] == '.') {
      out.insert(out.end(), dims.ellipsis.begin(), dims.ellipsis.end());
      i += 2;
    } else if (is_letter(right[i]) && dims.seen[static_cast<std::size_t>(right[i])]) {
      out.push_back(dims.letters[static_cast<std::size_t>(right[i])]);
    } else {
      ctx.fail("the output names a letter that no input has");
    }
  }
  ctx.set_tensor(0, t, std::move(out));
}

}  // namespace onnxopt::infer_fn
