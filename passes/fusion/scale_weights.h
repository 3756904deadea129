// Stored weights times one factor a row or column. Products are formed in double and rounded once to the weight's type. An empty Tensor says that the
// product would not be what it stands for: some value is not finite, or all that is not zero lies below the normal numbers.
#pragma once

#include <span>
#include <vector>

#include "ir/core/tensor.h"

namespace onnxopt {

// Whether a tensor is stored as what it is: every value finite, and not all that is in it below the normal numbers.
class Stored {
 public:
  explicit Stored(DType t);
  void add(double wanted, double got);
  void add_row(float largest, bool nonzero);  // the largest absolute value stored (infinite or NaN if any is), whether any but 0 was wanted
  bool well() const { return finite_ && (largest_ >= smallest_ || !nonzero_); }

 private:
  double smallest_, largest_ = 0;
  bool finite_ = true, nonzero_ = false;
};

// `w` as [factors.size(), inner], row-major, row r times factors[r].
Tensor scale_rows(const Tensor& w, std::int64_t inner, std::span<const double> factors);
// `w` as [..., factors.size()], column c times factors[c].
Tensor scale_columns(const Tensor& w, std::span<const double> factors);

template <class F>
Tensor scale_rows(const Tensor& w, std::int64_t inner, F factor) {
  const std::int64_t rows = inner == 0 ? 0 : w.size() / inner;
  std::vector<double> factors(static_cast<std::size_t>(rows));
  for (std::int64_t r = 0; r < rows; ++r) factors[static_cast<std::size_t>(r)] = factor(r);
  return scale_rows(w, inner, std::span<const double>(factors));
}

}  // namespace onnxopt
