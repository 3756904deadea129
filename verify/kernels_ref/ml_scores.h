// What the classifiers and regressors of ai.onnx.ml share: class labels, post_transform, from scores to labels.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

struct Labels {
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  std::size_t size() const { return strings.empty() ? ints.size() : strings.size(); }
};
Labels class_labels(const OpCall& call, const char* ints_attribute);

// NONE, SOFTMAX, SOFTMAX_ZERO, LOGISTIC, PROBIT on the scores of one row, in place.
void post_transform(std::span<double> scores, const std::string& name);

// How one score decides between two classes: its sign (linear models), or whether it is above one half (probabilities of trees).
enum class BinaryScore { around_zero, around_half };
// Outputs Y (labels) [rows] and Z (scores) [rows, classes] from scores [rows, targets]; one target for two classes gives both scores.
void set_classes(KernelIo& io, std::vector<double> scores, std::size_t rows, std::size_t targets, const Labels& labels, const std::string& transform,
                 BinaryScore binary);

}  // namespace onnxopt::ref
