#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "cli/report/file_hashes.h"
#include "ir/text/tensor_text.h"
#include "ir/text/text.h"

namespace onnxopt {

namespace {

// JSON holds UTF-8 only; the bytes of other strings (blobs in attributes) would be lost in it without a word.
bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace

void setup_print(Command app, Action& chosen) {
  struct Options {
    std::string file;
    ModelOptions model;
    PrintOptions print;
    bool lifted = false;
  };
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("print", "Print a model in ONNX text syntax");
  c.add_option("model", o->file, "The .onnx file to read").required();
  c.add_flag("--full", o->print.full, "Everything, so that the text parses back to an equal model (default: constants over 16 elements are elided)");
  c.add_flag("--types", o->print.types, "Add the inferred types of inner values");
  c.add_flag("--lifted", o->lifted, "The graph as the passes see it: every node at the newest opset");
  add_load_options(c, o->model);
  c.footer("Example: onnxopt print model.onnx --full > model.onnxtxt    every command reads that file too, by its ending");
  c.on_chosen([o, &chosen] {
    chosen = [o](const Invocation& invocation) {
      const bool lift_it = o->lifted || o->print.types;
      const auto m = lift_it ? load_with_options(o->file, o->model) : read_raw(o->file, o->model);
      const std::string text = print_model(*m, o->print);
      if (invocation.json) {
        nlohmann::json report = {{"model", o->file}, {"files", {{"model", hashes_json(o->file)}}}, {"text", text}};
        if (!is_utf8(text)) report["text_base64"] = text::to_base64(text);
        print_json(invocation, std::move(report));
      } else std::fwrite(text.data(), 1, text.size(), stdout);
      return 0;
    };
  });
}

}  // namespace onnxopt
