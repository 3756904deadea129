// Tests the verifier: takes models, makes each a little wrong in one place, and asks verify_models() whether it sees it. Arguments: .onnx files;
// --each N (mutants a model and kind, default 6), --budget S (seconds a comparison). Prints a table by kind: seen (the verdict is "differs"), no
// effect (outputs bit-equal), below rounding (with the largest difference). Exit 1 if a difference of more than 1e-4 of the output's magnitude
// passed.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "ir/core/element.h"
#include "ir/ops/op_table.h"
#include "passes/opset/opset.h"
#include "verify/compare/verify_models.h"

using namespace onnxopt;

namespace {

Tensor scaled(const Tensor& t, double factor, std::int64_t only = -1) {
  std::vector<double> x(static_cast<std::size_t>(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), x.data());
  for (std::int64_t i = 0; i < t.size(); ++i)
    if (only < 0 || i == only) x[static_cast<std::size_t>(i)] *= factor;
  std::vector<std::byte> bytes(t.byte_size());
  store_block<double>(t.dtype(), bytes.data(), 0, t.size(), x.data());
  return Tensor::from_bytes(t.dtype(), t.dims(), std::move(bytes));
}

bool is_float_constant(const Value* v) { return v && v->constant() && is_float(v->constant()->dtype()) && v->used_once(); }

void replace(Node& n, std::size_t i, const Tensor& t) { n.graph()->set_input(n, i, &n.graph()->add_constant("mutant", t)); }

// Each makes one node wrong; false: it does not apply there.
bool wrong_bias(Node& n) {
  for (std::size_t i : {std::size_t{2}, std::size_t{1}, std::size_t{0}}) {
    const bool has_bias = (i == 2 && (n.is("Conv") || n.is("Gemm"))) || (i < 2 && n.is("Add"));
    if (!has_bias || !is_float_constant(n.input(i))) continue;
    replace(n, i, scaled(*n.input(i)->constant(), 1.01));
    return true;
  }
  return false;
}
bool wrong_weight(Node& n) {
  if (!(n.is("Conv") || n.is("Gemm") || n.is("MatMul")) || !is_float_constant(n.input(1))) return false;
  const Tensor t = *n.input(1)->constant();
  std::vector<double> x(static_cast<std::size_t>(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), x.data());
  const auto largest = std::max_element(x.begin(), x.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  replace(n, 1, scaled(t, 1.1, largest - x.begin()));
  return true;
}
bool swapped_axes(Node& n) {
  const Ints* perm = n.is("Transpose") ? n.attrs().get<Ints>("perm") : nullptr;
  if (!perm || !n.input(0)->type.has_rank()) return false;
  Ints p = *perm;
  const Shape& s = *n.input(0)->type.shape;
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t j = i + 1; j < p.size(); ++j) {
      const Dim a = s[static_cast<std::size_t>(p[i])], b = s[static_cast<std::size_t>(p[j])];
      if (!(a == b) || (a.is_value() && a.value() == 1)) continue;
      std::swap(p[i], p[j]);
      n.mutable_attrs().set("perm", p);
      return true;
    }
  return false;
}
bool wrong_axis(Node& n) {
  if (!(n.is("Softmax") || n.is("LogSoftmax")) || !n.input(0)->type.has_rank() || n.input(0)->type.rank() < 2) return false;
  const std::int64_t axis = n.attr_or<std::int64_t>("axis", -1), rank = n.input(0)->type.rank();
  n.mutable_attrs().set("axis", (axis < 0 ? axis + rank : axis) == 0 ? 1 : (axis < 0 ? axis + rank : axis) - 1);
  return true;
}
bool dropped_activation(Node& n) {
  if (!n.is("Relu") && !n.is("Clip") && !n.is("LeakyRelu") && !n.is("Sigmoid") && !n.is("Tanh")) return false;
  Value* in = n.input(0);
  Value* out = n.output();
  if (out->is_graph_output()) return false;
  n.graph()->replace_all_uses(*out, *in);
  return true;
}
bool shifted_pad(Node& n) {
  const Ints* pads = n.is("Conv") || n.is("MaxPool") || n.is("AveragePool") ? n.attrs().get<Ints>("pads") : nullptr;
  if (!pads) return false;
  Ints p = *pads;
  const std::size_t half = p.size() / 2;
  for (std::size_t i = 0; i < half; ++i) {
    if (p[i + half] == 0) continue;
    ++p[i];
    --p[i + half];
    n.mutable_attrs().set("pads", p);
    return true;
  }
  return false;
}
bool larger_epsilon(Node& n) {
  if (!n.op().find_attr("epsilon")) return false;
  n.mutable_attrs().set("epsilon", n.attr<float>("epsilon") * 100);
  return true;
}
bool other_operator(Node& n) {  // Max for Min, Sub for Add, ...
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"Add", "Sub"}, {"Max", "Min"}, {"ReduceMax", "ReduceMean"}, {"Floor", "Ceil"}};
  for (const auto& [a, b] : kPairs)
    if (n.is(a)) {
      n.set_op(op(b));
      return true;
    }
  return false;
}

struct Kind {
  const char* name;
  bool (*apply)(Node&);
};
constexpr Kind kKinds[] = {{"bias off by 1 %", wrong_bias},
                           {"largest weight off by 10 %", wrong_weight},
                           {"swapped axes", swapped_axes},
                           {"softmax over another axis", wrong_axis},
                           {"dropped activation", dropped_activation},
                           {"shifted pad", shifted_pad},
                           {"epsilon x 100", larger_epsilon},
                           {"other operator", other_operator}};

struct Count {
  int seen = 0, no_effect = 0, below = 0, not_run = 0;
  double largest = 0;
};

// The nodes where the kind applies are found on a throw-away copy, then spread evenly.
std::vector<std::size_t> places(const std::string& file, const Kind& kind, std::size_t each) {
  const auto m = load(file);
  std::vector<std::size_t> at;
  std::size_t i = 0;
  for (Node& n : m->graph().nodes()) {
    if (kind.apply(n)) at.push_back(i);
    ++i;
  }
  if (at.size() <= each) return at;
  std::vector<std::size_t> spread;
  for (std::size_t k = 0; k < each; ++k) spread.push_back(at[k * at.size() / each]);
  return spread;
}

void mutate(const std::string& file, std::size_t place, const Kind& kind, double budget, Count& count) {
  const auto reference = load(file), mutant = load(file);
  std::size_t i = 0;
  std::string where;
  for (Node& n : mutant->graph().nodes()) {
    if (i++ != place) continue;
    where = fmt::format("{} {}", n.op().name, n.name);
    if (!kind.apply(n)) return;
    break;
  }
  VerifyOptions options;
  options.budget_s = budget;
  const VerifyReport r = verify_models(*reference, *mutant, options);
  double worst = 0;
  std::string judged;
  for (const ValueDiff& d : r.outputs) {
    if (d.max_rel == 0) continue;
    worst = std::max(worst, d.max_rel);
    judged += fmt::format("; {}: {:.2g}, limit {:.2g}, rounding {:.2g}", d.name, d.max_rel, d.limit, d.noise / judged_scale(d));
  }
  const char* what = "seen";
  if (r.verdict == Verdict::differs) ++count.seen;
  else if (r.verdict == Verdict::not_verified) {
    ++count.not_run;
    what = "NOT RUN";
  } else if (worst == 0) {
    ++count.no_effect;
    what = "no effect";
  } else {
    ++count.below;
    count.largest = std::max(count.largest, worst);
    what = "BELOW ROUNDING";
  }
  if (std::strcmp(what, "seen") != 0)
    fmt::print("{}: {}: {} at {}, {} runs{}{}\n", what, kind.name, file, where, r.runs, judged, r.trusted() ? "" : ", not trusted");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files;
  std::size_t each = 6;
  double budget = 30;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--each") each = std::stoul(argv[++i]);
    else if (arg == "--budget") budget = std::stod(argv[++i]);
    else files.push_back(arg);
  }
  std::map<std::string, Count> counts;
  for (const std::string& f : files)
    for (const Kind& kind : kKinds) try {
        for (std::size_t place : places(f, kind, each)) mutate(f, place, kind, budget, counts[kind.name]);
      } catch (const std::exception& e) {
        fmt::print("{}: {}\n", f, e.what());
      }
  fmt::print("\n{:28} {:>6} {:>10} {:>15} {:>8}\n", "mutation", "seen", "no effect", "below rounding", "not run");
  double largest = 0;
  for (const auto& [name, c] : counts) {
    fmt::print("{:28} {:>6} {:>10} {:>15} {:>8}{}\n", name, c.seen, c.no_effect, c.below, c.not_run,
               c.below ? fmt::format("   (at most {:.2g} of the magnitude)", c.largest) : "");
    largest = std::max(largest, c.largest);
  }
  return largest > 1e-4 ? 1 : 0;
}
