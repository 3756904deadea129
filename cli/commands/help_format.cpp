#include "cli/commands/help_format.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace onnxopt {
namespace {

// CLI11 joins the name of a type with what its checks say: "INT:INT in [1 - 3]", "TEXT:{npy,pb}".
std::string type_in_words(std::string type) {
  if (const auto list = type.find(":{"); list != std::string::npos) {
    type = type.substr(list + 2, type.size() - list - 3);
    std::replace(type.begin(), type.end(), ',', '|');
    return type;
  }
  if (const auto range = type.find(":INT in ["); range != std::string::npos) {
    type = type.substr(range + 9, type.size() - range - 10);
    return type.replace(type.find(" - "), 3, "..");
  }
  return type == "UINT" || type == "INT" || type == "FLOAT" ? "N" : type;
}

bool is_repeatable(const CLI::Option& o) { return o.get_expected_max() > 1; }

}  // namespace

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return "";
  const std::string type = type_in_words(option->get_type_name());
  return " " + (option->get_positional() && type == "TEXT" ? "FILE" : type) + (is_repeatable(*option) ? " ..." : "");
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  const std::string given = option->get_default_str();
  return option->get_description() + (given.empty() || option->get_type_size() == 0 ? "" : " (default " + given + ")");
}

std::string HelpFormat::make_option_usage(const CLI::Option* option) const {
  const std::string name = make_option_name(option, true) + (is_repeatable(*option) ? "..." : "");
  return option->get_required() ? name : "[" + name + "]";
}

}  // namespace onnxopt
