// The time at which a kernel that works long must stop. The plan sets it around every kernel; only loops that run long ask for it.
#pragma once

#include <chrono>

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

}  // namespace onnxopt
