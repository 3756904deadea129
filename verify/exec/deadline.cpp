#include "verify/exec/deadline.h"

#include "ir/core/error.h"

namespace onnxopt {
namespace {

Deadline::Time& of_this_thread() {
  thread_local Deadline::Time at = Deadline::Time::max();
  return at;
}

}  // namespace

Deadline::Deadline(Time at) : before_(of_this_thread()) { of_this_thread() = at; }
Deadline::~Deadline() { of_this_thread() = before_; }
Deadline::Time Deadline::current() { return of_this_thread(); }
void Deadline::check(Time at) {
  if (at != Time::max() && std::chrono::steady_clock::now() > at) throw Error(ExitCode::gate_failed, "timed out");
}

}  // namespace onnxopt
