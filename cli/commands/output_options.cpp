#include "cli/commands/output_options.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/commands/verification_json.h"
#include "passes/opset/ir_version.h"

namespace onnxopt {
namespace {

bool is_standard_output(const std::string& file) {
  struct stat a, b;
  return ::stat(file.c_str(), &a) == 0 && ::fstat(STDOUT_FILENO, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

void add_output_options(Command cmd, OutputOptions& o) {
  cmd.add_option("-o,--out", o.output, "The .onnx file to write").type_name("FILE");
  cmd.add_option("--external-data", o.external_data,
                 "Write weights to this file beside the model (FILE.data if no name is given); automatic above 2 GiB")
      .type_name("[=FILE]");
  cmd.add_option("--external-threshold", o.external_threshold, "Smallest tensor that goes to the external file, in bytes")
      .type_name("BYTES")
      .check(not_count)
      .show_default();
  cmd.add_flag("--infer", o.infer_types, "Write the inferred types of inner values into the model");
  cmd.add_flag("--in-place", o.in_place, "Write over the input file; -o may be left out");
}

void add_verify_options(Command cmd, OutputOptions& o) {
  cmd.add_flag(
      "--no-verify", [&o] { o.verify = false; }, "Do not check the result against the original");
  cmd.add_option("--verify-budget", o.verify_budget_s, "Seconds that the check may take").type_name("S").check(not_seconds).show_default();
  cmd.add_flag("--require-verified", o.require_verified, "Exit 1, and write nothing, unless every output was compared and is equal");
}

void add_report_options(Command cmd, OutputOptions& o) {
  cmd.add_flag("--json", o.json, "Print the report as JSON");
  cmd.add_flag("--hash-data", o.hash_data, "Put the SHA-256 of external weight files into the JSON report too");
  cmd.add_flag("-q,--quiet", o.quiet, "Print nothing but errors");
}

void take_in_place(OutputOptions& o) {
  if (o.in_place && o.output.empty()) o.output = o.input;
}

void check_output_options(const OutputOptions& o) {
  if (o.require_verified && !o.verify) throw Error(ExitCode::usage, "--require-verified and --no-verify contradict each other");
}

void check_ir_request(Model& m, std::int64_t ir_version) {
  if (const std::int64_t lowest = lowest_ir_version(m, 1); ir_version < lowest)
    throw Error(ExitCode::usage, fmt::format("--ir-version {}: the model holds what only IR version {} and newer have", ir_version, lowest));
}

WriteOptions write_options(const OutputOptions& o) {
  WriteOptions w;
  w.external_data = o.external_data == kBesideTheModel ? std::string() : o.external_data;
  w.external_threshold = o.external_threshold;
  w.inferred_types = o.infer_types;
  return w;
}

VerifiedSaveOptions verified_save_options(const OutputOptions& o) {
  VerifiedSaveOptions v{o.input, o.output, o.model, o.verify, o.require_verified};
  v.verify_budget_s = o.verify_budget_s;
  v.hash_files = o.json;
  v.hash_data = o.hash_data;
  return v;
}

std::FILE* report_file(const OutputOptions& o) { return is_standard_output(o.output) ? stderr : stdout; }

void add_files(nlohmann::json& report, const OutputOptions& o, const VerifiedSave& saved) {
  report["input"] = o.input;
  report["output"] = o.output;
  if (saved.input_files) report["files"]["input"] = hashes_json(*saved.input_files);
  if (saved.output_files) report["files"]["output"] = hashes_json(*saved.output_files);
  if (!saved.written.external_file.empty())
    report["external_data"] = {{"file", saved.written.external_file}, {"bytes", saved.written.external_bytes}};
  report["verification"] = saved.verification ? verification_json(*saved.verification) : nlohmann::json{{"verdict", "not checked"}};
}

}  // namespace onnxopt
