#include "verify/conformance/disputed.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "ir/text/digest.h"

namespace onnxopt {

std::string conformance_digest(const ConformanceTest& test) {
  namespace fs = std::filesystem;
  if (test.light) return "";
  std::vector<std::string> files{"model.onnx"};
  for (const auto& e : fs::recursive_directory_iterator(test.folder))
    if (e.is_regular_file() && e.path().extension() == ".pb") files.push_back(e.path().lexically_relative(test.folder).generic_string());
  std::sort(files.begin(), files.end());
  std::string all;
  for (const std::string& name : files) {
    std::ifstream in(test.folder / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    all += fmt::format("{} {}\n", name, bytes.size()) + bytes;
  }
  return text::sha256_hex(all).substr(0, 16);
}

const DisputedTest* find_disputed(const ConformanceTest& test) {
  const auto rows = disputed_tests();
  if (std::none_of(rows.begin(), rows.end(), [&](const DisputedTest& d) { return d.name == test.name; })) return nullptr;
  const std::string digest = conformance_digest(test);
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const DisputedTest& d) { return d.name == test.name && d.digest == digest; });
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace onnxopt
