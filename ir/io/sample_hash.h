// Hash of the size and of a few blocks spread over the bytes: what differs mostly differs there, so that only true candidates are read as a whole.
// Up to 1 KiB every byte counts. Of a mapped file (`mapped`) the pages that were touched are given back when there are many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace onnxopt {

std::uint64_t sample_hash(std::span<const std::byte> bytes, bool mapped);

}  // namespace onnxopt
