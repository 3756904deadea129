// The reproducer of an internal error: the graph before the failing pass as text, and the pass as a `# RUN` comment. Passes keep no snapshots: the
// original is loaded again and the pipeline repeated up to the pass that failed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "passes/core/manager.h"

namespace onnxopt {

struct ReproducerRequest {
  std::function<std::unique_ptr<Model>()> load;  // the original
  std::span<const PassEntry> passes;
  const PassManager* failed = nullptr;  // after the run that threw
  PassContext context;                  // as at the start of that run
  std::string error;                    // message of the InternalError
  std::filesystem::path file;
};

// Writes request.file; false if that is not possible (it never throws: it runs while an error is being reported).
bool write_reproducer(const ReproducerRequest& request) noexcept;

}  // namespace onnxopt
