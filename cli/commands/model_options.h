// Options that change what model is read: input shapes, symbolic dims, selection of inputs and outputs. Shared by the commands that load models.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "ir/core/model.h"
#include "passes/opset/opset.h"

namespace onnxopt {

struct ModelOptions {
  std::vector<std::string> input_shapes;  // NAME:1,3,224,224
  std::vector<std::string> dims;          // batch=1, batch=?
  std::vector<std::string> inputs;        // values that become the graph's inputs
  std::vector<std::string> outputs;       // values that become the graph's outputs
  int assume_opset = 0;
  bool strict_links = false;
  bool edits() const { return !input_shapes.empty() || !dims.empty() || !inputs.empty() || !outputs.empty(); }
};

// For check(): what is wrong with the text of a number, "": nothing.
std::string not_seconds(const std::string& text);  // a positive number
std::string not_count(const std::string& text);    // a whole number, 0 or more

void add_load_options(Command cmd, ModelOptions& o);   // --assume-opset, --strict-links
void add_model_options(Command cmd, ModelOptions& o);  // the above and the edits

// As the file has it: not lifted, dims not changed.
std::unique_ptr<Model> read_raw(const std::string& file, const ModelOptions& o);
// Read, --dim and --input-shape applied, lifted, inferred, --input and --output applied.
// `on_raw` sees the model as the file has it, before anything is changed.
std::unique_ptr<Model> load_with_options(const std::string& file, const ModelOptions& o, LiftReport* report = nullptr,
                                         const std::function<void(Model&)>& on_raw = {});

}  // namespace onnxopt
