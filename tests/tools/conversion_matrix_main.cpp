// The matrix of docs/conversion-matrix.txt.
//
//   onnxopt_conversion_matrix PROOFS.tsv... > docs/conversion-matrix.txt     writes it, from the tables and what onnxopt_convert_prover --cells wrote
//   onnxopt_conversion_matrix --check docs/conversion-matrix.txt             0: it is what the tables of passes/opset say
//   onnxopt_conversion_matrix --unproven docs/conversion-matrix.txt          the cells that no test covers
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "conversion_cells.h"

using namespace onnxopt;

namespace {

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(file + ": cannot be read");
  std::ostringstream s;
  s << in.rdbuf();
  return s.str();
}

int check(const std::string& file) {
  const auto wrong = check_matrix(text_of(file));
  for (const std::string& w : wrong) fmt::print("{}\n", w);
  fmt::print("{}: {} differences\n", file, wrong.size());
  return wrong.empty() ? 0 : 1;
}

void unproven(const std::string& file) {
  std::istringstream in(text_of(file));
  int proven = 0, missing = 0, refused = 0, in_force = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string name, cells;
    fields >> name >> cells;
    bool any = false;
    for (const char c : cells) {
      proven += c == 'c' || c == 'l';
      refused += c == '.';
      in_force += c == '=';
      any = any || c == 'C' || c == 'L' || c == '!';
      missing += c == 'C' || c == 'L' || c == '!';
    }
    if (any) fmt::print("{:40} {}\n", name, cells);
  }
  fmt::print("proven {}, without a test {}, refused {}, in force {}\n", proven, missing, refused, in_force);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.size() == 2 && args[0] == "--check") return check(args[1]);
    if (args.size() == 2 && args[0] == "--unproven") {
      unproven(args[1]);
      return 0;
    }
    CellProofs proofs;
    for (const std::string& file : args) read_proofs(text_of(file), proofs);
    fmt::print("{}", matrix_text(proofs));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 2;
  }
}
