#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/report/format.h"
#include "passes/core/manager.h"

namespace onnxopt {

void setup_passes(Command app, Action& chosen) {
  Command c = app.add_subcommand("passes", "List the passes and rules, what they do, and the default pipelines");
  c.footer("Example: onnxopt passes");
  c.on_chosen([&chosen] {
    chosen = [](const Invocation& invocation) {
      if (invocation.json) {
        nlohmann::json list = nlohmann::json::array(), pipelines;
        for (const CatalogEntry& e : pipeline_names(graph_passes()))
          list.push_back({{"name", e.name}, {"kind", e.kind}, {"level", static_cast<int>(e.level)}, {"summary", e.summary}});
        for (const Level l : {Level::o1, Level::o2, Level::o3}) pipelines[fmt::format("O{}", static_cast<int>(l))] = default_pipeline(l);
        print_json(invocation, {{"passes", list}, {"pipelines", pipelines}});
        return 0;
      }
      Table t({"name", "kind", "level", "what it does"});
      for (const CatalogEntry& e : pipeline_names(graph_passes())) t.add({e.name, e.kind, fmt::format("O{}", static_cast<int>(e.level)), e.summary});
      fmt::print("{}\n", t.text());
      for (const Level l : {Level::o1, Level::o2, Level::o3}) fmt::print("O{} = {}\n", static_cast<int>(l), default_pipeline(l));
      return 0;
    };
  });
}

}  // namespace onnxopt
