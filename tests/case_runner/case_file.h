// Case files (docs/text-format.md, "Case files"): graphs in ONNX text, split at comment lines that start with a keyword.
//   # PASS name-or-pipeline                  once, first                # KERNEL op        once, first
//   # CASE title                                                        # CASE title
//   # OPSET n   # LEVEL O1   # OPTIONS ...   optional, of the case      # CONVERT n ...    optional: gives the same at these opsets
//                                                                       # MODEL            a graph
//   # BEFORE                                 a graph                    # INPUTS           float[2] x = {1, 2}, ...
//   # SAME                                   further graphs             # OUTPUTS          float[2] y = {1, 2}, ...
//   # AFTER, or # UNCHANGED because REASON
// Settings between PASS and the first CASE hold for the whole file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt::cases {

struct Section {
  std::string text;
  int line = 0;
};  // line: of the text's first line in the file, from 1

struct Settings {
  int opset = 28;           // of graphs without header; what the result must be lowered to
  Level level = Level::o3;  // a case for a rule should not depend on levels
  bool untrusted = false;   // OPTIONS untrusted: outputs that prove nothing (constant, all zeros) are what the case is about
  bool no_numeric = false;  // OPTIONS no-numeric: the reference executor cannot or need not run it
  bool exact = false;       // OPTIONS exact: unused constants count when the result is compared with AFTER
  bool keep_overridable = false;
  std::vector<std::string> keep_nodes;
  std::int64_t fuel = -1, max_growth = -1;  // -1: unlimited; the usual budget
  std::vector<int> convert;                 // CONVERT n ...: of kernel cases; converted to these opsets the model gives the same
};

struct PassCase {
  std::string title;
  int line = 0;
  Settings settings;
  std::vector<Section> before;  // BEFORE and the SAMEs
  Section after;
  bool unchanged = false;
  std::string reason;  // of UNCHANGED; may be empty
};

struct KernelCase {
  std::string title;
  int line = 0;
  Settings settings;
  Section model, inputs, outputs;
};

struct CaseFile {
  std::filesystem::path path;
  std::string pipeline;  // of # PASS
  std::string kernel;    // of # KERNEL
  std::vector<PassCase> passes;
  std::vector<KernelCase> kernels;
};

// Throws Error(bad_input) with file and line.
CaseFile read_case_file(const std::filesystem::path& path);
CaseFile parse_case_file(const std::filesystem::path& path, const std::string& text);
// Writes `after` over the AFTER sections of the cases whose text is not empty (same order as file.passes); comments and all else stay.
void update_after(const CaseFile& file, const std::vector<std::string>& after);

}  // namespace onnxopt::cases
