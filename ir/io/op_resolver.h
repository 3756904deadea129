// Finds the row of each node's operator in force at the opsets that its model or function imports. Internal to ir/io.
#pragma once

#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// Names of the functions that a model defines; calls of them are opaque.
using FunctionNames = std::unordered_map<std::string_view, std::vector<std::string_view>>;  // name -> domains

class OpResolver {
 public:
  OpResolver(Model& model, const std::vector<OpsetImport>& imports, const FunctionNames& functions);
  // Operators outside the table, calls of local functions, and operators of a domain that is not imported (version 0) get opaque rows.
  const OpSchema& resolve(std::string_view domain, std::string_view name);

 private:
  struct Domain {
    std::int64_t version = 0;
    std::unordered_map<std::string_view, const OpSchema*> rows;
  };
  const OpSchema& look_up(std::string_view domain, std::string_view name, std::int64_t version);

  Model& model_;
  const FunctionNames& functions_;
  std::size_t opaque_count_ = 0;
  std::map<std::string_view, Domain, std::less<>> domains_;
};

}  // namespace onnxopt
