// Fuzzes the loader: arbitrary bytes are either refused with an Error or read, checked, written and read again to the same bytes. Only Error may be
// thrown; anything else is a finding. Corpus: tests/models (see tests/fuzz/README.md).
#include <cstdlib>
#include <iostream>

#include "ir/core/check.h"
#include "ir/io/io.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace onnxopt;
  std::unique_ptr<Model> model;
  try {
    model = read_model(std::as_bytes(std::span(data, size)), nullptr, "/nonexistent");
  } catch (const Error&) {
    return 0;
  }
  for (const Finding& f : check(*model)) {
    if (!f.broken) continue;
    std::cerr << "broken graph from the reader: " << f.where << ": " << f.what << '\n';
    std::abort();
  }
  const std::string first = serialize_model(*model);
  const auto again = read_model(std::as_bytes(std::span(first)), nullptr, "/nonexistent");
  const std::string second = serialize_model(*again);
  if (first != second) {
    std::cerr << "written, read and written again: " << first.size() << " and " << second.size() << " bytes differ\n";
    std::abort();
  }
  return 0;
}
