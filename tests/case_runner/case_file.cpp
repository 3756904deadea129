#include "tests/case_runner/case_file.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

namespace onnxopt::cases {
namespace {

class Splitter {
 public:
  explicit Splitter(CaseFile& file) : file_(file) {}

  void line(const std::string& text, int number) {
    number_ = number;
    std::istringstream words(text);
    std::string hash, keyword, rest;
    words >> hash >> keyword;
    std::getline(words >> std::ws, rest);
    while (!rest.empty() && (rest.back() == '\r' || rest.back() == ' ')) rest.pop_back();
    if (hash == "#" && this->keyword(keyword, rest)) return;
    if (section_) section_->text += text + '\n';
    else if (!text.empty() && text[0] != '#') fail("text outside a section");
  }

  void finish() {
    for (const PassCase& c : file_.passes) {
      number_ = c.line;
      if (c.before.empty()) fail("a case without BEFORE");
      if (c.unchanged && c.after.line) fail("a case with both AFTER and UNCHANGED");
      if (!c.unchanged && !c.after.line) fail("a case with neither AFTER nor UNCHANGED");
    }
    for (const KernelCase& c : file_.kernels) {
      number_ = c.line;
      if (!c.model.line || !c.outputs.line) fail("a kernel case needs MODEL and OUTPUTS");
    }
    if (file_.passes.empty() && file_.kernels.empty()) fail("no case");
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { bad_input(fmt::format("{}:{}: {}", file_.path.string(), number_, message)); }

  bool keyword(const std::string& word, const std::string& rest) {
    if (word == "PASS") file_.pipeline = rest;
    else if (word == "KERNEL") file_.kernel = rest;
    else if (word == "CASE") start_case(rest);
    else if (word == "OPSET") settings().opset = static_cast<int>(integer(rest));
    else if (word == "LEVEL")
      settings().level = rest == "O1" ? Level::o1 : rest == "O2" ? Level::o2 : rest == "O3" ? Level::o3 : (fail("LEVEL O1, O2 or O3"), Level::o3);
    else if (word == "OPTIONS") options(rest);
    else if (word == "CONVERT") convert(rest);
    else if (word == "BEFORE" || word == "SAME") open(pass_case().before.emplace_back());
    else if (word == "AFTER") open(pass_case().after);
    else if (word == "UNCHANGED") unchanged(rest);
    else if (word == "MODEL") open(kernel_case().model);
    else if (word == "INPUTS") open(kernel_case().inputs);
    else if (word == "OUTPUTS") open(kernel_case().outputs);
    else return false;
    return true;
  }

  void start_case(const std::string& title) {
    if (file_.pipeline.empty() && file_.kernel.empty()) fail("CASE before PASS or KERNEL");
    section_ = nullptr;
    if (!file_.pipeline.empty()) file_.passes.push_back({title, number_, defaults_, {}, {}, false, {}});
    else file_.kernels.push_back({title, number_, defaults_, {}, {}, {}});
  }
  PassCase& pass_case() {
    if (file_.passes.empty()) fail("a graph before the first CASE of a PASS file");
    return file_.passes.back();
  }
  KernelCase& kernel_case() {
    if (file_.kernels.empty()) fail("a section before the first CASE of a KERNEL file");
    return file_.kernels.back();
  }
  Settings& settings() {
    return !file_.passes.empty() ? file_.passes.back().settings : !file_.kernels.empty() ? file_.kernels.back().settings : defaults_;
  }

  void open(Section& s) {
    s.line = number_ + 1;
    section_ = &s;
  }
  void unchanged(const std::string& rest) {
    PassCase& c = pass_case();
    c.unchanged = true;
    section_ = nullptr;
    if (rest.starts_with("because ")) c.reason = rest.substr(8);
    else if (!rest.empty()) fail("write '# UNCHANGED because REASON'");
  }
  std::int64_t integer(const std::string& text) const {
    std::int64_t v = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
    if (r.ec != std::errc() || r.ptr != text.data() + text.size()) fail(fmt::format("'{}' is not a number", text));
    return v;
  }
  void convert(const std::string& rest) {
    kernel_case();
    std::istringstream words(rest);
    for (std::string word; words >> word;) settings().convert.push_back(static_cast<int>(integer(word)));
  }
  void options(const std::string& rest) {
    Settings& s = settings();
    std::istringstream words(rest);
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      const std::string key = word.substr(0, equals), value = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (key == "untrusted") s.untrusted = true;
      else if (key == "no-numeric") s.no_numeric = true;
      else if (key == "exact") s.exact = true;
      else if (key == "keep-overridable") s.keep_overridable = true;
      else if (key == "keep") s.keep_nodes.push_back(value);
      else if (key == "fuel") s.fuel = integer(value);
      else if (key == "max-growth") s.max_growth = integer(value);
      else fail(fmt::format("unknown option '{}'", word));
    }
  }

  CaseFile& file_;
  Settings defaults_;
  Section* section_ = nullptr;
  int number_ = 0;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) bad_input(fmt::format("{}: cannot be read", path.string()));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

CaseFile parse_case_file(const std::filesystem::path& path, const std::string& text) {
  CaseFile file;
  file.path = path;
  Splitter splitter(file);
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) splitter.line(line, ++number);
  splitter.finish();
  return file;
}

CaseFile read_case_file(const std::filesystem::path& path) { return parse_case_file(path, read_text(path)); }

void update_after(const CaseFile& file, const std::vector<std::string>& after) {
  std::map<int, const std::string*> replacements;  // first line of the section -> text
  for (std::size_t i = 0; i < file.passes.size() && i < after.size(); ++i)
    if (!after[i].empty()) replacements[file.passes[i].after.line] = &after[i];
  std::istringstream lines(read_text(file.path));
  std::string result;
  int number = 0;
  bool skipping = false;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (const auto it = replacements.find(number); it != replacements.end()) {
      result += *it->second + '\n';
      skipping = true;
    }
    if (skipping && line.starts_with("# ")) skipping = false;
    if (!skipping) result += line + '\n';
  }
  std::ofstream(file.path, std::ios::binary) << result;
}

}  // namespace onnxopt::cases
