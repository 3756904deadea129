// "a b c" -> {"a", "b", "c"}.
#pragma once

#include <string_view>
#include <vector>

namespace onnxopt {

inline std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n,";
  std::vector<std::string_view> words;
  for (std::size_t begin = text.find_first_not_of(kSpace); begin != text.npos; begin = text.find_first_not_of(kSpace, begin)) {
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

}  // namespace onnxopt
