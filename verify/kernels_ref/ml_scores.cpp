#include "verify/kernels_ref/ml_scores.h"

#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// Inverse of the standard normal distribution function, by Newton steps on erfc from a logistic start.
double probit(double p) {
  if (p <= 0 || p >= 1) return p <= 0 ? -INFINITY : INFINITY;
  double x = std::log(p / (1 - p)) / 1.702;
  for (int i = 0; i < 20; ++i) x -= (0.5 * std::erfc(-x / std::sqrt(2.0)) - p) / (std::exp(-x * x / 2) / std::sqrt(2 * M_PI));
  return x;
}

void softmax(std::span<double> s, bool keep_zeros) {
  double high = -INFINITY, sum = 0;
  for (double x : s) high = std::max(high, x);
  for (double& x : s)
    if (!keep_zeros || x != 0) sum += x = std::exp(x - high);
  for (double& x : s) x /= sum;
}

}  // namespace

Labels class_labels(const OpCall& call, const char* ints_attribute) {
  return {attr_or<Ints>(call, ints_attribute, {}), attr_or<Strings>(call, "classlabels_strings", {})};
}

void post_transform(std::span<double> scores, const std::string& name) {
  if (name == "NONE") return;
  if (name == "SOFTMAX" || name == "SOFTMAX_ZERO") return softmax(scores, name == "SOFTMAX_ZERO");
  if (name != "LOGISTIC" && name != "PROBIT") bad_input(fmt::format("post_transform '{}'", name));
  for (double& x : scores) x = name == "LOGISTIC" ? logistic(x) : probit(x);
}

void set_classes(KernelIo& io, std::vector<double> scores, std::size_t rows, std::size_t targets, const Labels& labels, const std::string& transform,
                 BinaryScore binary) {
  const std::size_t classes = targets == 1 ? 2 : targets;
  const bool one_for_two = targets == 1;
  std::vector<double> out(rows * classes);
  std::vector<std::size_t> best(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = std::span(out).subspan(r * classes, classes);
    if (one_for_two) {
      const double s = scores[r];
      best[r] = s > (binary == BinaryScore::around_zero ? 0.0 : 0.5) ? 1 : 0;
      const bool transformed = transform == "LOGISTIC" || transform == "PROBIT";
      row[1] = s;
      row[0] = binary == BinaryScore::around_half && !transformed ? 1 - s : -s;
      post_transform(row, transform == "SOFTMAX" && binary == BinaryScore::around_half ? "SOFTMAX" : transform);
      continue;
    }
    std::copy_n(scores.begin() + static_cast<std::ptrdiff_t>(r * targets), targets, row.begin());
    best[r] = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    post_transform(row, transform);
  }
  const Dims label_dims = {static_cast<std::int64_t>(rows)};
  if (!labels.strings.empty()) {
    std::vector<std::string> y;
    for (std::size_t b : best) y.push_back(labels.strings.at(std::min(b, labels.strings.size() - 1)));
    io.set(0, Tensor::from_strings(label_dims, std::move(y)));
  } else {
    std::vector<std::int64_t> y;
    for (std::size_t b : best) y.push_back(b < labels.ints.size() ? labels.ints[b] : static_cast<std::int64_t>(b));
    io.set(0, Tensor::of<std::int64_t>(label_dims, y));
  }
  io.set(1, narrow(DType::float32, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(classes)}, out));
}

}  // namespace onnxopt::ref
