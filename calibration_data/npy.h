// NumPy files: .npy (one array, format versions 1 to 3) and .npz (a zip archive of them, stored or deflated), little-endian, C or Fortran order.
// Element types: bool, (u)int8..64, float16/32/64, complex64/128, fixed-width strings (U, S). Format: numpy.lib.format.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "ir/core/tensor.h"

namespace onnxopt {

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& what);  // Error(bad_input) names `what`
Tensor read_npy(const std::filesystem::path& file);
std::vector<std::pair<std::string, Tensor>> read_npz(const std::filesystem::path& file);  // array names without ".npy", in archive order
// Types that NumPy does not have (bfloat16, float8, 4-bit) are written as their widest exact NumPy type (float32, int8, uint8).
std::string serialize_npy(const Tensor& t);
void write_npy(const std::filesystem::path& file, const Tensor& t);
void write_npz(const std::filesystem::path& file, const std::vector<std::pair<std::string, Tensor>>& arrays);

}  // namespace onnxopt
