// The blocked layout of com.microsoft.nchwc, which ONNX Runtime writes into models that it optimized with all its optimizations (onnxruntime
// core/optimizer/nchwc_transformer.cc, core/mlas/lib/reorder.cpp). The shape of a tensor still says [N, C, H, W], C padded with zeros to whole blocks
// of b channels, but its elements lie as [N, C/b, H, W, b]. Filters [O, I, kH, kW], O padded, lie as [O/b, I/b, kH, kW, b of I, b of O], or as
// [O/b, I, kH, kW, b of O] where the input is not blocked (less than b channels) or each channel is a group of its own.
#pragma once

#include "ir/core/model.h"
#include "ir/core/tensor.h"

namespace onnxopt {

inline constexpr std::string_view kNchwcDomain = "com.microsoft.nchwc";

struct NchwcBlock {
  std::int64_t size = 16;
  bool certain = false;  // false: the file does not tell, and the size is what ONNX Runtime takes on this machine
};
// The file does not store b; it follows from sizes that fit only one b. Operators of this domain may be anywhere in the model.
NchwcBlock nchwc_block(Model& m);

struct NchwcFilter {
  bool blocked_input;  // of the convolution
  bool depthwise;
};
NchwcFilter nchwc_filter_kind(const Dims& w, std::int64_t groups, std::int64_t block);

std::int64_t nchwc_aligned(std::int64_t channels, std::int64_t block);
// float32 of rank 4. Throw Error where the channels are not whole blocks.
Tensor nchwc_to_plain(const Tensor& blocked, std::int64_t block);
Tensor plain_to_nchwc(const Tensor& plain, std::int64_t block);  // pads channels with zeros
Tensor nchwc_filter_to_plain(const Tensor& w, std::int64_t groups, std::int64_t block);

}  // namespace onnxopt
