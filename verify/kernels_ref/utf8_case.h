// Upper and lower case of UTF-8 text, the same on every machine: Unicode's simple mappings, one character to one, which is what towlower and
// towupper of a UTF-8 locale do (so no SS for a sharp s, and no final sigma).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace onnxopt::ref {

enum class CaseChange : std::uint8_t { none, lower, upper };

// Code points first, first + step, ... last map to themselves plus delta. Sorted.
struct CaseRun {
  char32_t first, last;
  std::int32_t step, delta;
};
std::span<const CaseRun> case_runs(CaseChange way);  // utf8_case_table.cpp

// Throws Error(bad_input) where `text` is not UTF-8.
std::string change_case(std::string_view text, CaseChange way);

}  // namespace onnxopt::ref
