#include "verify/kernels_ref/util.h"

#include <algorithm>
#include <exception>
#include <new>
#include <thread>

#include "verify/exec/deadline.h"

namespace onnxopt::ref {
namespace {

template <class T>
bool default_of(const AttrSpec& spec, T& out) {
  if (!spec.has_default) return false;
  if constexpr (std::is_same_v<T, std::int64_t>) out = spec.i;
  else if constexpr (std::is_same_v<T, float>) out = spec.f;
  else if constexpr (std::is_same_v<T, std::string>) out = std::string(spec.s);
  else if constexpr (std::is_same_v<T, Ints>) out.assign(spec.ints.begin(), spec.ints.end());
  else if constexpr (std::is_same_v<T, Floats>) out.assign(spec.floats.begin(), spec.floats.end());
  else if constexpr (std::is_same_v<T, Strings>) out.assign(spec.strings.begin(), spec.strings.end());
  else return false;
  return true;
}

}  // namespace

template <class T>
T attr(const OpCall& call, std::string_view name) {
  if (const T* v = call.attrs->get<T>(name)) return *v;
  const AttrSpec* spec = call.op->find_attr(name);
  T value{};
  if (call.attrs->has(name)) bad_input(fmt::format("attribute '{}' has the wrong type", name));
  if (spec == nullptr || !default_of(*spec, value)) bad_input(fmt::format("attribute '{}' is missing", name));
  return value;
}
template std::int64_t attr(const OpCall&, std::string_view);
template float attr(const OpCall&, std::string_view);
template std::string attr(const OpCall&, std::string_view);
template Ints attr(const OpCall&, std::string_view);
template Floats attr(const OpCall&, std::string_view);
template Strings attr(const OpCall&, std::string_view);
template Tensor attr(const OpCall&, std::string_view);
template std::shared_ptr<Graph> attr(const OpCall&, std::string_view);

Ints ints_of(const Tensor& t) {
  if (!is_integer(t.dtype())) bad_input(fmt::format("expected integers, got {}", dtype_name(t.dtype())));
  return widen<std::int64_t>(t);
}

FloatView::FloatView(const Tensor& t) : keep(t) {
  if (t.dtype() == DType::float32) data = reinterpret_cast<const float*>(t.aligned());
  else {
    copy = widen<float>(t);
    data = copy.data();
  }
}

std::string dims_text(const Dims& dims) {
  std::string text;
  for (std::int64_t d : dims) {
    if (!text.empty()) text += 'x';
    text += std::to_string(d);
  }
  return text.empty() ? "scalar" : text;
}

std::int64_t normalize_axis(std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) bad_input(fmt::format("axis {} is out of range for rank {}", axis, rank));
  return axis < 0 ? axis + rank : axis;
}

std::int64_t product(const Dims& dims, std::size_t from, std::size_t to) {
  std::int64_t n = 1;
  for (std::size_t i = from; i < to; ++i) n *= dims[i];
  return n;
}

Dims strides_of(const Dims& dims) {
  Dims s(dims.size());
  std::int64_t n = 1;
  for (std::size_t i = dims.size(); i-- > 0; n *= dims[i]) s[i] = n;
  return s;
}

Dims broadcast(const Dims& a, const Dims& b) {
  Dims r(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < r.size(); ++i) {
    const std::int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1, db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) bad_input(fmt::format("shapes {} and {} do not broadcast", dims_text(a), dims_text(b)));
    r[r.size() - 1 - i] = da == 1 ? db : da;
  }
  return r;
}

// Work that takes long goes in pieces, with a look at the clock between them.
static void in_time(std::int64_t begin, std::int64_t end, double cost, Deadline::Time deadline,
                    const std::function<void(std::int64_t, std::int64_t)>& body) {
  constexpr double kPiece = 100e6;  // ns
  if (deadline == Deadline::Time::max() || cost * static_cast<double>(end - begin) <= kPiece) return body(begin, end);
  const std::int64_t step = std::max<std::int64_t>(static_cast<std::int64_t>(kPiece / cost), 1);
  for (std::int64_t at = begin; at < end; at += step) {
    Deadline::check(deadline);
    body(at, std::min(at + step, end));
  }
}

void parallel_for(std::int64_t n, double cost, const std::function<void(std::int64_t, std::int64_t)>& whole) {
  const auto body = [&whole, cost, deadline = Deadline::current()](std::int64_t begin, std::int64_t end) {
    in_time(begin, end, cost, deadline, whole);
  };
  constexpr double kWorthAThread = 200e3;  // ns; starting and joining one takes about 30 us
  if (n < 2 || cost * static_cast<double>(n) < kWorthAThread || std::thread::hardware_concurrency() < 2) return body(0, n);
  std::exception_ptr failure;
  const std::int64_t half = n / 2;
  std::thread other([&] {
    try {
      body(half, n);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    body(0, half);
  } catch (...) {
    other.join();
    throw;
  }
  other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace onnxopt::ref
