// Numbers and tables as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace onnxopt {

std::string human_bytes(std::uint64_t n);  // "1.27 MB" (powers of 1000, as file managers show)
std::string human_count(double n);         // "4.09 G", "25.5 M", "320"
std::string human_ms(double ms);           // "12.3 ms", "4.56 s"

// Names come from files: control characters are shown as escapes, so that they end no line and move no cursor.
std::string printable(std::string_view text);

// A table with aligned columns; the first row is the header. Columns whose cells are all numbers are right-aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row);
  bool empty() const { return rows_.size() == 1; }
  std::string text(int indent = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// To standard error. Where that cannot be written there is nobody left to tell, and the exit code still counts.
void complain(const std::string& text);

}  // namespace onnxopt
