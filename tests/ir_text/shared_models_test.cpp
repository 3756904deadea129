// Every model of the shared collection prints in full and reads back equal, names and metadata included. Without the collection: skipped.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "ir/io/io.h"
#include "ir/text/text.h"
#include "tests/source_dir.h"

namespace onnxopt {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> shared_models() {
  const char* given = std::getenv("ONNXOPT_SHARED");
  const fs::path folder = given ? fs::path(given) / "models" : fs::path(test::source_dir()) / ".." / "shared" / "models";
  std::vector<fs::path> r;
  if (!fs::is_directory(folder)) return r;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".onnx") r.push_back(entry.path());
  std::sort(r.begin(), r.end());
  return r;
}

TEST_SUITE("shared_models_test") {
  TEST_CASE("print in full, parse, equal") {
    std::size_t checked = 0;
    const std::vector<fs::path> files = shared_models();
    for (const fs::path& file : files) {
      CAPTURE(file.string());
      std::unique_ptr<Model> m;
      try {
        m = read_model(file);
      } catch (const Error&) {
        continue;  // the collection holds broken files on purpose
      }
      const std::string text = print_model(*m, {.full = true});
      const auto back = parse_model(text, {.file = file.filename().string()});
      CHECK(difference(*m, *back, {.inner_names = true, .metadata = true, .normalize_defaults = false}) == "");
      CHECK(print_model(*back, {.full = true}) == text);
      CHECK(difference(*m, *parse_model(print_model(*m), {.placeholders = true})) == "");
      ++checked;
    }
    MESSAGE(checked << " of " << files.size() << " models");
    CHECK(checked * 10 >= files.size() * 9);
  }
}

}  // namespace
}  // namespace onnxopt
