// Which tensors go to the external data file, and where in it. Internal to ir/io.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/core/model.h"
#include "ir/io/wire_writer.h"

namespace onnxopt {

// Offsets: tensors of 1 MiB and more start at multiples of 64 KiB, which every system can map (docs/ExternalData.md: 4 KiB pages, 64 KiB on
// Windows); smaller ones at multiples of 64 bytes, a cache line. Equal bytes are stored once.
class ExternalPlan {
 public:
  struct Item {
    std::span<const std::byte> bytes;
    bool mapped;
    std::uint64_t offset;
  };
  explicit ExternalPlan(std::uint64_t threshold) : threshold_(threshold) {}
  void add(const Tensor& t);  // in writing order; too small ones and strings stay inside
  std::optional<std::uint64_t> offset(const Tensor& t) const;
  const std::vector<Item>& items() const { return items_; }  // by offset
  std::uint64_t size() const { return end_; }
  std::string location;  // as written in the model

 private:
  using Key = const std::byte*;
  std::size_t find_equal(const Tensor& t);

  std::uint64_t threshold_;
  std::vector<Item> items_;
  std::vector<Tensor> tensors_;                                                       // of each item
  std::unordered_map<Key, std::unordered_map<std::size_t, std::size_t>> by_address_;  // start -> bytes -> item
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_sample_;             // hash of a sample of the bytes -> items
  std::uint64_t end_ = 0;
};

// Adds all initializers; with `attributes` the tensors of attributes and Constant nodes too.
void plan_model(ExternalPlan& plan, const Model& model, bool attributes);

}  // namespace onnxopt
