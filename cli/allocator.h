// The memory of the process: mimalloc, where the build has it, on huge pages, where the system gives them on request.
#pragma once

#include <atomic>

namespace onnxopt {

// Call first in main: gives the allocator address space that the kernel may back with huge pages. Without mimalloc, or refused, nothing changes.
void use_huge_pages();

// The highest address that operator new has given out, once that is beyond a small run's. The kernel clears a page at its first touch, and in a
// virtual machine its host has to find it first: a third of the time of a graph of a million nodes. A second thread has that done ahead of the heap.
extern std::atomic<char*> heap_watch;
void heap_has_grown(char* top);
inline void watch_heap(void* p) {
  if (static_cast<char*>(p) > heap_watch.load(std::memory_order_relaxed)) heap_has_grown(static_cast<char*>(p));
}

// What the machine (or the container) has free is all that this process may take: a model that asks for more gets the line of an error (out of
// memory) instead of the system killing this process, or another one.
void limit_memory();

}  // namespace onnxopt
