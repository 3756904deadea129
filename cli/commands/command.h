// A command and its options as the setup functions declare them. CLI11 stands behind command.cpp and the few files that read or print what was
// declared: its header takes seconds to compile, and most of that again for each file that calls it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace onnxopt {

// A handle, like Command; both live as long as the parser does.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& type_name(const std::string& name);               // what --help shows for the value
  Option& check(std::string (*wrong)(const std::string&));  // gets the text, says what is wrong with it; "": nothing
  Option& one_of(const std::vector<std::string>& values);
  Option& range(int least, int most);
  Option& expected(int least, int most);  // how many values
  Option& one_value_each();               // may be given several times, each time with one value
  Option& show_default();
  Option& group(const std::string& heading);

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command add_subcommand(const std::string& name, const std::string& about);
  // `names`: "--long", "-s,--long", or a bare name for what stands without one. Texts, whole numbers, seconds, and lists of texts.
  template <class T>
  Option add_option(const std::string& names, T& value, const std::string& about);
  Option add_flag(const std::string& names, bool& value, const std::string& about);
  Option add_flag(const std::string& names, const std::function<void()>& given, const std::string& about);
  void footer(const std::string& text);
  void on_chosen(const std::function<void()>& action);

 private:
  CLI::App* app_;
};

}  // namespace onnxopt
