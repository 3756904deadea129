// What is computed in a coarse type may move by percents at its largest element, and a wrong weight moves it by no more. Over the whole output the
// noise is steadier: its root mean square is what one run says as well as the next, and what another order of rounding stays far below.
#pragma once

#include <string>

#include "verify/compare/tolerance.h"

namespace onnxopt {

class Spread {
 public:
  // Of the original and the result; `computed` is the type in which the original computes it.
  Spread(const Tensor& reference, const Tensor& value, DType computed);
  bool suspicious() const;            // more than the noise that was seen so far explains
  bool explain(const Tensor& moved);  // the original, rounded differently; false: nothing to compare with
  std::string reason() const;

 private:
  double explained() const;

  const Tensor& reference_;
  double difference_ = 0, noise_ = 0, floor_ = 0;
};

}  // namespace onnxopt
