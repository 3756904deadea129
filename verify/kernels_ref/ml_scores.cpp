#include "verify/kernels_ref/ml_scores.h"

#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// The inverse normal distribution function in the closed form of Winitzki, as ONNX's evaluator and ONNX Runtime have it: good to three digits.
double probit(double p) {
  const double x = 2 * p - 1, log = std::log((1 - x) * (1 + x)), a = 0.147;
  const double v = 2 / (3.14159 * a) + 0.5 * log;
  return (x < 0 ? -1 : 1) * std::sqrt(2.0) * std::sqrt(std::sqrt(v * v - log / a) - v);
}

void softmax(std::span<double> s) {
  const double high = *std::max_element(s.begin(), s.end());
  double sum = 0;
  for (double& x : s) sum += x = std::exp(x - high);
  for (double& x : s) x /= sum;
}

// Scores that are zero stay (nearly) zero and do not count.
void softmax_zero(std::span<double> s) {
  const double high = *std::max_element(s.begin(), s.end());
  double sum = 0;
  for (double& x : s) {
    if (std::abs(x) > 1e-7) sum += x = std::exp(x - high);
    else x *= std::exp(-high);
  }
  for (double& x : s) x /= sum;
}

}  // namespace

Rows::Rows(const Tensor& x) : v(widen<double>(x)) {
  if (x.rank() < 1 || x.rank() > 2) bad_input(fmt::format("a tensor of {}; [C] or [N, C] is expected", dims_text(x.dims())));
  columns = static_cast<std::size_t>(x.dims().back());
  count = x.rank() == 1 ? 1 : static_cast<std::size_t>(x.dims()[0]);
}

Labels class_labels(const OpCall& call, const char* ints_attribute) {
  return {attr_or<Ints>(call, ints_attribute, {}), attr_or<Strings>(call, "classlabels_strings", {})};
}

Tensor label_tensor(const Labels& labels, const std::vector<std::size_t>& classes) {
  const Dims dims = {static_cast<std::int64_t>(classes.size())};
  for (std::size_t c : classes)
    if (c >= labels.size()) bad_input(fmt::format("class {} has no label: there are {}", c, labels.size()));
  if (labels.strings.empty()) {
    std::vector<std::int64_t> y;
    for (std::size_t c : classes) y.push_back(labels.ints[c]);
    return Tensor::of<std::int64_t>(dims, y);
  }
  std::vector<std::string> y;
  for (std::size_t c : classes) y.push_back(labels.strings[c]);
  return Tensor::from_strings(dims, std::move(y));
}

PostTransform post_transform_named(std::string_view name) {
  if (name == "NONE") return PostTransform::none;
  if (name == "SOFTMAX") return PostTransform::softmax;
  if (name == "LOGISTIC") return PostTransform::logistic;
  if (name == "SOFTMAX_ZERO") return PostTransform::softmax_zero;
  if (name != "PROBIT") bad_input(fmt::format("post_transform '{}'", name));
  return PostTransform::probit;
}
PostTransform read_post_transform(const OpCall& call) { return post_transform_named(attr_or<std::string>(call, "post_transform", "NONE")); }

void apply_to_row(PostTransform transform, std::span<double> scores) {
  if (scores.empty()) return;
  switch (transform) {
    case PostTransform::none: return;
    case PostTransform::softmax: return softmax(scores);
    case PostTransform::softmax_zero: return softmax_zero(scores);
    case PostTransform::logistic: std::transform(scores.begin(), scores.end(), scores.begin(), logistic); return;
    case PostTransform::probit: std::transform(scores.begin(), scores.end(), scores.begin(), probit); return;
  }
}

double apply_to_one(PostTransform transform, double score) { return transform == PostTransform::probit ? probit(score) : score; }

void two_scores(PostTransform transform, Second second, double score, std::span<double, 2> out) {
  const bool both = transform == PostTransform::logistic;
  out[0] = both ? logistic(-score) : second == Second::complement ? 1 - score : -score;
  out[1] = both ? logistic(score) : score;
}

}  // namespace onnxopt::ref
