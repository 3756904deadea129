#include "cli/allocator.h"

#ifdef ONNXOPT_MIMALLOC
#include <mimalloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#endif

namespace onnxopt {

#ifdef ONNXOPT_MIMALLOC
std::atomic<char*> heap_watch{reinterpret_cast<char*>(~std::uintptr_t{0})};

namespace {

char* heap_end = nullptr;

#ifdef MADV_POPULATE_WRITE
constexpr std::size_t kAhead = std::size_t{24} << 20, kStep = std::size_t{4} << 20;
constexpr useconds_t kShortPause = 100, kLongPause = 10'000;

// Has the kernel clear the memory above what is in use, a step at a time, for as long as the heap grows.
void* clear_ahead(void* from) {
  useconds_t pause = kShortPause;
  for (char* next = static_cast<char*>(from); next + kStep <= heap_end;) {
    if (next < heap_watch.load(std::memory_order_relaxed) + kAhead) {
      if (madvise(next, kStep, MADV_POPULATE_WRITE) != 0) break;  // an old kernel, or no memory left: whoever needs it will see
      next += kStep;
      pause = kShortPause;
    } else {
      usleep(pause);
      pause = std::min(2 * pause, kLongPause);
    }
  }
  return nullptr;
}
#endif

}  // namespace

void heap_has_grown(char* top) {
  if (top >= heap_end) return;  // from elsewhere
  static std::atomic<bool> running{false};
  heap_watch.store(top, std::memory_order_relaxed);
#ifdef MADV_POPULATE_WRITE
  if (running.exchange(true)) return;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, clear_ahead, top + (kStep - reinterpret_cast<std::uintptr_t>(top) % kStep)) == 0) pthread_detach(thread);
#endif
}

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
  heap_end = start + kSize;
  heap_watch = start + kSmallPages;
  mi_manage_os_memory(start, kSize, /*is_committed=*/true, /*is_large=*/false, /*is_zero=*/true, /*numa_node=*/-1);
}
#else
void use_huge_pages() {}
#endif

}  // namespace onnxopt
