#include "cli/commands/invocation.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands/config_file.h"
#include "cli/commands/output_options.h"
#include "cli/commands/version.h"

namespace onnxopt {
namespace {

constexpr std::array<std::string_view, 6> kNotConfig = {"help", "config", "out", "save", "json", "quiet"};

nlohmann::json number_or_text(const std::string& text) {
  if (text == kBesideTheModel) return true;
  const nlohmann::json j = nlohmann::json::parse(text, nullptr, false);
  return j.is_number() ? j : nlohmann::json(text);
}

}  // namespace

std::shared_ptr<const nlohmann::json> effective_config(const CLI::App& command) {
  nlohmann::json j = nlohmann::json::object();
  for (const CLI::Option* o : command.get_options()) {
    if (!o->nonpositional()) continue;
    const std::string name = o->get_lnames().empty() ? o->get_snames().front() : o->get_lnames().front();
    if (std::find(kNotConfig.begin(), kNotConfig.end(), name) != kNotConfig.end()) continue;
    if (is_flag(*o)) {
      if (o->count() > 0) j[name] = true;
    } else if (o->count() == 0) {
      if (!o->get_default_str().empty()) j[name] = number_or_text(o->get_default_str());
    } else if (o->get_expected_max() > 1) {
      j[name] = o->results();
    } else {
      j[name] = number_or_text(o->results().back());
    }
  }
  return std::make_shared<const nlohmann::json>(std::move(j));
}

void print_json(const Invocation& invocation, nlohmann::json report, std::FILE* out) {
  if (report.is_object()) {
    report["tool"] = "onnxopt";
    report["version"] = kVersion;
    report["command"] = invocation.command;
    if (invocation.config) report["config"] = *invocation.config;
  }
  fmt::print(out, "{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace onnxopt
