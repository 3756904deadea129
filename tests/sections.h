// Files of many small tests: a line that begins with "## " opens a section and says what it is; what follows is its text.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "tests/source_dir.h"

namespace onnxopt::test {

struct Section {
  std::string head, text;  // head: behind "## "
  int line = 0;
};

// `file`: from the root of the repository.
inline std::vector<Section> read_sections(const std::string& file) {
  std::ifstream in(source_dir() + "/" + file);
  std::vector<Section> list;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number)
    if (line.starts_with("## ")) list.push_back({line.substr(3), "", number});
    else if (!list.empty()) list.back().text += line + "\n";
  return list;
}

}  // namespace onnxopt::test
