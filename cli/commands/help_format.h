// How --help shows options.
#pragma once

#include <CLI/Formatter.hpp>

namespace onnxopt {

// As CLI11 does, but with allowed values and defaults in words.
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
};

}  // namespace onnxopt
