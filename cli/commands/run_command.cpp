#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "calibration_data/npy.h"
#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "cli/commands/verified_save.h"
#include "cli/report/file_hashes.h"
#include "cli/report/format.h"
#include "cli/report/model_stats.h"
#include "cli/report/progress.h"
#include "ir/core/element.h"
#include "ir/io/write_file.h"
#include "verify/compare/interface.h"
#include "verify/compare/seeded_inputs.h"
#include "verify/exec/value_file.h"

namespace onnxopt {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string file, save, format = "npy";
  std::vector<std::string> inputs;
  std::uint64_t seed = 0;
  double time_limit_s = 0;
  ModelOptions model;
};

using Named = std::map<std::string, RtValue>;

RtValue read_value(const fs::path& file, const Type& type) {
  if (std::error_code ignored; !fs::exists(file, ignored)) bad_input(fmt::format("{}: no such file or folder", file.string()));
  if (file.extension() == ".npy") return read_npy(file);
  if (file.extension() == ".pb") return read_value_file(file, type);
  throw Error(ExitCode::usage, fmt::format("'{}': inputs are read from .npy, .npz and .pb files", file.string()));
}

// A folder as the ONNX backend tests have them: input_0.pb, input_1.pb, ... in order of the model's inputs.
void read_folder(const fs::path& folder, const std::vector<Value*>& wanted, Named& values) {
  for (std::size_t i = 0; i < wanted.size(); ++i)
    for (const char* extension : {"pb", "npy"}) {
      const fs::path file = folder / fmt::format("input_{}.{}", i, extension);
      if (fs::exists(file)) values[wanted[i]->name()] = read_value(file, wanted[i]->type);
    }
  if (values.empty()) bad_input(fmt::format("'{}' holds no input_0.pb or input_0.npy", folder.string()));
}

const Value& input_named(const std::vector<Value*>& inputs, const std::string& name) {
  const auto it = std::find_if(inputs.begin(), inputs.end(), [&](const Value* v) { return v->name() == name; });
  if (it == inputs.end()) {
    std::vector<std::string> names;
    for (const Value* v : inputs) names.push_back(v->name());
    throw Error(ExitCode::usage, fmt::format("--feed: the model has no input '{}'; its inputs are {}", name, fmt::join(names, ", ")));
  }
  return **it;
}

Named read_inputs(const Options& o, const std::vector<Value*>& wanted) {
  Named values;
  for (const std::string& text : o.inputs) {
    const auto eq = text.find('=');
    if (eq == std::string::npos && fs::is_directory(text)) {
      read_folder(text, wanted, values);
    } else if (eq == std::string::npos && fs::path(text).extension() == ".npz") {
      for (auto& [name, tensor] : read_npz(text)) values[input_named(wanted, name).name()] = std::move(tensor);
    } else if (eq == std::string::npos && wanted.size() == 1) {
      values[wanted[0]->name()] = read_value(text, wanted[0]->type);
    } else if (eq != std::string::npos) {
      const std::string name = text.substr(0, eq);
      values[name] = read_value(text.substr(eq + 1), input_named(wanted, name).type);
    } else {
      throw Error(ExitCode::usage, fmt::format("--feed {}: expected NAME=FILE, an .npz file or a folder of input_N.pb files", text));
    }
  }
  return values;
}

// Runtimes refuse what does not fit the declared shape; broadcasting would hide it here.
void check_shape(const Value& input, const RtValue& given) {
  if (!input.type.is_tensor() || !input.type.has_rank() || !given.is_tensor()) return;
  const Dims& dims = given.tensor().dims();
  bool fits = input.type.rank() == static_cast<std::int64_t>(dims.size());
  for (std::size_t i = 0; fits && i < dims.size(); ++i) {
    const Dim& declared = (*input.type.shape)[i];
    fits = !declared.is_value() || declared.value() <= 0 || declared.value() == dims[i];
  }
  if (fits) return;
  std::string takes;
  for (const Dim& d : *input.type.shape) takes += fmt::format("{}{}", takes.empty() ? "" : ",", d.is_value() ? std::to_string(d.value()) : "?");
  bad_input(fmt::format("input '{}' takes [{}], not [{}]", input.name(), takes, fmt::join(dims, ",")));
}

struct Summary {
  std::string name, type;
  double low = 0, high = 0, mean = 0;
  bool numeric = false;
};

Summary summary_of(const std::string& name, const RtValue& v) {
  Summary s{name, "", 0, 0, 0, false};
  if (!v.is_tensor()) {
    s.type = v.empty() ? "none" : "not a tensor";
    if (const auto* q = std::get_if<std::shared_ptr<const RtSequence>>(&v.v)) s.type = fmt::format("sequence of {}", (*q)->size());
    if (const auto* m = std::get_if<std::shared_ptr<const RtMap>>(&v.v)) s.type = fmt::format("map of {}", (*m)->entries.size());
    return s;
  }
  const Tensor& t = v.tensor();
  s.type = fmt::format("{}[{}]", dtype_name(t.dtype()), fmt::join(t.dims(), ","));
  if (t.dtype() == DType::string || is_complex(t.dtype()) || t.size() == 0) return s;
  s.numeric = true;
  s.low = std::numeric_limits<double>::infinity();
  s.high = -s.low;
  constexpr std::int64_t kBlock = 1024;
  double x[kBlock];
  for (std::int64_t first = 0; first < t.size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, t.size() - first);
    load_block<double>(t.dtype(), t.bytes().data(), first, count, x);
    for (std::int64_t i = 0; i < count; ++i) {
      s.low = std::min(s.low, x[i]);
      s.high = std::max(s.high, x[i]);
      s.mean += x[i] / static_cast<double>(t.size());
    }
  }
  if (std::isnan(s.mean)) s.mean = std::numeric_limits<double>::quiet_NaN();      // its sign says nothing
  if (s.low > s.high) s.low = s.high = std::numeric_limits<double>::quiet_NaN();  // nothing else is in it
  return s;
}

void save(const Options& o, const std::vector<std::pair<std::string, RtValue>>& outputs) {
  if (o.save.empty()) return;
  const fs::path target = o.save;
  const bool npz = target.extension() == ".npz";
  for (const auto& [name, v] : outputs)  // all or nothing
    if (!v.is_tensor() && (npz || o.format != "pb"))
      bad_input(fmt::format("output '{}' is not a tensor; save it with --format pb into a folder", name));
  if (npz) {
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (const auto& [name, v] : outputs) arrays.emplace_back(name, v.tensor());
    write_npz(target, arrays);
    return;
  }
  if (std::error_code error; !fs::create_directories(target, error) && error)
    bad_input(fmt::format("cannot write {}: {}", target.string(), error.message()));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const fs::path file = target / fmt::format("output_{}.{}", i, o.format);
    if (o.format == "pb") write_value_file(file, outputs[i].second, outputs[i].first);
    else write_npy(file, outputs[i].second.tensor());
  }
}

// Before a run of minutes.
void check_save(const fs::path& target, const std::string& format) {
  if (target.empty()) return;
  if (target.extension() == ".npz" && format == "pb")
    throw Error(ExitCode::usage, fmt::format("--save {}: --format pb goes into a folder, not into an .npz file", target.string()));
  if (target.extension() == ".npz") return check_target(target);
  std::error_code unknown;
  if (fs::exists(target, unknown) && !fs::is_directory(target, unknown))
    throw Error(ExitCode::usage, fmt::format("--save {}: a file of this name is there; name a folder, or FILE.npz", target.string()));
}

void report(const Options& o, const Invocation& invocation, const std::vector<std::pair<std::string, RtValue>>& outputs) {
  nlohmann::json list = nlohmann::json::array();
  Table t({"output", "type", "min", "max", "mean"});
  for (const auto& [name, v] : outputs) {
    const Summary s = summary_of(name, v);
    nlohmann::json j = {{"name", s.name}, {"type", s.type}};
    if (s.numeric) j.update({{"min", s.low}, {"max", s.high}, {"mean", s.mean}});
    list.push_back(j);
    t.add(s.numeric
              ? std::vector<std::string>{s.name, s.type, fmt::format("{:.6g}", s.low), fmt::format("{:.6g}", s.high), fmt::format("{:.6g}", s.mean)}
              : std::vector<std::string>{s.name, s.type, "", "", ""});
  }
  if (invocation.json) print_json(invocation, {{"model", o.file}, {"files", {{"model", hashes_json(o.file)}}}, {"outputs", list}});
  else fmt::print("{}", t.text());
}

// The first assignment of free dims that the model runs with; later ones are for models that take certain sizes only.
std::vector<RtValue> run_made_up(Executor& executor, SeededInputs& seeded, const Options& o) {
  constexpr std::chrono::seconds kPatience(20);
  const auto start = std::chrono::steady_clock::now();
  std::string first;
  for (int attempt = 0; attempt < seeded.attempts(); ++attempt) {
    try {
      return executor.run(seeded.make(attempt, o.seed));
    } catch (const Error& e) {
      if (e.code() != ExitCode::bad_input) throw;
      if (attempt == 0) first = e.what();
      if (seeded.dims_text().empty() || std::chrono::steady_clock::now() - start > kPatience) break;
    }
  }
  bad_input("the model does not run on made-up inputs (--feed gives others, --dim sizes): " + first);
}

int run(const Options& o, const Invocation& invocation) {
  check_save(o.save, o.format);
  Progress progress(true);
  progress.stage("running");
  const auto m = load_with_options(o.file, o.model, nullptr, [&](Model& raw) { refuse_newer(raw, o.model); });
  const std::vector<Value*> wanted = fed_inputs(*m);
  Named values = read_inputs(o, wanted);
  std::vector<RtValue> inputs;
  SeededInputs seeded(*m);
  const auto start = std::chrono::steady_clock::now();
  const std::chrono::duration<double> limit(o.time_limit_s);
  if (o.time_limit_s > 0) seeded.stop_at(start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
  const bool fed = values.size() == wanted.size();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto it = values.find(wanted[i]->name());
    if (it == values.end() && !o.inputs.empty()) throw Error(ExitCode::usage, fmt::format("no value was given for input '{}'", wanted[i]->name()));
    if (it == values.end()) continue;
    check_shape(*wanted[i], it->second);
    inputs.push_back(it->second);
  }
  ExecOptions options;
  if (o.time_limit_s > 0)
    options.deadline_s = std::max(limit.count() - std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 1e-3);
  Executor executor(*m, options);
  if (!executor.unsupported().empty()) bad_input(executor.unsupported()[0].reason);
  const std::vector<RtValue> results = fed ? executor.run(inputs) : run_made_up(executor, seeded, o);
  std::vector<std::pair<std::string, RtValue>> outputs;
  for (std::size_t i = 0; i < results.size(); ++i) outputs.emplace_back(m->graph().outputs()[i]->name(), results[i]);
  save(o, outputs);
  report(o, invocation, outputs);
  return 0;
}

}  // namespace

void setup_run(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("run", "Run a model in the reference executor");
  c.add_option("model", o->file, "The .onnx file to run").required();
  c.add_option("-f,--feed", o->inputs,
               "Input values: NAME=FILE.npy, NAME=FILE.pb, FILE.npz, or a folder of input_N.pb files (default: seeded values)")
      .type_name("VALUES")
      .one_value_each();
  c.add_option("--seed", o->seed, "Seed of the made-up inputs").check(not_count).show_default();
  c.add_option("--time-limit", o->time_limit_s, "Stop with exit code 1 after so many seconds of running (default: never)")
      .type_name("S")
      .check(not_seconds);
  c.add_option("-s,--save", o->save, "Save the outputs: FILE.npz, or a folder that gets output_N files").type_name("PATH");
  c.add_option("--format", o->format, "Files in the folder: npy or pb").one_of({"npy", "pb"}).show_default();
  add_model_options(c, o->model);
  c.footer("Example: onnxopt run model.onnx --feed images=photo.npy --save out.npz");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
