// The root of the repository. Only source_dir.cpp is compiled with it, so that a compiler cache knows all other tests in any clone.
#pragma once

#include <string>

namespace onnxopt::test {

std::string source_dir();

}  // namespace onnxopt::test
