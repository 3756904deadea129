// Fuzzes loader and optimizer: arbitrary bytes are either refused with an Error or read, checked, written and read again to the same bytes; then they
// are lifted, optimized, lowered, and the result is checked and read back. Only Error may be thrown; anything else is a finding. Corpus: tests/models
// (see tests/fuzz/README.md).
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "ir/core/check.h"
#include "ir/io/io.h"
#include "passes/core/manager.h"
#include "verify/exec/executor.h"

namespace {

using namespace onnxopt;

void refuse_broken(Model& model, const char* from) {
  for (const Finding& f : check(model)) {
    if (!f.broken) continue;
    std::cerr << "broken graph from the " << from << ": " << f.where << ": " << f.what << '\n';
    std::abort();
  }
}

void optimize(Model& model, std::size_t bytes) {
  lift(model);
  refuse_broken(model, "lifting");
  const auto evaluator = reference_evaluator();
  PassContext ctx;
  ctx.model = &model;
  ctx.evaluator = evaluator.get();
  ctx.output = own_opsets(model);
  ctx.growth.left_bytes = std::max<std::int64_t>(1 << 20, static_cast<std::int64_t>(bytes / 10));
  PassManager manager(graph_passes());
  manager.add(default_pipeline(Level::o2));
  manager.run(model, ctx);
  refuse_broken(model, "optimizer");
  lower(model, ctx.output);
  const std::string written = serialize_model(model);
  try {
    refuse_broken(*read_model(std::as_bytes(std::span(written)), nullptr, "/nonexistent"), "writer");
  } catch (const Error& e) {
    std::cerr << "what was written cannot be read: " << e.what() << '\n';
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::unique_ptr<Model> model;
  try {
    model = read_model(std::as_bytes(std::span(data, size)), nullptr, "/nonexistent");
  } catch (const Error&) {
    return 0;
  }
  refuse_broken(*model, "reader");
  const std::string first = serialize_model(*model);
  const auto again = read_model(std::as_bytes(std::span(first)), nullptr, "/nonexistent");
  const std::string second = serialize_model(*again);
  if (first != second) {
    std::cerr << "written, read and written again: " << first.size() << " and " << second.size() << " bytes differ\n";
    std::abort();
  }
  try {
    optimize(*model, size);
  } catch (const Error&) {  // a model that contradicts itself
  }
  return 0;
}
