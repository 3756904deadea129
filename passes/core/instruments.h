// What watches a pipeline: printing, dumping, numeric checks, the table of times.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "passes/core/manager.h"

namespace onnxopt {

// --print-after=name,...|all: the graph after each run of these passes, changed or not. A rule that runs in a group: after each run of the group in
// which it fired; `hits` says how often it did so far.
using HitCount = std::function<std::size_t(std::string_view rule)>;
std::unique_ptr<Instrument> print_after(std::vector<std::string> names, std::ostream& out, HitCount hits = {});
// --print-changed: the graph after each pass that changed it.
std::unique_ptr<Instrument> print_changed(std::ostream& out);
// --dump-dir=D: NNN-pass.onnxtxt after each pass that changed something, 000-input.onnxtxt before the first. Error(bad_input) if D cannot be written.
std::unique_ptr<Instrument> dump_to(std::filesystem::path folder);
// --check-each: `differs` compares the model with the original, "" if equal; it runs after each pass that changed something. Error(gate_failed)
// naming the pass and what to type next.
using ModelCheck = std::function<std::string(Model&)>;
std::unique_ptr<Instrument> check_each(ModelCheck differs);

// --time-passes: a table of passes and one of rules (where ctx.time_rules was set), slowest first.
std::string time_table(const std::vector<PassRun>& runs, const PassContext& ctx);

}  // namespace onnxopt
