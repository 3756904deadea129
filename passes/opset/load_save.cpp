#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "ir/text/read_file.h"
#include "passes/opset/opset.h"

namespace onnxopt {
namespace {

// Reads the nodes of domains that are newer than the table as version `assumed`.
void assume(Graph& root, int assumed) {
  for_each_graph(root, [&](Graph& g) {
    for (Node& n : g.nodes())
      if (n.op().domain.empty() && !n.op().has(kOpaque))
        if (const OpSchema* row = find_op("", n.op().name, assumed)) n.set_op(*row);
  });
}

void check_opsets(Model& model, const std::vector<OpsetImport>& imports, const std::string& where, Graph& root, int assumed) {
  for (const OpsetImport& i : imports) {
    const int newest = newest_opset(i.domain);
    if (newest == 0 || i.version <= newest) continue;
    const bool main_domain = canonical_domain(i.domain).empty();
    if (main_domain && assumed > 0) {
      assume(root, std::min(assumed, newest));
      continue;
    }
    const std::string name = main_domain ? "ai.onnx" : i.domain;
    bad_input(fmt::format("{}opset {} of {} is newer than {}, the newest that is known; --assume-opset {} reads it as that", where, i.version, name,
                          newest, newest));
  }
  (void)model;
}

}  // namespace

std::unique_ptr<Model> load(const std::filesystem::path& file, const LoadOptions& options, LiftReport* report) {
  if (!options.lift) return read_model_file(file, options.read);
  std::unique_ptr<Model> model = read_model_file_with_constants(file, options.read);
  with_context(file.string(), [&] {
    check_opsets(*model, model->opsets, "", model->graph(), options.assume_opset);
    for (const auto& f : model->functions) check_opsets(*model, f->opsets, fmt::format("function '{}': ", f->name), *f->body, options.assume_opset);
  });
  LiftReport r = lift(*model);
  if (report) *report = std::move(r);
  return model;
}

WriteResult save(Model& model, const std::filesystem::path& file, const SaveOptions& options) {
  const OutputOpsets own = own_opsets(model);
  const OutputOpsets target = options.target.imports.empty() ? own : options.target;
  lower(model, target, options.lower);
  if (options.ir_version != 0) model.ir_version = options.ir_version;
  else if (target.version("") > own.version(""))
    model.ir_version = std::max<std::int64_t>(model.ir_version, ir_version_for_opset(target.version("")));
  return write_model(model, file, options.write);
}

}  // namespace onnxopt
