// Bahdanau attention around an LSTM cell, as com.microsoft AttnLSTM has it: after each step the hidden state asks a memory, and what it gets is
// joined to the input of the next step.
#pragma once

#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

class RnnAttention {
 public:
  // Reads inputs 8 to 13: query weights [dirs, hidden, n], memory weights [dirs, depth, n], v [dirs, n], memory [batch, steps, depth], its lengths
  // [batch], the weights of a layer above [dirs, depth + hidden, size].
  RnnAttention(KernelIo& io, std::int64_t dirs, std::int64_t batch, std::int64_t hidden);
  std::int64_t size() const { return layer_.empty() ? depth_ : layer_size_; }
  // What the next step of entry `b` sees, after a step that gave `h`.
  std::vector<double> ask(std::int64_t d, std::int64_t b, const std::vector<double>& h) const;

 private:
  std::int64_t hidden_, steps_ = 0, depth_ = 0, n_ = 0, layer_size_ = 0;
  std::vector<double> query_, v_, memory_, layer_;
  std::vector<double> keys_;  // [dirs, batch, steps, n]
  std::vector<std::int64_t> lengths_;
};

}  // namespace onnxopt::ref
