// The names that a misspelt one may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onnxopt {

// Those of `names` that are closest to `name` by letters changed, at most `count`, the closest first; '-' and '_' and the case of letters count
// little.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> names, std::size_t count);
// "; did you mean 'x'?" where one is close enough to be meant, else "".
std::string did_you_mean(std::string_view name, std::span<const std::string> names);

}  // namespace onnxopt
