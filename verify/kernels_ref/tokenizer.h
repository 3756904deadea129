// com.microsoft.Tokenizer, which stands among the kernels of strings (strings.cpp).
#pragma once

#include "verify/exec/executor.h"

namespace onnxopt::ref {

Maybe<RunFn> prepare_tokenizer(const OpCall& call, ExecEnv& env);

}  // namespace onnxopt::ref
