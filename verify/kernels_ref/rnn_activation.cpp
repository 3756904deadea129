#include "verify/kernels_ref/rnn_activation.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

// Whether a function has alpha and beta, and their defaults.
struct Parameters {
  bool alpha, beta;
  double alpha_default, beta_default;
};
struct Entry {
  std::string_view name;
  Parameters parameters;
  double (*f)(double x, double alpha, double beta);
};

constexpr Entry kActivations[] = {
    {"sigmoid", {false, false, 0, 0}, [](double x, double, double) { return 1 / (1 + std::exp(-x)); }},
    {"tanh", {false, false, 0, 0}, [](double x, double, double) { return std::tanh(x); }},
    {"relu", {false, false, 0, 0}, [](double x, double, double) { return std::max(x, 0.0); }},
    {"affine", {true, true, 1, 0}, [](double x, double a, double b) { return a * x + b; }},
    {"leakyrelu", {true, false, 0.01, 0}, [](double x, double a, double) { return x >= 0 ? x : a * x; }},
    {"thresholdedrelu", {true, false, 1, 0}, [](double x, double a, double) { return x >= a ? x : 0; }},
    {"scaledtanh", {true, true, 1, 1}, [](double x, double a, double b) { return a * std::tanh(b * x); }},
    {"hardsigmoid", {true, true, 0.2, 0.5}, [](double x, double a, double b) { return std::min(std::max(a * x + b, 0.0), 1.0); }},
    {"elu", {true, false, 1, 0}, [](double x, double a, double) { return x >= 0 ? x : a * std::expm1(x); }},
    {"softsign", {false, false, 0, 0}, [](double x, double, double) { return x / (1 + std::abs(x)); }},
    {"softplus", {false, false, 0, 0}, [](double x, double, double) { return x > 30 ? x : std::log1p(std::exp(x)); }},
};

const Entry& find(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Entry& e : kActivations)
    if (e.name == name) return e;
  bad_input(fmt::format("unknown activation '{}'", name));
}

}  // namespace

std::vector<Activation> rnn_activations(const OpCall& call, const std::vector<std::string>& defaults, std::size_t directions) {
  Strings names = attr_or<Strings>(call, "activations", {});
  if (names.empty())
    for (std::size_t d = 0; d < directions; ++d) names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != defaults.size() * directions)
    bad_input(fmt::format("{} activations for {} directions of {} each", names.size(), directions, defaults.size()));
  const Floats alphas = attr_or<Floats>(call, "activation_alpha", {}), betas = attr_or<Floats>(call, "activation_beta", {});
  std::size_t next_alpha = 0, next_beta = 0;
  std::vector<Activation> r;
  for (const std::string& name : names) {
    const Entry& e = find(name);
    double alpha = e.parameters.alpha_default, beta = e.parameters.beta_default;
    if (e.parameters.alpha && next_alpha < alphas.size()) alpha = static_cast<double>(alphas[next_alpha++]);
    if (e.parameters.beta && next_beta < betas.size()) beta = static_cast<double>(betas[next_beta++]);
    r.push_back([f = e.f, alpha, beta](double x) { return f(x, alpha, beta); });
  }
  return r;
}

}  // namespace onnxopt::ref
