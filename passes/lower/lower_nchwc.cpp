// com.microsoft.nchwc back to plain tensors: filters are unblocked, ReorderInput and ReorderOutput go, and so do channels that are padding only.
// All or nothing in a graph, since a blocked tensor means nothing to an operator outside of the region.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "ir/ops/infer.h"
#include "ir/ops/nchwc.h"
#include "passes/cleanup/whole_graph.h"
#include "passes/lower/lower.h"

namespace onnxopt {
namespace {

using std::int64_t;

bool is_nchwc(const Node& n) { return n.op().domain == kNchwcDomain; }
bool is_pool(const Node& n) { return is_nchwc(n) && n.op().name.ends_with("Pool"); }
bool is_same_place(const Node& n) {
  for (const char* name : {"Relu", "Sigmoid", "Tanh", "Add", "Sum", "Mul"})
    if (n.is(name)) return true;
  return is_pool(n) || (is_nchwc(n) && n.op().name == "Upsample");
}

// The blocked values of one graph: how many channels each has with padding, and which have as many without.
class Region {
 public:
  Region(Graph& g, int64_t block) : graph_(g), block_(block) {}

  // "" or what cannot be understood.
  std::string read() {
    for (Node& n : graph_.nodes())
      if (std::string why = read_node(n); !why.empty()) return why;
    for (Node& n : graph_.nodes())
      if (std::string why = check_readers(n); !why.empty()) return why;
    return "";
  }
  bool is_blocked(const Value* v) const { return v && of_.contains(v); }
  int64_t padded(const Value* v) const { return sets_[of_.at(v)].padded; }
  int64_t channels(const Value* v) {
    const Set& s = sets_[find(of_.at(v))];
    return std::clamp(s.used, s.padded - block_ + 1, s.padded);
  }
  // [0, C/b, 0, 0, b] and back, around additions of shapes that ONNX Runtime could not compare: plain tensors need neither.
  bool is_split(const Node& n) const { return is_reshape(n, 5) && is_blocked(n.input(0)); }
  bool is_join(const Node& n) const { return is_reshape(n, 4) && split_.contains(n.input(0)); }

 private:
  struct Set {
    std::size_t parent;
    int64_t padded, used;
  };
  Graph& graph_;
  int64_t block_;
  std::vector<Set> sets_;
  std::unordered_map<const Value*, std::size_t> of_;      // looked up only
  std::unordered_map<const Value*, const Value*> split_;  // a value of rank 5, and the blocked one that it came from

  std::size_t find(std::size_t i) {
    while (sets_[i].parent != i) i = sets_[i].parent = sets_[sets_[i].parent].parent;
    return i;
  }
  void add(const Value* v, int64_t padded, int64_t used) {
    of_[v] = sets_.size();
    sets_.push_back({sets_.size(), padded, used});
  }
  void join(const Value* a, const Value* b) {
    const std::size_t x = find(of_.at(a)), y = find(of_.at(b));
    if (x == y) return;
    sets_[y].used = std::max(sets_[x].used, sets_[y].used);
    sets_[x].parent = y;
  }
  void use(const Value* v, int64_t channels) {
    Set& s = sets_[find(of_.at(v))];
    s.used = std::max(s.used, channels);
  }
  static bool is_reshape(const Node& n, int64_t rank) {
    const Tensor* to = n.is("Reshape") && n.input(1) ? n.input(1)->constant() : nullptr;
    if (!to || to->dtype() != DType::int64 || to->size() != rank) return false;
    const auto d = to->data<int64_t>();
    return d[0] == 0 && d[1] > 0 && d[2] == 0 && d[3] == 0;
  }

  std::string read_node(Node& n) {
    if (is_nchwc(n)) return read_nchwc(n);
    const bool blocked = std::any_of(n.inputs().begin(), n.inputs().end(), [&](const Value* v) { return is_blocked(v); });
    const bool rank5 = std::any_of(n.inputs().begin(), n.inputs().end(), [&](const Value* v) { return split_.contains(v); });
    if (!blocked && !rank5) return "";
    if (rank5) return read_split(n);
    if (is_split(n)) {
      split_[n.output()] = n.input(0);
      return "";
    }
    if (!is_same_place(n) && !(n.is("Concat") && n.attr_or<int64_t>("axis", 0) == 1)) return fmt::format("{} reads a blocked tensor", n.op().name);
    for (const Value* v : n.inputs())
      if (!is_blocked(v)) return fmt::format("{} joins a blocked tensor with a plain one", n.op().name);
    if (!n.is("Concat")) return same_channels(n);
    int64_t sum = 0;
    for (const Value* v : n.inputs()) {
      sum += padded(v);
      use(v, padded(v));  // what follows counts channels over all parts
    }
    add(n.output(), sum, sum);
    return "";
  }
  std::string same_channels(Node& n) {
    add(n.output(), padded(n.input(0)), 1);
    for (const Value* v : n.inputs()) {
      if (padded(v) != padded(n.input(0))) return fmt::format("{} of {} and {} channels", n.op().name, padded(v), padded(n.input(0)));
      join(v, n.output());
    }
    return "";
  }
  std::string read_split(Node& n) {
    for (const Value* v : n.inputs())
      if (!split_.contains(v) && !(n.is("Reshape") && v->constant())) return fmt::format("{} joins a blocked tensor with a plain one", n.op().name);
    const Value* from = split_.at(n.input(0));
    if (is_join(n)) {
      add(n.output(), padded(from), 1);
      join(from, n.output());
      return "";
    }
    if (!n.is("Add") && !n.is("Sum")) return fmt::format("{} reads a blocked tensor of rank 5", n.op().name);
    split_[n.output()] = from;
    for (const Value* v : n.inputs()) join(split_.at(v), from);
    return "";
  }
  std::string read_nchwc(Node& n) {
    const std::string_view op = n.op().name;
    Value* x = n.input(0);
    if (op == "ReorderInput") {
      const Shape* s = x->type.is_tensor() && x->type.shape ? &*x->type.shape : nullptr;
      const std::size_t axis = n.attr_or<int64_t>("channels_last", 0) != 0 ? 3 : 1;
      if (!s || s->size() != 4 || !(*s)[axis].is_value()) return "the number of channels of a ReorderInput is not known";
      add(n.output(), nchwc_aligned((*s)[axis].value(), block_), (*s)[axis].value());
      return "";
    }
    if (op == "Conv") return read_conv(n);
    if (!is_blocked(x)) return fmt::format("{} reads a tensor that is not blocked", op);
    if (op == "ReorderOutput") {
      const int64_t channels = n.attr_or<int64_t>("channels", 0);
      if (channels < 1 || channels > padded(x)) return fmt::format("{} channels of {}", channels, padded(x));
      use(x, channels);
      return "";
    }
    if (!is_same_place(n)) return fmt::format("{} is not known", op);
    return same_channels(n);
  }
  std::string read_conv(Node& n) {
    const Tensor* w = n.input(1) ? n.input(1)->constant() : nullptr;
    const Tensor* bias = n.input(2) ? n.input(2)->constant() : nullptr;
    const int64_t groups = n.attr_or<int64_t>("group", 1);
    if (!w || w->dtype() != DType::float32 || w->rank() != 4 || (n.input(2) && !bias)) return "a filter or bias is not constant";
    const Dims& d = w->dims();
    const NchwcFilter kind = nchwc_filter_kind(d, groups, block_);
    if (d[0] % block_ != 0 || (bias && (bias->dtype() != DType::float32 || bias->size() != d[0]))) return "a filter is not blocked";
    if (kind.blocked_input != is_blocked(n.input(0))) return "a Conv reads another layout than its filter wants";
    if (kind.blocked_input && padded(n.input(0)) != d[1] * groups) return "a Conv reads another number of channels than its filter wants";
    add(n.output(), d[0], 1);
    if (groups > 1 && !kind.depthwise) {
      use(n.input(0), padded(n.input(0)));
      use(n.output(), d[0]);
    } else {
      use_filter(n, nchwc_filter_to_plain(*w, groups, block_), bias, kind);
    }
    if (!n.input(3)) return "";
    if (!is_blocked(n.input(3)) || padded(n.input(3)) != d[0]) return "a Conv adds a tensor of another layout";
    join(n.input(3), n.output());
    return "";
  }
  // Channels beyond those used are zero in every filter that makes or reads them.
  void use_filter(const Node& n, const Tensor& w, const Tensor* bias, NchwcFilter kind) {
    const Dims& d = w.dims();
    const auto v = w.data<float>();
    int64_t out = 1, in = 1;
    for (int64_t i = 0; i < w.size(); ++i)
      if (v[static_cast<std::size_t>(i)] != 0) {
        out = std::max(out, i / (d[1] * d[2] * d[3]) + 1);
        in = std::max(in, i / (d[2] * d[3]) % d[1] + 1);
      }
    for (int64_t i = 0; bias && i < d[0]; ++i)
      if (bias->data<float>()[static_cast<std::size_t>(i)] != 0) out = std::max(out, i + 1);
    use(n.output(), out);
    if (kind.depthwise) join(n.input(0), n.output());
    else if (kind.blocked_input) use(n.input(0), in);
  }
  std::string check_readers(const Node& n) const {
    for (const Value* v : n.outputs())
      if (v && (is_blocked(v) || split_.contains(v))) {
        if (v->is_graph_output()) return "an output is a blocked tensor";
        for (const Use& u : v->uses())
          if (u.node->graph() != &graph_) return "an inner graph reads a blocked tensor";
      }
    return "";
  }
};

Tensor part_of_filter(const Tensor& w, int64_t out, int64_t in) {
  const Dims d{out, in, w.dims()[2], w.dims()[3]};
  const int64_t kernel = d[2] * d[3];
  std::vector<float> r;
  r.reserve(static_cast<std::size_t>(out * in * kernel));
  const auto v = w.data<float>();
  for (int64_t o = 0; o < out; ++o) r.insert(r.end(), v.begin() + o * w.dims()[1] * kernel, v.begin() + (o * w.dims()[1] + in) * kernel);
  return Tensor::of<float>(d, r);
}

struct ConvPlan {
  int64_t out, in;  // channels kept; `in`: a group
};
using Plans = std::unordered_map<const Node*, ConvPlan>;

void write_conv(Expansion& e, const ConvPlan& p, int64_t block) {
  const Node& n = e.node();
  const int64_t groups = e.integer("group", 1);
  const bool depthwise = nchwc_filter_kind(e.constant(1)->dims(), groups, block).depthwise;
  Attrs attrs;
  for (const Attribute& a : n.attrs())
    if (!a.name.starts_with("activation") && a.name != "group") attrs.add(a);
  if (groups > 1) attrs.set("group", depthwise ? p.out : groups);
  Value* w = e.tensor(part_of_filter(nchwc_filter_to_plain(*e.constant(1), groups, block), p.out, p.in), "weight");
  Value* bias = nullptr;
  if (e.has(2)) bias = e.tensor(Tensor::of<float>({p.out}, e.constant(2)->data<float>().first(static_cast<std::size_t>(p.out))), "bias");
  Value* y = e.op("Conv", {e.in(0), w, bias}, std::move(attrs));
  if (e.has(3)) y = e.add(y, e.in(3));
  const Floats* params = n.attrs().get<Floats>("activation_params");
  e.result(0, lowering::activate(e, y, e.text("activation"), params ? *params : Floats()));
}

void write_upsample(Expansion& e) {
  const Ints* factors = e.integers("scales");
  const Tensor by = Tensor::of<float>({static_cast<int64_t>(factors->size())}, std::vector<float>(factors->begin(), factors->end()));
  Attrs attrs{{"mode", e.text("mode", "nearest")}, {"coordinate_transformation_mode", e.text("coordinate_transformation_mode", "asymmetric")}};
  if (e.text("mode", "nearest") == "nearest") attrs.set("nearest_mode", std::string("floor"));
  e.result(0, e.op("Resize", {e.in(0), nullptr, e.tensor(by, "scales")}, std::move(attrs)));
}

// Channels that are padding only were counted before; values are plain already where the node reads them.
void write_node(Expansion& e, const Plans& plans, int64_t block) {
  const Node& n = e.node();
  const std::string_view op = n.op().name;
  const bool last = e.integer("channels_last") != 0;
  if (op == "Conv") return write_conv(e, plans.at(&n), block);
  if (op == "Upsample") return write_upsample(e);
  if (op == "ReorderInput") {
    const ConvPlan& p = plans.at(&n);
    Value* x = last ? e.transpose(e.in(0), {0, 3, 1, 2}) : e.in(0);
    if (p.out > p.in) x = e.op("Pad", {x, e.ints({0, 0, 0, 0, 0, p.out - p.in, 0, 0}, "pads")});
    return e.result(0, x);
  }
  if (op == "ReorderOutput") {
    const ConvPlan& p = plans.at(&n);
    Value* x = p.in > p.out ? e.slice(e.in(0), 0, p.out, 1) : e.in(0);
    return e.result(0, last ? e.transpose(x, {0, 2, 3, 1}) : x);
  }
  e.result(0, e.op(op, {e.in(0)}, n.attrs()));
}

std::string known_activations(const Node& n) {
  const std::string name = n.attr_or<std::string>("activation", "");
  for (const char* known : {"", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "Elu", "Softplus", "Softsign", "ThresholdedRelu"})
    if (name == known) return "";
  return "the activation " + name + " is not known";
}

}  // namespace

std::string lower_nchwc(Graph& g, const OutputOpsets& target, ConstantPool& pool, std::span<Node* const> nodes, int64_t block,
                        std::vector<std::string>& made) {
  Region region(g, block);
  if (std::string why = region.read(); !why.empty()) return why;
  Plans plans;
  std::vector<Node*> views;  // Reshapes that ONNX Runtime added
  for (Node& n : g.nodes()) {
    const std::string_view op = n.op().name;
    if (!is_nchwc(n)) {
      if (region.is_split(n) || region.is_join(n)) views.push_back(&n);
    } else if (op == "Conv") {
      if (std::string why = known_activations(n); !why.empty()) return why;
      const Dims& d = n.input(1)->constant()->dims();
      const int64_t groups = n.attr_or<int64_t>("group", 1);
      const bool whole = nchwc_filter_kind(d, groups, block).depthwise || groups > 1 || !region.is_blocked(n.input(0));
      plans[&n] = {region.channels(n.output()), whole ? d[1] : region.channels(n.input(0))};
    } else if (op == "ReorderInput") {
      const Shape& s = *n.input(0)->type.shape;
      plans[&n] = {region.channels(n.output()), s[n.attr_or<int64_t>("channels_last", 0) != 0 ? 3 : 1].value()};
    } else if (op == "ReorderOutput") {
      plans[&n] = {n.attr_or<int64_t>("channels", 0), region.channels(n.input(0))};
    }
  }
  for (Node* n : views) {
    g.replace_all_uses(*n->output(), *n->input(0));
    g.erase(*n);
  }
  for (Node* n : nodes) {
    std::string text;
    Value* x = n->input(0);
    const auto p = plans.find(n);
    const bool idle = n->op().name.starts_with("Reorder") && n->attr_or<int64_t>("channels_last", 0) == 0 && p->second.in == p->second.out;
    if (idle && replaceable(*n->output(), *x)) {
      g.replace_all_uses(*n->output(), *x);
      g.erase(*n);
    } else {
      Expansion e(*n, target, pool);
      write_node(e, plans, block);
      for (Node* m : e.commit()) text += (text.empty() ? "" : ", ") + std::string(m->op().name);
    }
    made.push_back(text);
  }
  infer(g, {.strict = false});
  return "";
}

}  // namespace onnxopt
