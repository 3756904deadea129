// Pages that are about to be used, asked for in one go instead of one fault each. Only worth it for whole weights; small ranges are left alone.
#pragma once

#include <cstddef>
#include <span>

namespace onnxopt {

// Bytes of a mapped file that are about to be read from end to end. The kernel's own write() needs them most: it fails at each page that is not
// there and starts again. Does nothing where the kernel does not know the request (before Linux 5.14).
void prefault_for_reading(std::span<const std::byte> bytes);

// Memory just allocated that is about to be written from end to end.
void prefault_for_writing(std::span<std::byte> bytes);

}  // namespace onnxopt
