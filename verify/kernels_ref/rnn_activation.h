// Activation functions of the recurrent operators, by name, with their alpha and beta (RNN-22, GRU-22, LSTM-22: attribute "activations").
#pragma once

#include <functional>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

using Activation = std::function<double(double)>;
// One an entry of the attribute, or of `defaults` repeated for each direction. Error on unknown names or a wrong number.
std::vector<Activation> rnn_activations(const OpCall& call, const std::vector<std::string>& defaults, std::size_t directions);

}  // namespace onnxopt::ref
