#include "cli/allocator.h"

#ifdef ONNXOPT_MIMALLOC
#include <mimalloc.h>
#include <sys/mman.h>

#include <cstddef>
#endif

namespace onnxopt {

#ifdef ONNXOPT_MIMALLOC
// Not mimalloc's own option for large pages: that takes pages from the system's reserved pool, which other programs may need and which a container
// may forbid at the first touch. Address space alone costs nothing; what does not fit comes from mimalloc's usual source.
void use_huge_pages() {
  constexpr std::size_t kSize = std::size_t{4} << 30, kAlignment = std::size_t{64} << 20;  // mimalloc's segments are aligned to at most this
  // The first part stays in small pages: a run of milliseconds that needs little memory loses more by the clearing of whole large ones, most of all
  // in a virtual machine whose host has to find them first.
  constexpr std::size_t kSmallPages = std::size_t{64} << 20;
  void* mapped = mmap(nullptr, kSize + kAlignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return;
  char* start = static_cast<char*>(mapped);
  start += (kAlignment - reinterpret_cast<std::size_t>(start) % kAlignment) % kAlignment;
  if (madvise(start + kSmallPages, kSize - kSmallPages, MADV_HUGEPAGE) != 0) {
    munmap(mapped, kSize + kAlignment);
    return;
  }
  mi_manage_os_memory(start, kSize, /*is_committed=*/true, /*is_large=*/false, /*is_zero=*/true, /*numa_node=*/-1);
}
#else
void use_huge_pages() {}
#endif

}  // namespace onnxopt
