// Published tests whose stored data another release of ONNX contradicts.
#pragma once

#include <span>
#include <string_view>

#include "verify/conformance/tests.h"

namespace onnxopt {

// One test as one release stored it, known by its bytes: any other version of the test is not excused.
struct DisputedTest {
  std::string_view name;
  std::string_view digest;    // of all its files, as conformance_digest
  std::string_view releases;  // of onnx, that store it so
  std::string_view evidence;
};
std::span<const DisputedTest> disputed_tests();

// First 16 hexadecimal digits of the SHA-256 of model.onnx and the files of the data sets: of each its path and bytes.
std::string conformance_digest(const ConformanceTest& test);
// Null where nothing is known against the test.
const DisputedTest* find_disputed(const ConformanceTest& test);

}  // namespace onnxopt
