// Pipelines as text: items separated by commas; an item is a pass, a rule, a group of rules, a level, or fixpoint(items).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "ir/core/nearest.h"
#include "passes/core/manager_step.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {
namespace {

constexpr int kMaxNesting = 32;
constexpr std::string_view kGroups[] = {"cleanup", "fusions"};

bool is_group(std::string_view name) { return std::find(std::begin(kGroups), std::end(kGroups), name) != std::end(kGroups); }

[[noreturn]] void usage(const std::string& message) { throw Error(ExitCode::usage, message); }

[[noreturn]] void unknown_pass(std::string_view name, std::span<const PassEntry> passes) {
  std::vector<std::string> names;
  for (const CatalogEntry& e : pipeline_names(passes)) names.push_back(e.name);
  usage(fmt::format("there is no pass '{}'; nearest: {}. `onnxopt passes` lists all", name, fmt::join(nearest_names(name, names, 3), ", ")));
}

}  // namespace

std::vector<std::string> rules_of_group(std::string_view group) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name) {
    if (group != "cleanup" || !name.starts_with("fuse-")) names.emplace_back(name);
  };
  for (const auto make : all_rules()) add(make().name);
  for (const auto make : all_node_rules()) add(make().name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<CatalogEntry> pipeline_names(std::span<const PassEntry> passes) {
  std::vector<CatalogEntry> list;
  for (const PassEntry& p : passes) list.push_back({std::string(p.name), "pass", std::string(p.summary), p.level});
  for (const auto make : all_rules()) {
    const Rule r = make();
    list.push_back({std::string(r.name), "rule", std::string(r.summary), r.level});
  }
  for (const auto make : all_node_rules()) {
    const NodeRule r = make();
    list.push_back({std::string(r.name), "rule", std::string(r.summary), r.level});
  }
  list.push_back({"cleanup", "group", "All rules but the fusions, in one worklist", Level::o1});
  list.push_back({"fusions", "group", "All rules, in one worklist", Level::o1});
  for (const Level l : {Level::o1, Level::o2, Level::o3}) list.push_back({fmt::format("O{}", static_cast<int>(l)), "level", default_pipeline(l), l});
  std::sort(list.begin(), list.end(), [](const CatalogEntry& a, const CatalogEntry& b) { return a.name < b.name; });
  return list;
}

std::unique_ptr<PassManager::Step> PassManager::make_step(const std::string& name, int depth) const {
  auto step = std::make_unique<Step>();
  step->name = name;
  for (const PassEntry& p : known_)
    if (p.name == name) {
      step->pass = p.create();
      return step;
    }
  if (is_group(name)) {
    step->pass = rules_pass(rules_of_group(name));
    return step;
  }
  if (name.size() == 2 && name[0] == 'O' && name[1] >= '1' && name[1] <= '3') {
    const std::string text = default_pipeline(static_cast<Level>(name[1] - '0'));
    for (std::size_t at = 0; at < text.size(); ++at) step->children.push_back(parse_item(text, at, depth + 1));
    return step;
  }
  const std::vector<std::string> rules = rules_of_group("fusions");
  if (std::binary_search(rules.begin(), rules.end(), name)) {
    step->pass = rule_pass(name);
    return step;
  }
  unknown_pass(name, known_);
}

// Leaves `at` on the comma or parenthesis behind the item, or at the end.
std::unique_ptr<PassManager::Step> PassManager::parse_item(std::string_view text, std::size_t& at, int depth) const {
  if (depth > kMaxNesting) usage("the pipeline is nested too deeply");
  const auto skip_space = [&] {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  };
  skip_space();
  const std::size_t begin = at;
  while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '-' || text[at] == '_')) ++at;
  const std::string name(text.substr(begin, at - begin));
  skip_space();
  if (name.empty()) usage(fmt::format("a pass name was expected at '{}' in the pipeline '{}'", text.substr(begin, 20), text));
  if (at >= text.size() || text[at] != '(') {
    if (at < text.size() && text[at] != ',' && text[at] != ')') usage(fmt::format("unexpected '{}' in the pipeline '{}'", text.substr(at, 1), text));
    return make_step(name, depth);
  }
  if (name != "fixpoint") usage(fmt::format("'{}' takes no arguments; only fixpoint(...) does", name));
  auto step = std::make_unique<Step>();
  step->name = name;
  step->fixpoint = true;
  do {
    ++at;
    step->children.push_back(parse_item(text, at, depth + 1));
  } while (at < text.size() && text[at] == ',');
  if (at >= text.size() || text[at] != ')') usage(fmt::format("')' is missing in the pipeline '{}'", text));
  ++at;
  skip_space();
  if (at < text.size() && text[at] != ',' && text[at] != ')') usage(fmt::format("unexpected '{}' in the pipeline '{}'", text.substr(at, 1), text));
  return step;
}

PassManager& PassManager::add(std::string_view pipeline) {
  if (pipeline.find_first_not_of(" \t\n") == pipeline.npos) return *this;  // "": no passes
  for (std::size_t at = 0; at <= pipeline.size(); ++at) {
    steps_.push_back(parse_item(pipeline, at, 0));
    if (at < pipeline.size() && pipeline[at] == ')') usage(fmt::format("')' without '(' in the pipeline '{}'", pipeline));
    if (at >= pipeline.size()) break;
  }
  text_ += (text_.empty() ? "" : ",") + std::string(pipeline);
  return *this;
}

}  // namespace onnxopt
