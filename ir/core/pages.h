// Pages of a mapped file that have been read and are not needed soon: resident memory stays small while weights stream through.
#pragma once

#include <cstddef>
#include <span>

namespace onnxopt {

// Tells the kernel that these mapped bytes will not be needed soon. Only for bytes of a file that is mapped read-only; whole pages inside the range
// only. The bytes stay readable.
void release_pages(std::span<const std::byte> mapped);

constexpr std::size_t kStreamBlock = std::size_t{4} << 20;

// `whole` is read in order, in blocks, and [from, to) is done: that goes, with what the kernel mapped again before `from` when the block's first page
// was read.
void release_block(std::span<const std::byte> whole, std::size_t from, std::size_t to);

// Bytes as they are read in order: in blocks, which are released where they are mapped. Where two of them differ first; their size if nowhere.
struct ByteStream {
  std::span<const std::byte> bytes;
  bool mapped = false;
};
std::size_t first_difference(ByteStream a, ByteStream b);  // of equal sizes

}  // namespace onnxopt
