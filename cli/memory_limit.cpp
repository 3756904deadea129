#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

#include "cli/allocator.h"

namespace onnxopt {
namespace {

#ifndef __SANITIZE_ADDRESS__  // its shadow memory is larger than any machine's

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

// "MemAvailable:   23456 kB" of a file of such lines, in bytes.
std::uint64_t field(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string key; in >> key;) {
    std::uint64_t kib = 0;
    if (key == name + ":" && in >> kib) return kib << 10;
    in.clear();
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return kUnknown;
}

// What the container may use at most.
std::uint64_t container_limit() {
  std::uint64_t bytes = 0;
  for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (std::ifstream in(file); in >> bytes) return bytes;
  return kUnknown;
}

#endif

}  // namespace

// Writable private memory is what the limit counts: mapped model files are not in it.
void limit_memory() {
#ifndef __SANITIZE_ADDRESS__
  constexpr std::uint64_t kRoom = std::uint64_t{1} << 30;  // threads' stacks, and what the allocator holds without using it
  const std::uint64_t free_now = field("/proc/meminfo", "MemAvailable"), swap = field("/proc/meminfo", "SwapFree");
  if (free_now == kUnknown) return;
  const std::uint64_t usable = std::min(free_now + (swap == kUnknown ? 0 : swap), container_limit());
  const std::uint64_t reserved = field("/proc/self/status", "VmData");  // address space, as good as unused
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  const rlim_t wanted = std::max<rlim_t>(usable, reserved == kUnknown ? 0 : reserved) + kRoom;
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur <= wanted) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

}  // namespace onnxopt
