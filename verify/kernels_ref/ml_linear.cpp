// ai.onnx.ml: linear models and support vector machines. Inputs of rank 1 are one row.
#include <algorithm>
#include <array>
#include <cmath>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/ml_scores.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::size_t;
using Vec = std::vector<double>;

Vec floats_of(const OpCall& call, const char* name) {
  const auto v = attr_or<Floats>(call, name, {});
  return {v.begin(), v.end()};
}

// `columns`: where there are no rows to tell.
void set_scores(KernelIo& io, std::size_t at, const Rows& x, const Vec& scores, std::size_t columns) {
  const auto rows = static_cast<std::int64_t>(x.count);
  io.set(at,
         narrow(DType::float32, {rows, rows == 0 ? static_cast<std::int64_t>(columns) : static_cast<std::int64_t>(scores.size()) / rows}, scores));
}

double dot(const double* a, const double* b, size_t n) {
  double s = 0;
  for (size_t i = 0; i < n; ++i) s += a[i] * b[i];
  return s;
}

// Scores [rows, targets].
Vec linear_scores(const Rows& x, const Vec& coefficients, const Vec& intercepts, size_t targets) {
  if (coefficients.size() < targets * x.columns)
    bad_input(fmt::format("{} coefficients for {} targets of {} features", coefficients.size(), targets, x.columns));
  if (!intercepts.empty() && intercepts.size() < targets) bad_input(fmt::format("{} intercepts for {} targets", intercepts.size(), targets));
  Vec out;
  out.reserve(x.count * targets);
  DeadlineWatch watch;
  for (size_t r = 0; r < x.count; ++r)
    for (size_t t = 0; t < targets; ++t, watch.did(static_cast<std::int64_t>(x.columns)))
      out.push_back((intercepts.empty() ? 0 : intercepts[t]) + dot(x.row(r).data(), coefficients.data() + t * x.columns, x.columns));
  return out;
}

size_t best_of(std::span<const double> scores) { return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()); }

Maybe<RunFn> prepare_linear_classifier(const OpCall& call, ExecEnv&) {
  const Labels labels = class_labels(call, "classlabels_ints");
  const Vec intercepts = floats_of(call, "intercepts");
  const size_t targets = intercepts.empty() ? std::max<size_t>(labels.size(), 1) : intercepts.size();
  if (targets == 1 && labels.size() != 2) bad_input(fmt::format("{} labels for one score, which decides between two", labels.size()));
  return RunFn([=, coefficients = floats_of(call, "coefficients"), transform = read_post_transform(call)](KernelIo& io) {
    const Rows x(io.in(0));
    const Vec scores = linear_scores(x, coefficients, intercepts, targets);
    std::vector<size_t> classes;
    Vec out;
    for (size_t r = 0; r < x.count; ++r) {
      const auto row = std::span(scores).subspan(r * targets, targets);
      classes.push_back(targets == 1 ? row[0] > 0 : best_of(row));
      out.insert(out.end(), row.begin(), row.end());
      if (targets > 1) apply_to_row(transform, std::span(out).last(targets));
      else {
        out.push_back(0);
        two_scores(transform, Second::complement, row[0], std::span(out).last<2>());
      }
    }
    io.set(0, label_tensor(labels, classes));
    set_scores(io, 1, x, out, std::max<size_t>(targets, 2));
  });
}

Maybe<RunFn> prepare_linear_regressor(const OpCall& call, ExecEnv&) {
  const auto targets = attr_or<std::int64_t>(call, "targets", 1);
  if (targets < 1) bad_input(fmt::format("{} targets", targets));
  return RunFn([n = static_cast<size_t>(targets), coefficients = floats_of(call, "coefficients"), intercepts = floats_of(call, "intercepts"),
                transform = read_post_transform(call)](KernelIo& io) {
    const Rows x(io.in(0));
    Vec scores = linear_scores(x, coefficients, intercepts, n);
    for (size_t r = 0; r < x.count; ++r) {
      if (n == 1) scores[r] = apply_to_one(transform, scores[r]);
      else apply_to_row(transform, std::span(scores).subspan(r * n, n));
    }
    set_scores(io, 0, x, scores, n);
  });
}

// What support vector machines share: the kernel function between a row and each support vector.
struct Svm {
  std::string kernel;
  double gamma = 0, coef0 = 0, degree = 0;
  Vec vectors, coefficients, rho;
  size_t count = 0, features = 0;  // of the support vectors

  Svm(const OpCall& call, std::int64_t vectors_stated)
      : kernel(attr_or<std::string>(call, "kernel_type", "LINEAR")),
        vectors(floats_of(call, "support_vectors")),
        coefficients(floats_of(call, "coefficients")),
        rho(floats_of(call, "rho")) {
    if (kernel != "LINEAR" && kernel != "POLY" && kernel != "RBF" && kernel != "SIGMOID") bad_input(fmt::format("kernel_type '{}'", kernel));
    const Vec params = floats_of(call, "kernel_params");
    if (!params.empty() && params.size() != 3) bad_input(fmt::format("{} kernel_params instead of 3", params.size()));
    if (!params.empty()) gamma = params[0], coef0 = params[1], degree = params[2];
    if (rho.empty() || coefficients.empty()) bad_input("rho and coefficients must not be empty");
    if (vectors_stated < 0) bad_input(fmt::format("{} support vectors", vectors_stated));
    count = static_cast<size_t>(vectors_stated);
    if (count > 0) features = vectors.size() / count;
  }
  double similarity(const double* a, const double* b) const {
    if (kernel == "RBF") {
      double d = 0;
      for (size_t i = 0; i < features; ++i) d += (a[i] - b[i]) * (a[i] - b[i]);
      return std::exp(-gamma * d);
    }
    const double s = dot(a, b, features);
    if (kernel == "LINEAR") return s;
    return kernel == "POLY" ? std::pow(gamma * s + coef0, degree) : std::tanh(gamma * s + coef0);
  }
  Vec similarities(const double* row) const {
    Vec k(count);
    for (size_t i = 0; i < count; ++i) k[i] = similarity(row, vectors.data() + i * features);
    return k;
  }
  void expect(const Rows& x, size_t columns) const {
    if (x.columns != columns) bad_input(fmt::format("{} columns where the model has {}", x.columns, columns));
  }
};

Maybe<RunFn> prepare_svm_regressor(const OpCall& call, ExecEnv&) {
  Svm svm(call, attr_or<std::int64_t>(call, "n_supports", 0));
  if (svm.count > 0 && svm.coefficients.size() < svm.count)
    bad_input(fmt::format("{} coefficients for {} support vectors", svm.coefficients.size(), svm.count));
  return RunFn([svm, one_class = attr_or<std::int64_t>(call, "one_class", 0) != 0](KernelIo& io) {
    const Rows x(io.in(0));
    svm.expect(x, svm.count > 0 ? svm.features : svm.coefficients.size());
    Vec out;
    DeadlineWatch watch;
    for (size_t r = 0; r < x.count; ++r, watch.did(static_cast<std::int64_t>((svm.count + 1) * x.columns))) {
      const Vec k = svm.similarities(x.row(r).data());
      const double s = svm.rho[0] + dot(k.empty() ? x.row(r).data() : k.data(), svm.coefficients.data(), k.empty() ? x.columns : k.size());
      out.push_back(!one_class ? s : s > 0 ? 1 : -1);
    }
    set_scores(io, 0, x, out, 1);
  });
}

struct SvmClassifier : Svm {
  Labels labels;
  std::vector<size_t> first, per_class;  // support vectors are sorted by class
  Vec prob_a, prob_b;
  PostTransform transform;
  bool all_positive;

  static std::int64_t total(const Ints& counts) {
    std::int64_t n = 0;
    for (std::int64_t c : counts) {
      if (c < 0 || c > INT32_MAX) bad_input(fmt::format("a class of {} support vectors", c));
      n += c;
    }
    return n;
  }
  explicit SvmClassifier(const OpCall& call)
      : Svm(call, total(attr_or<Ints>(call, "vectors_per_class", {}))),
        labels(class_labels(call, "classlabels_ints")),
        prob_a(floats_of(call, "prob_a")),
        prob_b(floats_of(call, "prob_b")),
        transform(read_post_transform(call)),
        all_positive(std::all_of(coefficients.begin(), coefficients.end(), [](double c) { return c >= 0; })) {
    size_t at = 0;
    for (std::int64_t n : attr_or<Ints>(call, "vectors_per_class", {})) {
      first.push_back(at);
      per_class.push_back(static_cast<size_t>(n));
      at += per_class.back();
    }
    const size_t classes = labels.size();
    if (classes == 0) bad_input("there are no class labels");
    if (prob_a.size() != prob_b.size()) bad_input(fmt::format("{} prob_a and {} prob_b", prob_a.size(), prob_b.size()));
    if (count == 0) features = coefficients.size() / classes;
    else if (per_class.size() != classes || classes < 2 || coefficients.size() < (classes - 1) * count || rho.size() < pairs() ||
             (!prob_a.empty() && prob_a.size() < pairs()))
      bad_input(fmt::format("{} classes, {} support vectors, {} coefficients, {} rho and {} prob_a do not fit", classes, count, coefficients.size(),
                            rho.size(), prob_a.size()));
  }
  size_t pairs() const { return labels.size() * (labels.size() - 1) / 2; }

  // One score for each pair of classes, and the votes that classes get from them.
  Vec pair_scores(const double* row, std::vector<size_t>& votes) const {
    const Vec k = similarities(row);
    Vec out;
    for (size_t i = 0; i + 1 < labels.size(); ++i)
      for (size_t j = i + 1; j < labels.size(); ++j) {
        double s = rho[out.size()];
        s += dot(coefficients.data() + (j - 1) * count + first[i], k.data() + first[i], per_class[i]);
        s += dot(coefficients.data() + i * count + first[j], k.data() + first[j], per_class[j]);
        ++votes[s > 0 ? i : j];
        out.push_back(s);
      }
    return out;
  }
  Vec probabilities(const Vec& scores) const;
  size_t choose(size_t best, double top) const {
    if (labels.size() != 2 || !prob_a.empty()) return best;
    return (all_positive ? top >= 0.5 : top > 0) ? 1 : best;
  }
};

// Class probabilities from those of pairs: Wu, Lin, Weng, Probability estimates for multi-class classification by pairwise coupling, second approach,
// with the stopping rule of libsvm.
Vec SvmClassifier::probabilities(const Vec& scores) const {
  const size_t n = labels.size();
  Vec r(n * n), q(n * n), p(n, 1 / static_cast<double>(n)), qp(n);
  for (size_t i = 0, at = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j, ++at) {
      const double s = 1 / (1 + std::exp(scores[at] * prob_a[at] + prob_b[at]));
      r[i * n + j] = std::clamp(s, 1e-7, 1 - 1e-7);
      r[j * n + i] = 1 - r[i * n + j];
    }
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      if (j != i) {
        q[i * n + i] += r[j * n + i] * r[j * n + i];
        q[i * n + j] = -r[j * n + i] * r[i * n + j];
      }
  for (int round = 0; round < 100; ++round) {
    double pqp = 0, error = 0;
    for (size_t i = 0; i < n; ++i) pqp += p[i] * (qp[i] = dot(q.data() + i * n, p.data(), n));
    for (size_t i = 0; i < n; ++i) error = std::max(error, std::abs(qp[i] - pqp));
    if (error < 0.005 / static_cast<double>(n)) break;
    for (size_t i = 0; i < n; ++i) {
      const double step = (pqp - qp[i]) / q[i * n + i], scale = 1 + step;
      p[i] += step;
      pqp = (pqp + step * (step * q[i * n + i] + 2 * qp[i])) / scale / scale;
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + step * q[i * n + j]) / scale;
        p[j] /= scale;
      }
    }
  }
  return p;
}

Maybe<RunFn> prepare_svm_classifier(const OpCall& call, ExecEnv&) {
  return RunFn([m = std::make_shared<const SvmClassifier>(call)](KernelIo& io) {
    const Rows x(io.in(0));
    m->expect(x, m->features);
    std::vector<size_t> classes;
    Vec out;
    DeadlineWatch watch;
    for (size_t r = 0; r < x.count; ++r, watch.did(static_cast<std::int64_t>((m->count + 1) * x.columns))) {
      Vec row;
      if (m->count == 0) {
        for (size_t c = 0; c < m->labels.size(); ++c)
          row.push_back(m->rho[0] + dot(x.row(r).data(), m->coefficients.data() + c * x.columns, x.columns));
        const size_t best = best_of(row);
        classes.push_back(m->choose(best, row[best]));
      } else {
        std::vector<size_t> votes(m->labels.size());
        row = m->pair_scores(x.row(r).data(), votes);
        if (!m->prob_a.empty()) row = m->probabilities(row);
        classes.push_back(m->choose(static_cast<size_t>(std::max_element(votes.begin(), votes.end()) - votes.begin()), 0));
      }
      if (row.size() == 1 && m->labels.size() == 2) {
        std::array<double, 2> two{};
        two_scores(m->transform, m->transform == PostTransform::none ? Second::negation : Second::complement, row[0], two);
        row.assign(two.begin(), two.end());
      } else apply_to_row(m->transform, row);
      out.insert(out.end(), row.begin(), row.end());
    }
    io.set(0, label_tensor(m->labels, classes));
    set_scores(io, 1, x, out, 0);
  });
}

constexpr Kernel kKernels[] = {
    {"ai.onnx.ml", "LinearClassifier", 1, kAnyVersion, prepare_linear_classifier},
    {"ai.onnx.ml", "LinearRegressor", 1, kAnyVersion, prepare_linear_regressor},
    {"ai.onnx.ml", "SVMClassifier", 1, kAnyVersion, prepare_svm_classifier},
    {"ai.onnx.ml", "SVMRegressor", 1, kAnyVersion, prepare_svm_regressor},
};

}  // namespace

std::span<const Kernel> ml_linear_kernels() { return kKernels; }

}  // namespace onnxopt::ref
