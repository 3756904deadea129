// Reads models and writes them back unchanged: the other half of tests/tools/roundtrip.py, which compares the files with the onnx package.
//   io_roundtrip read IN...              prints one line a file
//   io_roundtrip check IN...             prints what the IR verifier finds
//   io_roundtrip copy IN OUT [DATA]      DATA: external data file name ("" for OUT.data)
//   io_roundtrip copies < LIST           lines IN<tab>OUT; prints "ok" or "refused: why" for each
//   io_roundtrip values < LIST           lines MODEL<tab>input|output<tab>INDEX<tab>IN.pb<tab>OUT.pb
#include <sys/resource.h>

#include <chrono>
#include <iostream>
#include <sstream>

#include "ir/core/check.h"
#include "ir/io/io.h"
#include "ir/io/value_io.h"

namespace {

using namespace onnxopt;

void report(const std::string& what, std::chrono::steady_clock::time_point start) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  std::cout << what << "  " << ms << " ms, peak " << usage.ru_maxrss / 1024 << " MB\n";
}

int run(const std::vector<std::string>& args) {
  const auto start = std::chrono::steady_clock::now();
  if (args.size() > 1 && args[0] == "read") {
    for (std::size_t i = 1; i < args.size(); ++i) {
      try {
        const auto model = read_model(args[i]);
        report(args[i] + ": " + std::to_string(total_nodes(model->graph())) + " nodes", start);
      } catch (const Error& e) {
        std::cout << "refused: " << e.what() << '\n';
      }
    }
    return 0;
  }
  if (args.size() > 1 && args[0] == "check") {
    for (std::size_t i = 1; i < args.size(); ++i) {
      try {
        for (const Finding& f : check(*read_model(args[i])))
          std::cout << args[i] << ": " << (f.broken ? "BROKEN " : "") << f.where << ": " << f.what << '\n';
      } catch (const Error& e) {
        std::cout << "refused: " << e.what() << '\n';
      }
    }
    return 0;
  }
  if (args.size() >= 3 && args[0] == "copy") {
    WriteOptions options;
    if (args.size() > 3) options.external_data = args[3];
    const auto model = read_model(args[1]);
    const WriteResult r = write_model(*model, args[2], options);
    report(std::to_string(r.model_bytes) + " + " + std::to_string(r.external_bytes) + " bytes " + r.external_file +
               (r.external_reused ? " (reused)" : ""),
           start);
    return 0;
  }
  if (args.size() == 1 && args[0] == "values") {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream fields(line);
      std::string file, what, index, in, out;
      for (std::string* s : {&file, &what, &index, &in, &out}) std::getline(fields, *s, '\t');
      const auto model = read_model(file);
      const Graph& g = model->graph();
      const Value& v = *(what == "input" ? g.inputs() : g.outputs())[std::stoul(index)];
      write_value(read_value(in, v.extra()->declared), v.extra()->declared, out);
      std::cout << "ok" << std::endl;
    }
    return 0;
  }
  if (args.size() == 1 && args[0] == "copies") {
    for (std::string line; std::getline(std::cin, line);) {
      const std::size_t tab = line.find('\t');
      try {
        write_model(*read_model(line.substr(0, tab)), line.substr(tab + 1));
        std::cout << "ok" << std::endl;
      } catch (const Error& e) {
        std::cout << "refused: " << e.what() << std::endl;
      }
    }
    return 0;
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const onnxopt::Error& e) {
    std::cout << "refused: " << e.what() << '\n';
    return 3;
  }
}
