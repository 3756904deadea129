#include "verify/kernels_ref/rnn_attention.h"

#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using Vec = std::vector<double>;

Vec read(KernelIo& io, std::size_t i, const Dims& dims, const char* what) {
  if (io.in(i).dims() != dims) bad_input(fmt::format("{} of shape {} where {} is needed", what, dims_text(io.in(i).dims()), dims_text(dims)));
  return widen<double>(io.in(i));
}

// r += v * m, with v [rows] and m [rows, columns].
void add_product(Vec& r, const double* v, const double* m, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) r[static_cast<std::size_t>(j)] += v[i] * m[i * columns + j];
}

}  // namespace

RnnAttention::RnnAttention(KernelIo& io, std::int64_t dirs, std::int64_t batch, std::int64_t hidden) : hidden_(hidden) {
  for (std::size_t i = 8; i < 12; ++i)
    if (!io.has(i)) bad_input(fmt::format("input {} is missing", i));
  const Dims &memory = io.in(11).dims(), &weights = io.in(9).dims();
  if (memory.size() != 3 || weights.size() != 3)
    bad_input(fmt::format("memory {} and its weights {}: both must have rank 3", dims_text(memory), dims_text(weights)));
  steps_ = memory[1], depth_ = memory[2], n_ = weights[2];
  memory_ = read(io, 11, {batch, steps_, depth_}, "the memory");
  const Vec memory_weights = read(io, 9, {dirs, depth_, n_}, "the memory's weights");
  query_ = read(io, 8, {dirs, hidden, n_}, "the query's weights");
  v_ = read(io, 10, {dirs, n_}, "v");
  if (io.has(13)) {
    layer_size_ = io.in(13).rank() == 3 ? io.in(13).dims()[2] : 0;
    layer_ = read(io, 13, {dirs, depth_ + hidden, layer_size_}, "the attention layer's weights");
    if (layer_.empty()) bad_input("an attention layer without weights");
  }
  lengths_.assign(static_cast<std::size_t>(batch), steps_);
  if (io.has(12)) {
    if (io.in(12).dims() != Dims{batch})
      bad_input(fmt::format("the memory's lengths of shape {} for a batch of {}", dims_text(io.in(12).dims()), batch));
    lengths_ = ints_of(io.in(12));
  }
  for (const std::int64_t length : lengths_)
    if (length < 1 || length > steps_) bad_input(fmt::format("a memory of length {} in {} steps", length, steps_));
  for (std::int64_t d = 0; d < dirs; ++d)
    for (std::int64_t m = 0; m < batch * steps_; ++m) {
      Vec key(static_cast<std::size_t>(n_));
      add_product(key, memory_.data() + m * depth_, memory_weights.data() + d * depth_ * n_, depth_, n_);
      keys_.insert(keys_.end(), key.begin(), key.end());
    }
}

Vec RnnAttention::ask(std::int64_t d, std::int64_t b, const Vec& h) const {
  const std::int64_t batch = static_cast<std::int64_t>(lengths_.size()), length = lengths_[static_cast<std::size_t>(b)];
  Vec query(static_cast<std::size_t>(n_)), score(static_cast<std::size_t>(length)), context(static_cast<std::size_t>(depth_));
  add_product(query, h.data(), query_.data() + d * hidden_ * n_, hidden_, n_);
  for (std::int64_t t = 0; t < length; ++t) {
    const double* key = keys_.data() + ((d * batch + b) * steps_ + t) * n_;
    for (std::int64_t j = 0; j < n_; ++j)
      score[static_cast<std::size_t>(t)] += v_[static_cast<std::size_t>(d * n_ + j)] * std::tanh(key[j] + query[static_cast<std::size_t>(j)]);
  }
  const double top = *std::max_element(score.begin(), score.end());
  double sum = 0;
  for (double& s : score) sum += s = std::exp(s - top);
  for (double& s : score) s /= sum;
  add_product(context, score.data(), memory_.data() + b * steps_ * depth_, length, depth_);
  if (layer_.empty()) return context;
  Vec joined(static_cast<std::size_t>(layer_size_));
  const double* weights = layer_.data() + d * (depth_ + hidden_) * layer_size_;  // those of the hidden state first
  add_product(joined, h.data(), weights, hidden_, layer_size_);
  add_product(joined, context.data(), weights + hidden_ * layer_size_, depth_, layer_size_);
  return joined;
}

}  // namespace onnxopt::ref
