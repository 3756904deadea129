#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/report/format.h"
#include "passes/core/manager.h"

namespace onnxopt {

void setup_passes(CLI::App& app, Action& chosen) {
  auto json = std::make_shared<bool>(false);
  CLI::App* c = app.add_subcommand("passes", "List the passes and rules, what they do, and the default pipelines");
  c->add_flag("--json", *json, "Print the list as JSON");
  c->footer("Example: onnxopt passes");
  c->callback([json, &chosen] {
    chosen = [json] {
      if (*json) {
        nlohmann::json list = nlohmann::json::array(), pipelines;
        for (const CatalogEntry& e : pipeline_names(graph_passes()))
          list.push_back({{"name", e.name}, {"kind", e.kind}, {"level", static_cast<int>(e.level)}, {"summary", e.summary}});
        for (const Level l : {Level::o1, Level::o2, Level::o3}) pipelines[fmt::format("O{}", static_cast<int>(l))] = default_pipeline(l);
        fmt::print("{}\n", nlohmann::json{{"passes", list}, {"pipelines", pipelines}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
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
