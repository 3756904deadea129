#include "ir/core/prefault.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace onnxopt {
namespace {

constexpr std::size_t kWorthIt = std::size_t{64} << 10;

// Whole pages inside the range only: what lies beside it is not ours.
[[maybe_unused]] void advise(const std::byte* data, std::size_t size, int advice) {
  if (size < kWorthIt) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + size) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);  // a hint: what it answers changes nothing
}

}  // namespace

#ifdef MADV_POPULATE_READ
void prefault_for_reading(std::span<const std::byte> bytes) { advise(bytes.data(), bytes.size(), MADV_POPULATE_READ); }
void prefault_for_writing(std::span<std::byte> bytes) { advise(bytes.data(), bytes.size(), MADV_POPULATE_WRITE); }
#else
void prefault_for_reading(std::span<const std::byte>) {}
void prefault_for_writing(std::span<std::byte>) {}
#endif

}  // namespace onnxopt
