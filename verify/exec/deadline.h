// The time at which a kernel that works long must stop. The plan sets it around every kernel; only loops that run long ask for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace onnxopt {

class Deadline {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Of the kernels that this thread runs while the object lives. A kernel's signature has no place for it, and few kernels need one.
  explicit Deadline(Time at);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  static Time current();       // Time::max(): none
  static void check(Time at);  // throws Error(gate_failed) if it has passed

 private:
  Time before_;
};

// For loops that only move data or go row by row: looks at the clock after about every 20 ms of such work.
class DeadlineWatch {
 public:
  // `cost`: about in nanoseconds.
  void did(std::int64_t cost) {
    if ((since_ += cost) >= kLook) look();
  }

 private:
  static constexpr std::int64_t kLook = 20'000'000;
  void look() {
    since_ = 0;
    Deadline::check(at_);
  }
  Deadline::Time at_ = Deadline::current();
  std::int64_t since_ = 0;
};
inline std::int64_t moving_cost(std::size_t bytes) { return 4 + static_cast<std::int64_t>(bytes / 4); }

}  // namespace onnxopt
