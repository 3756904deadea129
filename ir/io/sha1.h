// SHA-1 (FIPS 180-4), only because the ONNX specification names it for the checksum of external data files. Not for security.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace onnxopt {

class Sha1 {
 public:
  void update(std::span<const std::byte> bytes);
  std::string hex();  // ends the computation; 40 lower-case digits

 private:
  void block(const unsigned char* p);
  std::array<std::uint32_t, 5> state_ = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
  std::array<unsigned char, 64> pending_{};
  std::uint64_t length_ = 0;
};

}  // namespace onnxopt
