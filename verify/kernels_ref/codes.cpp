#include "verify/kernels_ref/codes.h"

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

namespace onnxopt::ref {

Codes::Codes(DType t) : dtype_(t) {
  if (t == DType::undefined) bad_input("a tensor without type");
  size_ = t == DType::string ? 8 : is_sub_byte(t) ? 1 : static_cast<std::size_t>(bit_width(t)) / 8;
}

const std::byte* Codes::add(const Tensor& t) {
  if (t.dtype() != dtype_) bad_input(fmt::format("operands are {} and {}", dtype_name(dtype_), dtype_name(t.dtype())));
  held_.push_back(t);
  if (dtype_ == DType::string) {
    auto& codes = owned_.emplace_back(static_cast<std::size_t>(t.size()) * 8);
    std::size_t i = 0;
    for (const std::string& s : t.strings()) {
      const std::uint64_t number = pool_.size();
      pool_.push_back(&s);
      std::memcpy(codes.data() + 8 * i++, &number, 8);
    }
    return codes.data();
  }
  if (!is_sub_byte(dtype_)) return t.bytes().data();  // codes are copied as bytes: weights in a file need no aligned copy
  auto& codes = owned_.emplace_back(static_cast<std::size_t>(t.size()) + 1);
  unpack_codes(dtype_, t.bytes().data(), t.size(), reinterpret_cast<std::uint8_t*>(codes.data()));
  return codes.data();
}

std::vector<std::byte> Codes::zero() {
  std::vector<std::byte> code(size_);
  if (dtype_ != DType::string) return code;
  const std::uint64_t number = pool_.size();
  pool_.push_back(&empty_);
  std::memcpy(code.data(), &number, 8);
  return code;
}

std::byte* Codes::make(Dims dims) {
  const DType as = dtype_ == DType::string ? DType::uint64 : is_sub_byte(dtype_) ? DType::uint8 : dtype_;
  out_ = Buffer(as, std::move(dims));
  return out_.bytes();
}

Tensor Codes::finish() {
  if (dtype_ == DType::string) {
    std::vector<std::string> strings;
    strings.reserve(static_cast<std::size_t>(out_.size()));
    for (std::int64_t i = 0; i < out_.size(); ++i) strings.push_back(*pool_[out_.as<std::uint64_t>()[i]]);
    return Tensor::from_strings(out_.dims(), std::move(strings));
  }
  if (!is_sub_byte(dtype_)) return std::move(out_).tensor();
  Buffer packed(dtype_, out_.dims());
  pack_codes(dtype_, out_.as<std::uint8_t>(), out_.size(), packed.bytes());
  return std::move(packed).tensor();
}

namespace {

// Dims of length one dropped and neighbours merged where their strides allow.
void collapse(Dims& dims, Dims& strides) {
  Dims d, s;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (!d.empty() && s.back() == strides[i] * dims[i]) {
      d.back() *= dims[i];
      s.back() = strides[i];
    } else {
      d.push_back(dims[i]);
      s.push_back(strides[i]);
    }
  }
  if (d.empty()) d.push_back(1), s.push_back(1);
  dims = d;
  strides = s;
}

template <std::size_t kSize>
void copy_block(const std::byte* in, std::byte* out, std::int64_t rows, std::int64_t n, std::int64_t out_stride, std::int64_t in_stride) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < n; ++c)
      std::memcpy(out + static_cast<std::size_t>(r * out_stride + c) * kSize, in + (r + c * in_stride) * static_cast<std::int64_t>(kSize), kSize);
}

#ifdef __SSE2__
// 16 x 16 codes of four bytes by way of 4 x 4 in registers.
void copy_block16(const std::byte* in, std::byte* out, std::int64_t out_stride, std::int64_t in_stride) {
  for (std::int64_t r = 0; r < 16; r += 4)
    for (std::int64_t c = 0; c < 16; c += 4) {
      const auto load = [&](std::int64_t i) { return _mm_loadu_ps(reinterpret_cast<const float*>(in + 4 * (r + (c + i) * in_stride))); };
      __m128 a = load(0), b = load(1), d = load(2), e = load(3);
      _MM_TRANSPOSE4_PS(a, b, d, e);
      const auto store = [&](std::int64_t i, __m128 v) { _mm_storeu_ps(reinterpret_cast<float*>(out + 4 * ((r + i) * out_stride + c)), v); };
      store(0, a), store(1, b), store(2, d), store(3, e);
    }
}
#endif

// Two inner dims, `rows` by `n`, whose input is contiguous along the outer of them: copied in square tiles, so that both sides use whole cache lines.
template <std::size_t kSize>
void copy_tiled(const std::byte* in, std::byte* out, std::int64_t rows, std::int64_t n, std::int64_t stride) {
  constexpr std::int64_t kTile = 16;
  for (std::int64_t r = 0; r < rows; r += kTile)
    for (std::int64_t c = 0; c < n; c += kTile) {
      const std::byte* from = in + (r + c * stride) * static_cast<std::int64_t>(kSize);
      std::byte* to = out + static_cast<std::size_t>(r * n + c) * kSize;
#ifdef __SSE2__
      if (kSize == 4 && r + kTile <= rows && c + kTile <= n) {
        copy_block16(from, to, n, stride);
        continue;
      }
#endif
      copy_block<kSize>(from, to, std::min(kTile, rows - r), std::min(kTile, n - c), n, stride);
    }
}
template <std::size_t kSize>
void copy_row(const std::byte* in, std::byte* out, std::int64_t n, std::int64_t stride) {
  if (stride == 1) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * kSize);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i)
    std::memcpy(out + static_cast<std::size_t>(i) * kSize, in + i * stride * static_cast<std::int64_t>(kSize), kSize);
}

}  // namespace

void copy_strided(std::size_t size, const std::byte* in, std::byte* out, const Dims& full_dims, const Dims& full_strides) {
  Dims dims = full_dims, strides = full_strides;
  if (product(dims) == 0) return;
  collapse(dims, strides);
  const std::size_t rank = dims.size();
  const bool tiled = rank >= 2 && strides[rank - 1] != 1 && strides[rank - 2] == 1;
  const std::size_t inner = tiled ? 2 : 1;
  const std::int64_t block = product(dims, rank - inner), blocks = product(dims, 0, rank - inner);
  with_size(size, [&](auto width) {
    constexpr std::size_t kSize = decltype(width)::value;
    parallel_for(blocks, 10.0 + 0.7 * static_cast<double>(block), [&](std::int64_t begin, std::int64_t end) {
      Dims at(rank - inner);
      std::int64_t offset = 0, rest = begin;
      for (std::size_t d = rank - inner; d-- > 0; rest /= dims[d]) offset += (at[d] = rest % dims[d]) * strides[d];
      for (std::int64_t b = begin; b < end; ++b) {
        const std::byte* from = in + offset * static_cast<std::int64_t>(kSize);
        std::byte* to = out + static_cast<std::size_t>(b * block) * kSize;
        if (tiled) copy_tiled<kSize>(from, to, dims[rank - 2], dims[rank - 1], strides[rank - 1]);
        else copy_row<kSize>(from, to, dims[rank - 1], strides[rank - 1]);
        for (std::size_t d = rank - inner; d-- > 0;) {
          offset += strides[d];
          if (++at[d] < dims[d]) break;
          at[d] = 0;
          offset -= strides[d] * dims[d];
        }
      }
    });
  });
}

}  // namespace onnxopt::ref
