// AttributeProto to Attribute. Graph attributes are only located: their nodes need the scope they stand in. Internal to ir/io.
#pragma once

#include <string_view>
#include <vector>

#include "ir/core/attribute.h"
#include "ir/io/graph_parts.h"
#include "ir/io/read_context.h"

namespace onnxopt {

// Subgraphs of attribute `name` in order; the attribute itself holds no graph yet.
struct PendingGraphs {
  std::string name;
  bool list = false;
  std::vector<std::string_view> messages;
};

Attribute read_attribute(std::string_view message, const ReadContext& ctx, std::vector<PendingGraphs>& graphs);
// All attributes of one node; an Error where a name stands twice.
Attrs read_attributes(const Views& messages, const ReadContext& ctx, std::vector<PendingGraphs>& graphs);

}  // namespace onnxopt
