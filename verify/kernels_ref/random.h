// The random numbers of the reference kernels: SplitMix64 over a counter, so that a stream is a pure function of its seed.
#pragma once

#include <cmath>
#include <cstdint>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.28318530717958647692 * uniform()); }

 private:
  std::uint64_t state_;
};

// The stream of a node: from its own seed attribute if it states one, else from the executor's seed; mixed with the node's name, which survives
// rewriting, so that several unseeded nodes differ.
RandomStream stream_of(const OpCall& call, const ExecEnv& env);

}  // namespace onnxopt::ref
