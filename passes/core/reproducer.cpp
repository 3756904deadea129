#include "passes/core/reproducer.h"

#include <fmt/format.h>

#include "ir/io/write_file.h"
#include "ir/text/text.h"

namespace onnxopt {
namespace {

// Models with less constant data than this are printed in full.
constexpr std::size_t kFullBytes = 1 << 20;

std::size_t constant_bytes(Model& model) {
  std::size_t bytes = 0;
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (const Value* v : g.constants())
        if (v->constant()) bytes += v->constant()->byte_size();
    });
  return bytes;
}

std::string commented(const std::string& text) {
  std::string out = "# ";
  for (const char c : text) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return out;
}

}  // namespace

bool write_reproducer(const ReproducerRequest& request) noexcept try {
  std::string text = commented("onnxopt internal error: " + request.error) + "\n";
  text += fmt::format("# RUN: onnxopt optimize {} --passes={} --no-verify -o /tmp/out.onnx\n", request.file.filename().string(),
                      request.failed->current_pass());
  text += fmt::format("# pipeline: {} (step {})\n", request.failed->text(), request.failed->run_count() + 1);
  write_file(request.file, text);  // what follows may fail as the pass did
  auto model = request.load();
  PassManager again(request.passes);
  again.add(request.failed->text()).set({.verify_each = false, .stop_before_run = request.failed->run_count()});
  PassContext ctx = request.context;
  again.run(*model, ctx);
  write_file(request.file, text + print_model(*model, {.full = constant_bytes(*model) <= kFullBytes}) + "\n");
  return true;
} catch (...) {
  return false;
}

}  // namespace onnxopt
