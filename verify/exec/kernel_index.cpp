#include "verify/exec/kernel_index.h"

#include <fmt/format.h>

namespace onnxopt {
namespace {

// Attributes that make no sense are a reason not to run the node.
Maybe<RunFn> try_prepare(const Kernel& k, const OpCall& call, ExecEnv& env) {
  try {
    return k.prepare(call, env);
  } catch (const Error& e) {
    return Maybe<RunFn>::none(e.what());
  }
}

}  // namespace

KernelIndex::KernelIndex(std::span<const std::span<const Kernel>> backends) {
  for (const auto& list : backends)
    for (const Kernel& k : list) by_name_[k.op].push_back(&k);
}

std::span<const Kernel* const> KernelIndex::find(const OpSchema& op) {
  auto [it, fresh] = by_row_.try_emplace(&op);
  if (fresh) {
    auto named = by_name_.find(op.name);
    if (named != by_name_.end())
      for (const Kernel* k : named->second)
        if (k->domain == op.domain && k->since_min <= op.since && op.since <= k->since_max) it->second.push_back(k);
  }
  return it->second;
}

Maybe<RunFn> KernelIndex::prepare(const OpCall& call, ExecEnv& env) {
  std::string why;
  for (const Kernel* k : find(*call.op)) {
    Maybe<RunFn> fn = try_prepare(*k, call, env);
    if (fn) return fn;
    why = why.empty() ? fn.reason : why + "; " + fn.reason;
  }
  if (!why.empty()) return Maybe<RunFn>::none(why);
  const std::string domain = call.op->domain.empty() ? "" : std::string(call.op->domain) + ".";
  return Maybe<RunFn>::none(fmt::format("no kernel for {}{} version {}", domain, call.op->name, call.op->since));
}

}  // namespace onnxopt
