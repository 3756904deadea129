// Fuzzes the text format: arbitrary text is either refused with an Error or parsed, and then print --full of it reads back to an equal model that
// prints the same. Only Error may be thrown; anything else is a finding. Corpus: tests/cases (see tests/fuzz/README.md).
#include <cstdlib>
#include <iostream>

#include "ir/core/check.h"
#include "ir/text/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace onnxopt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParseOptions limits{.placeholders = true, .max_synthetic_bytes = 1 << 20};
  std::unique_ptr<Model> model;
  try {
    model = parse_model(text, limits);
  } catch (const Error&) {
    return 0;
  }
  for (const Finding& f : check(*model)) {
    if (!f.broken) continue;
    std::cerr << "broken graph from the parser: " << f.where << ": " << f.what << '\n';
    std::abort();
  }
  const std::string first = print_model(*model, {.full = true});
  const auto again = parse_model(first, limits);
  const std::string second = print_model(*again, {.full = true});
  const std::string differs =
      difference(*model, *again, {.inner_names = true, .any_constants = false, .metadata = true, .normalize_defaults = false});
  if (first == second && differs.empty()) return 0;
  std::cerr << first << "\nread and printed again:\n" << second << '\n' << differs;
  std::abort();
}
