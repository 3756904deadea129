#include "cli/commands/command.h"

#include <CLI/CLI.hpp>
#include <optional>

namespace onnxopt {

Option& Option::required() { return option_->required(), *this; }
Option& Option::type_name(const std::string& name) { return option_->type_name(name), *this; }
Option& Option::check(std::string (*wrong)(const std::string&)) { return option_->check(wrong), *this; }
Option& Option::one_of(const std::vector<std::string>& values) { return option_->check(CLI::IsMember(values)), *this; }
Option& Option::range(int least, int most) { return option_->check(CLI::Range(least, most)), *this; }
Option& Option::expected(int least, int most) { return option_->expected(least, most), *this; }
Option& Option::one_value_each() { return option_->allow_extra_args(false), *this; }
Option& Option::show_default() { return option_->capture_default_str(), *this; }
Option& Option::group(const std::string& heading) { return option_->group(heading), *this; }

Command Command::add_subcommand(const std::string& name, const std::string& about) { return Command(app_->add_subcommand(name, about)); }

template <class T>
Option Command::add_option(const std::string& names, T& value, const std::string& about) {
  return Option(app_->add_option(names, value, about));
}
template Option Command::add_option(const std::string&, std::string&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Command::add_option(const std::string&, std::optional<std::string>&, const std::string&);
template Option Command::add_option(const std::string&, int&, const std::string&);
template Option Command::add_option(const std::string&, std::int64_t&, const std::string&);
template Option Command::add_option(const std::string&, std::uint64_t&, const std::string&);
template Option Command::add_option(const std::string&, double&, const std::string&);

Option Command::add_flag(const std::string& names, bool& value, const std::string& about) { return Option(app_->add_flag(names, value, about)); }
Option Command::add_flag(const std::string& names, const std::function<void()>& given, const std::string& about) {
  return Option(app_->add_flag_callback(names, given, about));
}
void Command::footer(const std::string& text) { app_->footer(text); }
void Command::on_chosen(const std::function<void()>& action) { app_->callback(action); }

}  // namespace onnxopt
