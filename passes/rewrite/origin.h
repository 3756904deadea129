// Where a rewritten node came from: metadata "onnxopt.origin" = "fuse-conv-bn: conv1, bn1". Recorded in memory always; files carry it from IR
// version 10 on, where nodes have metadata, so whoever saves below that strips it.
#pragma once

#include <string_view>

#include "ir/core/model.h"

namespace onnxopt {

inline constexpr std::string_view kOriginKey = "onnxopt.origin";

void set_origin(Node& n, std::string text);
void strip_origins(Model& model);  // of all nodes, subgraphs and functions included

}  // namespace onnxopt
