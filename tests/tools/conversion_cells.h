// Operator versions x target versions: what becomes of a node, by the tables of passes/opset, and what tests have shown of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/ops/op_schema.h"
#include "passes/opset/convert.h"

namespace onnxopt {

// '=' in force at the target, 'c' converted, 'l' lowered into other operators, '.' refused.
char table_outcome(const OpSchema& row, int target);
int first_target(std::string_view domain);       // 7 for ai.onnx, 1 for others
std::string cell_row_name(const OpSchema& row);  // "Clip-6", "ai.onnx.ml.Scaler-1"
char refusal_letter(Refusal r);                  // t type, d no decomposition, n non-constant operand, k kept, u unknown op

// What tests have shown of one cell.
struct CellProof {
  int converted = 0, lowered = 0, differs = 0;
  std::map<char, int> refused;  // by letter
};
using CellProofs = std::map<std::pair<std::string, int>, CellProof>;  // row name, target

std::string write_proofs(const CellProofs& p);
void read_proofs(const std::string& text, CellProofs& into);  // adds

// The rows that the matrix shows, and its text. A cell of an upper case letter has no test.
std::vector<const OpSchema*> matrix_rows();
std::string matrix_text(const CellProofs& proofs);
// What is wrong with a matrix on file, by the tables of today; empty: nothing.
std::vector<std::string> check_matrix(const std::string& text);

}  // namespace onnxopt
