// read_model for a model that is lifted next: there Constant nodes are constants anyway, and a big model has a third of its nodes to save.
#pragma once

#include "ir/io/io.h"

namespace onnxopt {

// As read_model, but Constant nodes are constants with a ConstantNodeRecord at once, where they can be (from IR version 4 on).
std::unique_ptr<Model> read_model_with_constants(const std::filesystem::path& file, const ReadOptions& options = {});

}  // namespace onnxopt
