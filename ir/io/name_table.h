// Names of one scope: an open-addressing hash map from names that stay alive elsewhere (in the mapped file) to small values. Internal to ir/io.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace onnxopt {

template <class T>
class NameTable {
 public:
  const T* find(std::string_view name) const {
    if (slots_.empty()) return nullptr;
    const Slot& s = slots_[locate(name, hash(name))];
    return s.entry != 0 ? &entries_[s.entry - 1].value : nullptr;
  }
  // False if the name is there already; the table then stays as it is.
  bool insert(std::string_view name, T value) {
    if ((entries_.size() + 1) * 4 > slots_.size() * 3) grow();
    const std::uint32_t h = hash(name);
    Slot& s = slots_[locate(name, h)];
    if (s.entry != 0) return false;
    entries_.push_back({name, value});
    s = {h, static_cast<std::uint32_t>(entries_.size())};
    return true;
  }
  std::size_t size() const { return entries_.size(); }
  // Room for so many names without growing.
  void reserve(std::size_t names) {
    while (names * 4 > slots_.size() * 3) grow();
    entries_.reserve(names);
  }

 private:
  struct Entry {
    std::string_view name;
    T value;
  };
  // Small, since every name of a big model touches another place of the table.
  struct Slot {
    std::uint32_t hash = 0, entry = 0;  // entry: 1 + index, 0: free
  };
  static std::uint32_t hash(std::string_view name) { return static_cast<std::uint32_t>(std::hash<std::string_view>()(name)); }
  std::size_t locate(std::string_view name, std::uint32_t h) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = h & mask;
    while (slots_[i].entry != 0 && (slots_[i].hash != h || entries_[slots_[i].entry - 1].name != name)) i = (i + 1) & mask;
    return i;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& s : old) {
      if (s.entry == 0) continue;
      std::size_t i = s.hash & mask;
      while (slots_[i].entry != 0) i = (i + 1) & mask;
      slots_[i] = s;
    }
  }

  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
};

}  // namespace onnxopt
