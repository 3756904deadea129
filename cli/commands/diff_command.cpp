#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "cli/report/file_hashes.h"
#include "cli/report/format.h"
#include "ir/text/text.h"

namespace onnxopt {

void setup_diff(Command app, Action& chosen) {
  struct Options {
    std::string a, b;
    ModelOptions model;
    bool lifted = false;
  };
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("diff", "Compare two models as graphs: what was removed, added, changed; exit 1 if they differ");
  c.add_option("a", o->a, "The first .onnx file").required();
  c.add_option("b", o->b, "The second .onnx file").required();
  c.add_flag("--lifted", o->lifted, "Compare the graphs at the newest opset, so that models of different opsets can be equal");
  add_load_options(c, o->model);
  c.footer("Example: onnxopt diff before.onnx after.onnx");
  c.on_chosen([o, &chosen] {
    chosen = [o](const Invocation& invocation) {
      const auto read = [&](const std::string& f) { return o->lifted ? load_with_options(f, o->model) : read_raw(f, o->model); };
      const auto a = read(o->a), b = read(o->b);
      const std::string why = difference(*a, *b);
      const bool equal = why.empty();
      std::vector<DiffEntry> entries = equal ? std::vector<DiffEntry>() : diff(*a, *b);
      if (!equal && entries.empty()) entries.push_back({'~', why.substr(0, why.find('\n'))});  // diff() leaves out what is no change to people
      if (invocation.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const DiffEntry& e : entries)
          list.push_back({{"kind", e.kind == '-' ? "removed" : e.kind == '+' ? "added" : "changed"}, {"what", e.what}});
        const nlohmann::json files = {{"a", hashes_json(o->a)}, {"b", hashes_json(o->b)}};
        print_json(invocation, {{"a", o->a}, {"b", o->b}, {"files", files}, {"equal", equal}, {"differences", list}});
      } else if (equal) {
        fmt::print("equal graphs\n");
      } else {
        for (const DiffEntry& e : entries) fmt::print("{} {}\n", e.kind, printable(e.what));
      }
      return static_cast<int>(equal ? ExitCode::ok : ExitCode::gate_failed);
    };
  });
}

}  // namespace onnxopt
