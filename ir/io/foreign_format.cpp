#include "ir/io/foreign_format.h"

#include <algorithm>
#include <array>

namespace onnxopt {
namespace {

struct Format {
  std::size_t at;
  std::string_view magic, name;
};

constexpr std::array kFormats = {
    Format{0, "version https://git-lfs", "a Git LFS pointer; fetch the model itself with 'git lfs pull'"},
    Format{0, {"PK\x03\x04", 4}, "a ZIP archive; unpack it first"},
    Format{0, "\x1F\x8B", "a gzip file; unpack it first"},
    Format{0, "BZh", "a bzip2 file; unpack it first"},
    Format{0,
           {"\xFD"
            "7zXZ\0",
            6},
           "an xz file; unpack it first"},
    Format{0, "\x28\xB5\x2F\xFD", "a zstd file; unpack it first"},
    Format{0, "7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it first"},
    Format{257, "ustar", "a tar archive; unpack it first"},
    Format{0, "\x89PNG\r\n", "a PNG image"},
    Format{0, "\xFF\xD8\xFF", "a JPEG image"},
    Format{0, "GIF8", "a GIF image"},
    Format{0, "%PDF-", "a PDF document"},
    Format{0, "\x93NUMPY", "a NumPy array"},
    Format{0, "\x89HDF\r\n", "an HDF5 file"},
    Format{4, "TFL3", "a TensorFlow Lite model"},
    Format{4, "ORTM", "a model in ONNX Runtime's own format (.ort)"},
    Format{0, "GGUF", "a GGUF model"},
    Format{0,
           "\x7F"
           "ELF",
           "a program"},
    Format{0, "\x80\x02", "a Python pickle"},
    Format{0, "\x80\x04", "a Python pickle"},
    Format{8, "{\"", "a safetensors file"},
};

bool is_text(std::string_view bytes) {
  constexpr std::size_t kLook = 512;
  bytes = bytes.substr(0, kLook);
  return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 0x20 && u != 0x7F) || u == '\n' || u == '\r' || u == '\t';
  });
}

}  // namespace

std::string_view foreign_format(std::string_view bytes) {
  for (const Format& f : kFormats)
    if (bytes.size() >= f.at && bytes.substr(f.at).starts_with(f.magic)) return f.name;
  if (!is_text(bytes)) return {};
  const std::size_t first = bytes.find_first_not_of(" \r\n\t");
  if (first != std::string_view::npos && (bytes.substr(first).starts_with("<!") || bytes.substr(first).starts_with("<html"))) return "a web page";
  return "a text file; ONNX text is read from files that end in .onnxtxt";
}

}  // namespace onnxopt
