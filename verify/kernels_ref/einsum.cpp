// Einsum: operands are contracted from left to right, each pair as a batched matrix product; a label is summed as soon as nothing later needs it.
#include <algorithm>
#include <map>

#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/reduce.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

// Labels: letters; ellipsis dims are numbered -1 (last), -2, ...
using Labels = std::vector<int>;
struct Operand {
  Labels labels;
  Tensor value;
};

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
  bool has_output = false;
};
Equation parse(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  Equation e;
  const auto arrow = text.find("->");
  if (arrow != std::string::npos) {
    e.output = text.substr(arrow + 2);
    e.has_output = true;
    text.resize(arrow);
  }
  for (std::size_t from = 0;;) {
    const auto comma = text.find(',', from);
    e.inputs.push_back(text.substr(from, comma - from));
    if (comma == std::string::npos) return e;
    from = comma + 1;
  }
}

Labels read_labels(const std::string& term, int64_t ellipsis_rank) {
  Labels r;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      for (int64_t d = ellipsis_rank; d > 0; --d) r.push_back(static_cast<int>(-d));
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i]))) r.push_back(term[i]);
    else bad_input(fmt::format("equation: unexpected '{}' in '{}'", term[i], term));
  }
  return r;
}
int64_t letters_in(const std::string& term) {
  return std::count_if(term.begin(), term.end(), [](unsigned char c) { return std::isalpha(c); });
}
bool contains(const Labels& list, int label) { return std::find(list.begin(), list.end(), label) != list.end(); }

// A dim of one under a label of more broadcasts: the operand does not depend on that label. Without it every dim has its label's size.
Operand without_broadcasts(const Operand& x, const std::map<int, int64_t>& sizes) {
  Operand r;
  Dims dims;
  for (std::size_t d = 0; d < x.labels.size(); ++d) {
    if (x.value.dims()[d] != sizes.at(x.labels[d])) continue;
    r.labels.push_back(x.labels[d]);
    dims.push_back(x.value.dims()[d]);
  }
  r.value = x.value.reshaped(dims);
  return r;
}

// The operand with its dims in the order of `wanted`: repeated labels take the diagonal, absent ones broadcast.
Tensor arrange(const Operand& x, const Labels& wanted, const std::map<int, int64_t>& sizes) {
  const Dims own = strides_of(x.value.dims());
  Dims dims, strides;
  for (int label : wanted) {
    int64_t step = 0;
    for (std::size_t d = 0; d < x.labels.size(); ++d)
      if (x.labels[d] == label) step += own[d];
    dims.push_back(sizes.at(label));
    strides.push_back(step);
  }
  if (wanted == x.labels && dims == x.value.dims()) return x.value;
  Codes codes(x.value.dtype());
  const std::byte* in = codes.add(x.value);
  copy_strided(codes.size(), in, codes.make(dims), dims, strides);
  return codes.finish();
}

// Distinct labels of x, those that `keep` lacks summed away.
Operand simplify(const Operand& x, const Labels& keep, const std::map<int, int64_t>& sizes) {
  Operand r;
  for (int l : x.labels)
    if (!contains(r.labels, l)) r.labels.push_back(l);
  r.value = arrange(x, r.labels, sizes);
  Ints summed;
  Labels left;
  for (std::size_t d = 0; d < r.labels.size(); ++d) {
    if (contains(keep, r.labels[d])) left.push_back(r.labels[d]);
    else summed.push_back(static_cast<int64_t>(d));
  }
  if (!summed.empty()) r.value = reduce(Reduce::sum, r.value, summed, false);
  r.labels = left;
  return r;
}

int64_t size_of(const Labels& labels, const std::map<int, int64_t>& sizes) {
  int64_t n = 1;
  for (int l : labels) n *= sizes.at(l);
  return n;
}

// Batch labels stand in both and are kept, inner ones stand in both and are summed.
Operand contract(const Operand& a, const Operand& b, const Labels& keep, const std::map<int, int64_t>& sizes) {
  Labels batch, inner, left, right;
  for (int l : a.labels) (contains(b.labels, l) ? (contains(keep, l) ? batch : inner) : left).push_back(l);
  for (int l : b.labels)
    if (!contains(a.labels, l)) right.push_back(l);
  auto join = [](std::initializer_list<Labels> parts) {
    Labels r;
    for (const Labels& p : parts) r.insert(r.end(), p.begin(), p.end());
    return r;
  };
  const int64_t nb = size_of(batch, sizes), nm = size_of(left, sizes), nk = size_of(inner, sizes), nn = size_of(right, sizes);
  const Tensor x = arrange(a, join({batch, left, inner}), sizes).reshaped({nb, nm, nk});
  const Tensor y = arrange(b, join({batch, inner, right}), sizes).reshaped({nb, nk, nn});
  Operand r;
  r.labels = join({batch, left, right});
  Dims dims;
  for (int l : r.labels) dims.push_back(sizes.at(l));
  r.value = matmul(x, y).reshaped(dims);
  return r;
}

void run_einsum(KernelIo& io, const Equation& e) {
  if (e.inputs.size() != io.num_inputs()) bad_input(fmt::format("the equation has {} terms for {} inputs", e.inputs.size(), io.num_inputs()));
  std::vector<Operand> operands;
  std::map<int, int64_t> sizes;
  std::map<int, int> count;
  int64_t ellipsis_rank = 0;
  for (std::size_t i = 0; i < io.num_inputs(); ++i) {
    const Tensor& x = io.in(i);
    const int64_t rest = x.rank() - letters_in(e.inputs[i]);
    const bool has_ellipsis = e.inputs[i].find("...") != std::string::npos;
    if (rest < 0 || (rest > 0 && !has_ellipsis)) bad_input(fmt::format("term '{}' for an input of rank {}", e.inputs[i], x.rank()));
    operands.push_back({read_labels(e.inputs[i], rest), x});
    ellipsis_rank = std::max(ellipsis_rank, has_ellipsis ? rest : 0);
    for (std::size_t d = 0; d < operands[i].labels.size(); ++d) {
      int64_t& n = sizes.try_emplace(operands[i].labels[d], 1).first->second;
      const int64_t size = x.dims()[d];
      const Labels& own = operands[i].labels;
      const auto first = static_cast<std::size_t>(std::find(own.begin(), own.end(), own[d]) - own.begin());
      if (x.dims()[first] != size) bad_input(fmt::format("equation: the diagonal of {} and {} elements", x.dims()[first], size));
      if (n != 1 && size != 1 && n != size) bad_input(fmt::format("equation: one label for {} and {} elements", n, size));
      if (n == 1) n = size;
      ++count[operands[i].labels[d]];
    }
  }
  Labels output = read_labels(e.output, ellipsis_rank);
  if (!e.has_output) {
    output = read_labels("...", ellipsis_rank);
    for (const auto& [label, n] : count)
      if (label > 0 && n == 1) output.push_back(label);
  }
  for (int l : output)
    if (!sizes.contains(l)) bad_input("equation: an output label stands in no input");
  for (Operand& x : operands) x = without_broadcasts(x, sizes);
  auto needed_after = [&](std::size_t i) {
    Labels keep = output;
    for (std::size_t k = i + 1; k < operands.size(); ++k) keep.insert(keep.end(), operands[k].labels.begin(), operands[k].labels.end());
    return keep;
  };
  Operand result = simplify(operands[0], needed_after(0), sizes);
  for (std::size_t i = 1; i < operands.size(); ++i) {
    Labels keep = needed_after(i), with_result = keep;
    with_result.insert(with_result.end(), result.labels.begin(), result.labels.end());
    result = contract(result, simplify(operands[i], with_result, sizes), keep, sizes);
    result = simplify(result, keep, sizes);
  }
  io.set(0, arrange(result, output, sizes));
}

Maybe<RunFn> prepare_einsum(const OpCall& call, ExecEnv&) {
  return RunFn([e = parse(attr<std::string>(call, "equation"))](KernelIo& io) { run_einsum(io, e); });
}

constexpr Kernel kKernels[] = {
    {"", "Einsum", 12, kAnyVersion, prepare_einsum},
};

}  // namespace

std::span<const Kernel> einsum_kernels() { return kKernels; }

}  // namespace onnxopt::ref
