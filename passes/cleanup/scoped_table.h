// A hash table of pointers that forgets in the order in which it learned: an inner graph adds to what the graphs around it know, and takes that out
// again. Open addressing over small slots, since in a graph of a million nodes every look-up is a cache miss.
#pragma once

#include <cstdint>
#include <vector>

namespace onnxopt {

template <class T>
class ScopedTable {
 public:
  std::size_t size() const { return entries_.size(); }
  void reserve(std::size_t count) {
    entries_.reserve(count);
    while (slots_.size() < count * 2) resize(slots_.empty() ? 64 : slots_.size() * 2);
  }
  void add(std::uint64_t hash, T* what) {
    if (slots_.size() < (entries_.size() + 1) * 2) resize(slots_.empty() ? 64 : slots_.size() * 2);
    entries_.push_back({hash, what});
    place(entries_.size());
  }
  // Calls f(T&) for all of this hash, in no particular but always the same order.
  template <class F>
  void for_each(std::uint64_t hash, F&& f) const {
    if (slots_.empty()) return;
    for (std::size_t i = hash & mask(); slots_[i].entry != 0; i = (i + 1) & mask())
      if (slots_[i].check == check_of(hash) && entries_[slots_[i].entry - 1].hash == hash) f(*entries_[slots_[i].entry - 1].what);
  }
  // Forgets all but the first `count`. The last to come stands behind all others of its chain, so clearing its slot leaves the rest reachable.
  void shrink(std::size_t count) {
    for (; entries_.size() > count; entries_.pop_back()) {
      std::size_t i = entries_.back().hash & mask();
      while (slots_[i].entry != entries_.size()) i = (i + 1) & mask();
      slots_[i] = {};
    }
  }

 private:
  struct Entry {
    std::uint64_t hash;
    T* what;
  };
  struct Slot {
    std::uint32_t check = 0, entry = 0;  // entry: 1 + index, 0: free
  };
  static std::uint32_t check_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t mask() const { return slots_.size() - 1; }
  void place(std::size_t entry) {
    const std::uint64_t hash = entries_[entry - 1].hash;
    std::size_t i = hash & mask();
    while (slots_[i].entry != 0) i = (i + 1) & mask();
    slots_[i] = {check_of(hash), static_cast<std::uint32_t>(entry)};
  }
  void resize(std::size_t slots) {
    slots_.assign(slots, {});
    for (std::size_t e = 1; e <= entries_.size(); ++e) place(e);  // in their order, which shrink() counts on
  }

  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
};

}  // namespace onnxopt
