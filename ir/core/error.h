// The three error situations of the project, never mixed:
//   does not apply  -> Maybe<T> with a reason (a value, not an error)
//   bad input       -> throw Error{code, message}; callers add context with with_context()
//   a bug           -> ONNXOPT_CHECK throws InternalError; main writes a reproducer and exits 4
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace onnxopt {

// Process exit codes (DESIGN 6).
enum class ExitCode { ok = 0, gate_failed = 1, usage = 2, bad_input = 3, internal = 4 };

// Bad or unsupported input, a failed gate or wrong usage: one clear line saying what, where and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// A broken invariant of ours.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void bad_input(const std::string& message) { throw Error(ExitCode::bad_input, message); }
// The defaults name the caller (builtins of GCC and clang; clang 14 has no std::source_location).
[[noreturn]] void check_failed(const char* condition, const std::string& message, const char* file = __builtin_FILE(), int line = __builtin_LINE());

// Runs `body`; an Error that escapes it gets `what: ` put in front of its message.
template <class F>
decltype(auto) with_context(const std::string& what, F&& body) {
  try {
    return std::forward<F>(body)();
  } catch (const Error& e) {
    throw Error(e.code(), what + ": " + e.what());
  }
}

// A value, or the reason why there is none ("does not apply").
template <class T>
struct Maybe {
  std::optional<T> value;
  std::string reason;

  Maybe(T v) : value(std::move(v)) {}  // NOLINT: implicit by design, `return value;`
  static Maybe none(std::string why) { return Maybe(std::nullopt, std::move(why)); }
  explicit operator bool() const { return value.has_value(); }
  T& operator*() { return *value; }
  const T& operator*() const { return *value; }
  T* operator->() { return &*value; }

 private:
  Maybe(std::nullopt_t, std::string why) : reason(std::move(why)) {}
};

}  // namespace onnxopt

#define ONNXOPT_CHECK(condition, message)                           \
  do {                                                              \
    if (!(condition)) ::onnxopt::check_failed(#condition, message); \
  } while (false)
