#include "cli/allocator.h"

#ifdef ONNXOPT_MIMALLOC
#include <mimalloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <new>

// A graph is millions of small objects. Not mimalloc-new-delete.h: where the library is compiled as C, as Debian's is, its mi_new ends the process
// without a word when there is no memory left. Every form is here, since the library brings those that are not.
namespace {

void* allocate(std::size_t size, std::size_t alignment) noexcept { return alignment ? mi_malloc_aligned(size, alignment) : mi_malloc(size); }
void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = allocate(size, alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

using Alignment = std::align_val_t;
void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new(std::size_t n, Alignment a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, Alignment a) { return allocate_or_throw(n, static_cast<std::size_t>(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
void* operator new(std::size_t n, Alignment a, const std::nothrow_t&) noexcept { return allocate(n, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t n, Alignment a, const std::nothrow_t&) noexcept { return allocate(n, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { mi_free(p); }
void operator delete[](void* p) noexcept { mi_free(p); }
void operator delete(void* p, std::size_t) noexcept { mi_free(p); }
void operator delete[](void* p, std::size_t) noexcept { mi_free(p); }
void operator delete(void* p, Alignment) noexcept { mi_free(p); }
void operator delete[](void* p, Alignment) noexcept { mi_free(p); }
void operator delete(void* p, std::size_t, Alignment) noexcept { mi_free(p); }
void operator delete[](void* p, std::size_t, Alignment) noexcept { mi_free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete(void* p, Alignment, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete[](void* p, Alignment, const std::nothrow_t&) noexcept { mi_free(p); }
#endif

namespace onnxopt {

#ifdef ONNXOPT_MIMALLOC
// Not mimalloc's own option for large pages: that takes pages from the system's reserved pool, which other programs may need and which a container
// may forbid at the first touch. Address space alone costs nothing; what does not fit comes from mimalloc's usual source.
void use_huge_pages() {
  constexpr std::size_t kSize = std::size_t{4} << 30, kAlignment = std::size_t{64} << 20;  // mimalloc's segments are aligned to at most this
  void* mapped = mmap(nullptr, kSize + kAlignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return;
  char* start = static_cast<char*>(mapped);
  start += (kAlignment - reinterpret_cast<std::size_t>(start) % kAlignment) % kAlignment;
  if (madvise(start, kSize, MADV_HUGEPAGE) != 0) {
    munmap(mapped, kSize + kAlignment);
    return;
  }
  mi_manage_os_memory(start, kSize, /*is_committed=*/true, /*is_large=*/false, /*is_zero=*/true, /*numa_node=*/-1);
}
#else
void use_huge_pages() {}
#endif

}  // namespace onnxopt
