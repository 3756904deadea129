// Reads the structure of a written model back without building a Model: what reading it would refuse is refused here, at a fraction of the cost.
#pragma once

#include <filesystem>

namespace onnxopt {

// Throws Error(bad_input) where the bytes are not well-formed protobuf, a tensor does not fit its shape or its external file, a name is defined
// twice or missing, or a node stands before what it reads.
void check_structure(const std::filesystem::path& file);

}  // namespace onnxopt
