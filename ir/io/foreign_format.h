// What a file is that is no ONNX model, told from its first bytes: downloads often end in the wrong thing under the right name.
#pragma once

#include <string_view>

namespace onnxopt {

// "a ZIP archive; unpack it first", say; empty where the bytes look like nothing known. Only to be asked once reading has failed: a model's own first
// bytes are free to look like anything.
std::string_view foreign_format(std::string_view bytes);

}  // namespace onnxopt
