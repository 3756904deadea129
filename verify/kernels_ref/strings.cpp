// Operators on strings. Text is UTF-8; only case changes and regular expressions look at more than bytes.
#include <re2/re2.h>

#include <algorithm>
#include <unordered_set>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/tokenizer.h"
#include "verify/kernels_ref/utf8_case.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

// For each element of an input of `dims` broadcast to `to`: its position.
std::vector<std::size_t> positions(const Dims& dims, const Dims& to) {
  const auto n = static_cast<std::size_t>(element_count(to));
  std::vector<std::size_t> at(n);
  const Dims strides = strides_of(dims);
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t rest = i;
    for (std::size_t d = to.size(); d-- > 0;) {
      const auto size = static_cast<std::size_t>(to[d]), k = rest % size;
      rest /= size;
      if (const std::size_t skip = to.size() - dims.size(); d >= skip && dims[d - skip] != 1)
        at[i] += k * static_cast<std::size_t>(strides[d - skip]);
    }
  }
  return at;
}

void run_concat(KernelIo& io) {
  const Tensor &a = io.in(0), &b = io.in(1);
  const Dims dims = broadcast(a.dims(), b.dims());
  const auto from_a = positions(a.dims(), dims), from_b = positions(b.dims(), dims);
  std::vector<std::string> out;
  out.reserve(from_a.size());
  for (std::size_t i = 0; i < from_a.size(); ++i) out.push_back(a.strings()[from_a[i]] + b.strings()[from_b[i]]);
  io.set(0, Tensor::from_strings(dims, std::move(out)));
}

constexpr std::string_view kSpace = " \t\n\v\f\r";

// Runs of white space separate; leading and trailing ones count for nothing.
std::vector<std::string> split_at_space(std::string_view s, int64_t most) {
  std::vector<std::string> parts;
  for (std::size_t at = s.find_first_not_of(kSpace); at != s.npos;) {
    std::size_t end = static_cast<int64_t>(parts.size()) < most ? s.find_first_of(kSpace, at) : s.npos;
    if (end == s.npos) {
      // what is left after the last split keeps its inner white space
      end = s.find_last_not_of(kSpace) + 1;
      parts.emplace_back(s.substr(at, end - at));
      break;
    }
    parts.emplace_back(s.substr(at, end - at));
    at = s.find_first_not_of(kSpace, end);
  }
  return parts;
}
std::vector<std::string> split_at(std::string_view s, std::string_view delimiter, int64_t most) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (static_cast<int64_t>(parts.size()) < most) {
    const std::size_t end = s.find(delimiter, at);
    if (end == s.npos) break;
    parts.emplace_back(s.substr(at, end - at));
    at = end + delimiter.size();
  }
  parts.emplace_back(s.substr(at));
  return parts;
}

Maybe<RunFn> prepare_split(const OpCall& call, ExecEnv&) {
  const auto stated = attr_or<int64_t>(call, "maxsplit", INT64_MAX), most = stated < 0 ? INT64_MAX : stated;  // as in Python
  return RunFn([delimiter = attr_or<std::string>(call, "delimiter", ""), most](KernelIo& io) {
    const Tensor& x = io.in(0);
    std::vector<std::vector<std::string>> parts;
    std::vector<int64_t> counts;
    std::size_t width = 0;
    for (const std::string& s : x.strings()) {
      parts.push_back(delimiter.empty() ? split_at_space(s, most) : split_at(s, delimiter, most));
      counts.push_back(static_cast<int64_t>(parts.back().size()));
      width = std::max(width, parts.back().size());
    }
    Dims dims = x.dims();
    dims.push_back(static_cast<int64_t>(width));
    std::vector<std::string> out(static_cast<std::size_t>(element_count(dims)));
    for (std::size_t i = 0; i < parts.size(); ++i) std::move(parts[i].begin(), parts[i].end(), out.begin() + static_cast<std::ptrdiff_t>(i * width));
    io.set(0, Tensor::from_strings(dims, std::move(out)));
    io.set(1, Tensor::of<int64_t>(x.dims(), counts));
  });
}

CaseChange read_case_change(const OpCall& call) {
  const auto text = attr_or<std::string>(call, "case_change_action", "NONE");
  if (text == "LOWER") return CaseChange::lower;
  if (text == "UPPER") return CaseChange::upper;
  if (text != "NONE") bad_input(fmt::format("case_change_action '{}'", text));
  return CaseChange::none;
}

// The locale attribute depends on the machine; here the case of a character is that of Unicode everywhere.
Maybe<RunFn> prepare_normalizer(const OpCall& call, ExecEnv&) {
  const bool exact = attr_or<int64_t>(call, "is_case_sensitive", 0) != 0;
  const CaseChange change = read_case_change(call);
  const CaseChange compared = exact ? CaseChange::none : change == CaseChange::upper ? CaseChange::upper : CaseChange::lower;
  std::unordered_set<std::string> stop;
  for (const std::string& s : attr_or<Strings>(call, "stopwords", {})) stop.insert(change_case(s, compared));
  return RunFn([stop, change, compared](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 1 || x.rank() > 2 || (x.rank() == 2 && x.dims()[0] != 1))
      bad_input(fmt::format("a tensor of {}; [C] or [1, C] is expected", dims_text(x.dims())));
    std::vector<std::string> out;
    for (const std::string& s : x.strings())
      if (stop.empty() || !stop.contains(change_case(s, compared))) out.push_back(change_case(s, change));
    if (out.empty()) out.emplace_back();
    Dims dims(x.dims().size(), 1);
    dims.back() = static_cast<int64_t>(out.size());
    io.set(0, Tensor::from_strings(dims, std::move(out)));
  });
}

Maybe<RunFn> prepare_full_match(const OpCall& call, ExecEnv&) {
  const auto pattern = attr<std::string>(call, "pattern");
  RE2::Options options;
  options.set_log_errors(false);
  auto expression = std::make_shared<const RE2>(pattern, options);
  if (!expression->ok()) bad_input(fmt::format("the pattern '{}' is not valid: {}", pattern, expression->error()));
  return RunFn([expression](KernelIo& io) {
    Buffer out(DType::boolean, io.in(0).dims());
    std::int64_t i = 0;
    for (const std::string& s : io.in(0).strings()) out.as<std::uint8_t>()[i++] = RE2::FullMatch(s, *expression);
    io.set(0, std::move(out).tensor());
  });
}

constexpr Kernel kKernels[] = {
    {"", "StringConcat", 20, kAnyVersion, simple<run_concat>},         {"", "StringSplit", 20, kAnyVersion, prepare_split},
    {"", "StringNormalizer", 10, kAnyVersion, prepare_normalizer},     {"", "RegexFullMatch", 20, kAnyVersion, prepare_full_match},
    {"com.microsoft", "Tokenizer", 1, kAnyVersion, prepare_tokenizer},
};

}  // namespace

std::span<const Kernel> string_kernels() { return kKernels; }

}  // namespace onnxopt::ref
