// Test format A: one or two graphs in a doctest. Each call makes all checks of a case file (tests/case_runner/run_case.h).
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/case_runner/run_case.h"

namespace onnxopt {

inline void check_rewrite(std::string_view pass, std::string_view before, std::string_view after, cases::Settings settings = {}) {
  cases::CaseFile file;
  file.path = "check_rewrite";
  file.pipeline = pass;
  cases::PassCase c;
  c.settings = std::move(settings);
  c.before.push_back({std::string(before), 1});
  c.after = {std::string(after), 1};
  for (const std::string& failure : cases::run_case(file, c).failures) FAIL_CHECK(failure);
}

// `reason`: part of what --explain must say; "" for none.
inline void check_unchanged(std::string_view pass, std::string_view graph, std::string_view reason = "", cases::Settings settings = {}) {
  cases::CaseFile file;
  file.path = "check_unchanged";
  file.pipeline = pass;
  cases::PassCase c;
  c.settings = std::move(settings);
  c.before.push_back({std::string(graph), 1});
  c.unchanged = true;
  c.reason = reason;
  for (const std::string& failure : cases::run_case(file, c).failures) FAIL_CHECK(failure);
}

}  // namespace onnxopt
