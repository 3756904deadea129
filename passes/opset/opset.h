// One opset inside (DESIGN 2). load = read + lift to the newest opset the table knows; save = restore or lower to the output opset + write.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ir/core/model.h"
#include "ir/io/io.h"

namespace onnxopt {

struct KeptNode {
  std::string graph, node, op;
  int since;
  std::string reason;
};  // `inspect --lifted`
struct LiftReport {
  std::size_t lifted = 0, untouched = 0;
  std::vector<KeptNode> kept;
};

struct LoadOptions {
  ReadOptions read;
  int assume_opset = 0;  // --assume-opset: read a model newer than the table as this opset
  bool lift = true;
};
// Reads, lifts and infers. Throws Error(bad_input).
std::unique_ptr<Model> load(const std::filesystem::path& file, const LoadOptions& options = {}, LiftReport* report = nullptr);
// In place: every node to the newest version of its op, where possible; Constant nodes become constants (with a record); types inferred on the way.
LiftReport lift(Model& model);

// Where a model goes on save: version per domain. Default: its own file_opsets.
struct OutputOpsets {
  std::vector<OpsetImport> imports;
  int version(std::string_view domain) const;  // 0: not imported
};
OutputOpsets own_opsets(const Model& model);

struct LowerOptions {
  bool restore = true;  // --no-restore: lower everything through the adapters
};
// The imports of a function body when its model goes to `target`: its own, with those domains that the model changes taken along.
OutputOpsets function_opsets(const Model& model, const Function& f, const OutputOpsets& target);
// Would `node` (newest version) exist at `target`? "" yes, else the reason. Used by the rewrite driver on trial, by save, and by convert --plan.
// Looks at op, attributes, constness and types of inputs. Bounded work, no mutation.
std::string cannot_lower(const Node& node, const OutputOpsets& target);
// In place, all or nothing: Error(bad_input) naming every node that cannot be expressed. Sets model.opsets = target.
void lower(Model& model, const OutputOpsets& target, const LowerOptions& options = {});

struct SaveOptions {
  OutputOpsets target;
  LowerOptions lower;
  WriteOptions write;
  std::int64_t ir_version = 0;
};  // 0: the model's own or what target needs
WriteResult save(Model& model, const std::filesystem::path& file, const SaveOptions& options);

}  // namespace onnxopt
