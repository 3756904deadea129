// What the classifiers and regressors of ai.onnx.ml share: class labels and post_transform. Where the specification is silent (and it mostly is), the
// rules are ONNX Runtime's, which tests/tools/check_ml.py compares with.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

// A tensor [C] or [N, C] of numbers as rows of double; another rank throws Error(bad_input).
struct Rows {
  std::vector<double> v;
  std::size_t count, columns;
  explicit Rows(const Tensor& x);
  std::span<const double> row(std::size_t r) const { return std::span(v).subspan(r * columns, columns); }
};

struct Labels {
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::size_t size() const { return strings.empty() ? ints.size() : strings.size(); }
};
Labels class_labels(const OpCall& call, const char* ints_attribute);
// A label for each row: the position of a class, in the type of the labels. Positions without a label throw Error(bad_input).
Tensor label_tensor(const Labels& labels, const std::vector<std::size_t>& classes);

enum class PostTransform : std::uint8_t { none, softmax, logistic, softmax_zero, probit };
PostTransform post_transform_named(std::string_view name);  // NONE, SOFTMAX, ...; throws Error(bad_input)
PostTransform read_post_transform(const OpCall& call);      // the string attribute post_transform
// On all scores of one row, in place.
void apply_to_row(PostTransform transform, std::span<double> scores);
// On the only score of a row: probit is the only transform that changes it.
double apply_to_one(PostTransform transform, double score);

// How one score becomes those of two classes: {1 - s, s} or {-s, s}; logistic makes {logistic(-s), logistic(s)} of it either way.
enum class Second : std::uint8_t { complement, negation };
void two_scores(PostTransform transform, Second second, double score, std::span<double, 2> out);

}  // namespace onnxopt::ref
