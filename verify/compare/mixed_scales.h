// The small values of an output that also holds large ones: scores beside boxes in pixels, in one tensor. Judged by the largest magnitude of the
// whole, an error of the scores is lost. So slices along each axis are sorted into bands of similar magnitude, and each band that is far below the
// whole is held against its own rounding noise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/core/tensor.h"

namespace onnxopt {

class MixedScales {
 public:
  // `value`: what the candidate computed; of the reference's type and shape.
  MixedScales(const Tensor& reference, const Tensor& value);
  // Some band differs by more than rounding of its own magnitude, and by more than the noise that was seen so far.
  bool suspicious() const;
  // The reference rounded differently. False: it has another shape then, nothing can be said.
  bool explain(const Tensor& moved);
  std::string reason() const;  // of the band that is furthest off

 private:
  struct Band {
    std::int64_t slices = 0, elements = 0;
    double scale = 0, difference = 0, noise = 0;
  };
  struct Axis {
    std::size_t axis = 0;
    std::vector<int> band_of;  // of each index; -1: not far below the whole, or all zeros
    std::vector<Band> bands;
  };
  double explained(const Band& b) const;
  bool is_off(const Band& b) const { return b.difference > explained(b); }
  void add_axis(std::size_t axis, double whole);

  const Tensor& reference_;
  std::vector<Axis> axes_;
};

}  // namespace onnxopt
