// operator new and delete on mimalloc: a graph is millions of small objects. Not mimalloc-new-delete.h: the library is built as C and cannot throw,
// so its mi_new() ends the program where memory is short, and a result that is too large must be one line and an exit code.
#ifdef ONNXOPT_MIMALLOC
#include <mimalloc.h>

#include <new>

#include "cli/allocator.h"

namespace {

void* or_throw(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  onnxopt::watch_heap(p);
  return p;
}
std::size_t at_least_one(std::size_t n) { return n == 0 ? 1 : n; }
std::size_t number(std::align_val_t a) { return static_cast<std::size_t>(a); }

}  // namespace

void* operator new(std::size_t n) { return or_throw(mi_malloc(at_least_one(n))); }
void* operator new[](std::size_t n) { return or_throw(mi_malloc(at_least_one(n))); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return mi_malloc(at_least_one(n)); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return mi_malloc(at_least_one(n)); }
void* operator new(std::size_t n, std::align_val_t a) { return or_throw(mi_malloc_aligned(at_least_one(n), number(a))); }
void* operator new[](std::size_t n, std::align_val_t a) { return or_throw(mi_malloc_aligned(at_least_one(n), number(a))); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return mi_malloc_aligned(at_least_one(n), number(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return mi_malloc_aligned(at_least_one(n), number(a)); }

void operator delete(void* p) noexcept { mi_free(p); }
void operator delete[](void* p) noexcept { mi_free(p); }
void operator delete(void* p, std::size_t) noexcept { mi_free(p); }
void operator delete[](void* p, std::size_t) noexcept { mi_free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete(void* p, std::align_val_t) noexcept { mi_free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { mi_free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { mi_free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { mi_free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { mi_free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { mi_free(p); }
#endif
