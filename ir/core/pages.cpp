#include "ir/core/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace onnxopt {

void release_pages(std::span<const std::byte> mapped) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(mapped.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(mapped.data()) + mapped.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void release_block(std::span<const std::byte> whole, std::size_t from, std::size_t to) {
  constexpr std::size_t kFaultAround = std::size_t{64} << 10;  // Linux maps so much about a page that is read, where the page cache has it
  const std::size_t begin = from - std::min(from, kFaultAround);
  release_pages(whole.subspan(begin, to - begin));
}

std::size_t first_difference(ByteStream a, ByteStream b) {
  const std::size_t size = a.bytes.size();
  for (std::size_t at = 0; at < size; at += kStreamBlock) {
    const std::size_t n = std::min(kStreamBlock, size - at);
    const std::byte *p = a.bytes.data() + at, *q = b.bytes.data() + at;
    const bool same = std::memcmp(p, q, n) == 0;
    const std::size_t where = same ? size : at + static_cast<std::size_t>(std::mismatch(p, p + n, q).first - p);
    if (a.mapped) release_block(a.bytes, at, at + n);
    if (b.mapped) release_block(b.bytes, at, at + n);
    if (!same) return where;
  }
  return size;
}

}  // namespace onnxopt
