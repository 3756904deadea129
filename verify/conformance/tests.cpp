#include "verify/conformance/tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "verify/exec/value_file.h"

namespace onnxopt {
namespace {

namespace fs = std::filesystem;

bool is_light(const fs::path& file) {
  return file.extension() == ".onnx" && file.filename() != "model.onnx" && fs::exists(file.parent_path() / (file.stem().string() + "_output_0.pb"));
}

void collect(const fs::path& folder, std::vector<ConformanceTest>& tests) {
  if (fs::exists(folder / "model.onnx")) {
    // "FOLDER/" has no file name of its own
    const fs::path named = folder.has_filename() ? folder : folder.parent_path();
    tests.push_back({fs::absolute(named).lexically_normal().filename().string(), folder / "model.onnx", folder, false});
    return;
  }
  std::vector<fs::path> entries;
  for (const auto& e : fs::directory_iterator(folder)) entries.push_back(e.path());
  std::sort(entries.begin(), entries.end());
  for (const fs::path& p : entries) {
    if (fs::is_directory(p)) collect(p, tests);
    else if (is_light(p)) tests.push_back({p.stem().string(), p, folder, true});
  }
}

Type declared(const Value& v) { return v.extra() && v.extra()->has_declared ? v.extra()->declared : v.type; }

// Releases before 1.19 stored bfloat16 as uint16, which NumPy has: the bits are meant where the model says bfloat16.
RtValue read_declared(const fs::path& file, const Value& v) {
  const Type type = declared(v);
  RtValue r = read_value_file(file, type);
  if (type.kind == Type::Kind::tensor && type.dtype == DType::bfloat16 && r.is_tensor() && r.tensor().dtype() == DType::uint16) {
    const auto bytes = r.tensor().bytes();
    r.v = Tensor::from_bytes(DType::bfloat16, r.tensor().dims(), {bytes.begin(), bytes.end()});
  }
  return r;
}

std::vector<const Value*> fed_inputs(const Model& model) {
  std::vector<const Value*> r;
  for (const Value* v : model.graph().inputs())
    if (!v->constant()) r.push_back(v);
  return r;
}

// As ONNX's runner makes them: element i of n is i / n; dims without a number are 1.
RtValue dummy_input(const Value& v) {
  const Type type = declared(v);
  if (type.kind != Type::Kind::tensor || type.dtype != DType::float32 || !type.has_rank())
    bad_input(fmt::format("input '{}' of a light model is not float", v.name()));
  Dims dims;
  for (const Dim& d : *type.shape) dims.push_back(d.is_value() ? d.value() : 1);
  const std::int64_t n = element_count(dims);
  std::vector<float> data(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) data[static_cast<std::size_t>(i)] = static_cast<float>(static_cast<double>(i) / static_cast<double>(n));
  return Tensor::of<float>(dims, data);
}

void read_outputs(const std::string& prefix, const Model& model, ConformanceData& data) {
  for (std::size_t i = 0; i < model.graph().outputs().size(); ++i)
    if (const fs::path at = fmt::format("{}output_{}.pb", prefix, i); fs::exists(at))
      data.expected.emplace_back(i, read_declared(at, *model.graph().outputs()[i]));
}

}  // namespace

std::vector<ConformanceTest> find_conformance_tests(const fs::path& root) {
  if (std::error_code ignored; !fs::exists(root, ignored)) bad_input(fmt::format("{}: no such folder", root.string()));
  if (!fs::is_directory(root)) bad_input(fmt::format("'{}' is not a folder", root.string()));
  std::vector<ConformanceTest> tests;
  collect(root, tests);
  if (tests.empty()) bad_input(fmt::format("'{}' holds no test: no model.onnx, and no .onnx file beside its _output_0.pb", root.string()));
  return tests;
}

std::vector<ConformanceData> read_conformance_data(const ConformanceTest& test, Model& model) {
  std::vector<ConformanceData> sets;
  if (test.light) {
    ConformanceData data;
    for (const Value* v : fed_inputs(model)) data.inputs.push_back(dummy_input(*v));
    read_outputs((test.folder / (test.name + "_")).string(), model, data);
    sets.push_back(std::move(data));
    return sets;
  }
  std::vector<fs::path> folders;
  for (const auto& e : fs::directory_iterator(test.folder))
    if (e.is_directory() && e.path().filename().string().starts_with("test_data_set_")) folders.push_back(e.path());
  std::sort(folders.begin(), folders.end());
  for (const fs::path& folder : folders) {
    ConformanceData data;
    std::size_t file = 0;
    for (const Value* v : model.graph().inputs()) {
      const fs::path at = folder / fmt::format("input_{}.pb", file++);
      if (v->constant()) continue;
      data.inputs.push_back(fs::exists(at) ? read_declared(at, *v) : RtValue());
    }
    read_outputs((folder / "").string(), model, data);
    sets.push_back(std::move(data));
  }
  return sets;
}

ConformanceTolerance read_conformance_tolerance(const ConformanceTest& test) {
  ConformanceTolerance t;
  std::ifstream in(test.folder / "tolerance.json");
  if (!in || test.light) return t;
  const auto json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object()) bad_input(fmt::format("'{}' is not a JSON object", (test.folder / "tolerance.json").string()));
  t.relative = json.value("rtol", t.relative);
  t.absolute = json.value("atol", t.absolute);
  return t;
}

}  // namespace onnxopt
