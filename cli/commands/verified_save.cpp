#include "cli/commands/verified_save.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands/verification_json.h"
#include "cli/report/format.h"
#include "ir/io/stream_target.h"
#include "ir/io/write_file.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "ir/text/read_file.h"

namespace onnxopt {
namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point t) { return std::chrono::duration<double, std::milli>(Clock::now() - t).count(); }

std::unique_ptr<Model> as_filed(const std::filesystem::path& file, const ModelOptions& o) {
  auto m = read_raw(file.string(), o);
  infer(*m, {.strict = false});
  return m;
}

VerifyReport verify_file(const VerifiedSaveOptions& o, const std::filesystem::path& written) {
  VerifyOptions v;
  v.budget_s = o.verify_budget_s;
  const bool filed = o.as_filed && o.model.assume_opset == 0;
  const auto reference = filed ? as_filed(o.input, o.model) : load_with_options(o.input, o.model);
  const auto candidate = filed ? as_filed(written, {}) : load(written);
  return verify_models(*reference, *candidate, v);
}

void gate(const VerifiedSaveOptions& o, const VerifyReport& v) {
  if (v.verdict == Verdict::differs)
    throw Error(ExitCode::gate_failed,
                fmt::format("the result differs from the original and was not written: {}\n  {}--no-verify writes it all the same", v.reason,
                            o.hint.empty() ? "" : o.hint + "; "));
  if (o.require_verified && v.verdict != Verdict::verified)
    throw Error(ExitCode::gate_failed, fmt::format("--require-verified: {}: {}; nothing was written", verdict_text(v.verdict), v.reason));
}

}  // namespace

VerifiedSave save_verified(Model& model, const SaveOptions& save_options, const VerifiedSaveOptions& o, Progress& progress) {
  const bool is_stream = is_stream_target(o.output);
  if (is_stream && o.require_verified)
    throw Error(ExitCode::gate_failed,
                fmt::format("--require-verified: what goes into {} cannot be read back and checked; name a file. Nothing was written", o.output));
  VerifiedSave r;
  if (o.hash_files) r.input_files = hash_files(o.input, o.hash_data);  // before anything is written: the output may take its place
  SaveOptions options = save_options;
  double verify_ms = 0;
  if (o.verify)
    options.write.before_commit = [&](const std::filesystem::path& written) {
      progress.stage("verifying");
      const auto t = Clock::now();
      r.verification = verify_file(o, written);
      verify_ms = ms_since(t);
      gate(o, *r.verification);
    };
  progress.stage("writing");
  const auto t = Clock::now();
  try {
    r.written = save(model, o.output, options);
  } catch (const Error& e) {  // contexts on the way keep the code only
    if (e.code() == ExitCode::gate_failed && r.verification) throw RefusedResult(e.what(), std::move(*r.verification));
    throw;
  }
  r.save_ms = ms_since(t) - verify_ms;
  if (o.hash_files && !is_stream) r.output_files = hash_files(o.output, o.hash_data);
  return r;
}

void check_output_file(const std::string& input, const std::string& output, bool in_place) {
  if (!in_place && same_file(input, output))
    throw Error(ExitCode::usage, fmt::format("'{}' is both input and output; name another output, or say --in-place", input));
  if (is_text_file(output))
    throw Error(ExitCode::usage, fmt::format("'{}' would be read as text; name an .onnx file, and print --full makes text of it", output));
  check_target(output);
}

void refuse_newer(const Model& m, const ModelOptions& o) {
  if (o.assume_opset != 0) return;
  for (const OpsetImport& i : m.file_opsets)
    if (const int newest = newest_opset(i.domain); newest > 0 && i.version > newest)
      bad_input(fmt::format("the model uses opset {} of '{}', this program knows opsets up to {}; --assume-opset {} reads it as such", i.version,
                            i.domain.empty() ? "ai.onnx" : i.domain, newest, newest));
}

std::string verification_text(bool wanted, const std::optional<VerifyReport>& verification) {
  if (!verification) return wanted ? "not checked (the output is not a regular file)\n" : "not checked (--no-verify)\n";
  const VerifyReport& v = *verification;
  std::size_t equal = 0;
  double worst = 0;
  for (const ValueDiff& d : v.outputs) {
    equal += d.equal && d.is_output;
    worst = std::max(worst, d.max_rel);
  }
  std::string s =
      fmt::format("{}: {} of {} outputs equal, largest error {:.2g} of the output's magnitude, {} run{}{}, {}\n", verdict_text(v.verdict), equal,
                  v.total_outputs, worst, v.runs, v.runs == 1 ? "" : "s", v.inputs_text.empty() ? "" : " with " + v.inputs_text, human_ms(v.ms));
  if (!v.reason.empty()) s += fmt::format("  because {}\n", printable(v.reason));
  for (const ValueDiff& d : v.outputs)
    if (!d.trusted_by.empty()) s += fmt::format("  note: output '{}' proves nothing by itself ({}): {}\n", printable(d.name), d.reason, d.trusted_by);
  for (const std::string& w : v.warnings) s += fmt::format("  warning: {}\n", printable(w));
  return s;
}

nlohmann::json verification_json(const VerifyReport& v) {
  nlohmann::json outputs = nlohmann::json::array();
  for (const ValueDiff& d : v.outputs)
    outputs.push_back({{"name", d.name},
                       {"equal", d.equal},
                       {"max_abs", d.max_abs},
                       {"max_rel", d.max_rel},
                       {"limit", d.limit},
                       {"sqnr_db", d.sqnr_db},
                       {"rounding", d.noise < 0 ? nlohmann::json() : nlohmann::json(d.noise / judged_scale(d))},
                       {"vacuous", d.vacuous},
                       {"trusted_by", d.trusted_by},
                       {"reason", d.reason}});
  return {{"verdict", verdict_text(v.verdict)},
          {"reason", v.reason},
          {"outputs", outputs},
          {"total_outputs", v.total_outputs},
          {"runs", v.runs},
          {"inputs", v.inputs_text},
          {"warnings", v.warnings},
          {"ms", v.ms}};
}

}  // namespace onnxopt
