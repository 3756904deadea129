#include "ir/io/sample_hash.h"

#include <algorithm>
#include <cstring>

#include "ir/io/mapped_file.h"

namespace onnxopt {
namespace {

constexpr std::size_t kBlock = 64, kBlocks = 4, kWhole = 1024;
constexpr std::size_t kLarge = std::size_t{1} << 20;  // the kernel maps much around the few bytes that are read

std::uint64_t mix(std::uint64_t h, const std::byte* from, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + i, std::min<std::size_t>(8, count - i));
    h = (h ^ word) * 0xD6E8FEB86659FD93ull;
    h ^= h >> 29;
  }
  return h;
}

}  // namespace

std::uint64_t sample_hash(std::span<const std::byte> bytes, bool mapped) {
  const std::uint64_t h = 0x9E3779B97F4A7C15ull ^ bytes.size();
  if (bytes.size() <= kWhole) return mix(h, bytes.data(), bytes.size());
  std::uint64_t all = h;
  for (std::size_t k = 0; k < kBlocks; ++k) all = mix(all, bytes.data() + (bytes.size() - kBlock) / (kBlocks - 1) * k, kBlock);
  all = mix(all, bytes.data() + bytes.size() - kBlock, kBlock);
  if (mapped && bytes.size() >= kLarge) release_pages(bytes);
  return all;
}

}  // namespace onnxopt
