// What every message reader needs while one file is read. Internal to ir/io.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ir/core/error.h"
#include "ir/core/model.h"
#include "ir/io/external_data.h"
#include "ir/io/wire_reader.h"

namespace onnxopt {

// Messages nested deeper than this are refused, as by protobuf itself (its default recursion limit), so that no reader can exhaust the stack. One
// subgraph costs three levels (node, attribute, graph).
inline constexpr int kMaxMessageDepth = 100;

struct ReadContext {
  const char* base = nullptr;         // first byte of the file
  std::shared_ptr<const void> owner;  // keeps the bytes alive; held by every view
  bool on_disk = false;               // the bytes are a MappedFile
  bool verify_checksums = false;
  bool constants_at_once = false;  // Constant nodes become constants with a record, where they can
  ExternalData* external = nullptr;
  SymbolTable* symbols = nullptr;
  mutable int depth = 0;
};

// One level of nesting; throws where a file nests too deeply.
class DepthGuard {
 public:
  explicit DepthGuard(const ReadContext& ctx) : ctx_(ctx) {
    if (++ctx_.depth <= kMaxMessageDepth) return;
    --ctx_.depth;
    bad_input("messages (subgraphs or types) are nested more than " + std::to_string(kMaxMessageDepth) +
              " levels deep, the limit of protobuf and of this reader");
  }
  ~DepthGuard() { --ctx_.depth; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  const ReadContext& ctx_;
};

// Like with_context, but `what` is a function that is only called on the way up, since readers pass here once a node.
template <class What, class F>
decltype(auto) in_context(What&& what, F&& body) {
  try {
    return std::forward<F>(body)();
  } catch (const Error& e) {
    throw Error(e.code(), what() + ": " + e.what());
  }
}

inline void keep_unknown(std::string& unknown, const WireField& f) { unknown.append(f.raw); }
// A singular message field that stands twice would have to be merged; no producer writes that.
inline void once(bool& seen, const char* what) {
  if (seen) bad_input(std::string("corrupt message: ") + what + " stands twice");
  seen = true;
}
std::pair<std::string, std::string> read_string_entry(std::string_view message, const ReadContext& ctx);

}  // namespace onnxopt
