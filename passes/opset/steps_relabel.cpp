// Steps where only types, optional attributes with a neutral default, or optional inputs were added, and the meaning stayed. Looked at one by one;
// where the way back needs more than the schema rows say, the step stands in a family's table instead.
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

// clang-format off
constexpr Relabel kRelabels[] = {
    {"Abs", 6, 13}, {"Acos", 7, 22}, {"Acosh", 9, 22}, {"Add", 7, 13}, {"Add", 13, 14}, {"ArgMax", 11, 12}, {"ArgMax", 12, 13}, {"ArgMin", 11, 12},
    {"ArgMin", 12, 13}, {"Asin", 7, 22}, {"Asinh", 9, 22}, {"Atan", 7, 22}, {"Atanh", 9, 22}, {"Attention", 23, 24}, {"Attention", 24, 25},
    {"AveragePool", 1, 7}, {"AveragePool", 7, 10}, {"AveragePool", 10, 11}, {"AveragePool", 11, 19}, {"AveragePool", 19, 22},
    {"BatchNormalization", 14, 15}, {"Bernoulli", 15, 22}, {"BitShift", 11, 28}, {"Cast", 9, 13}, {"Cast", 19, 21},
    {"Cast", 21, 23}, {"Cast", 24, 25}, {"Cast", 25, 28}, {"CastLike", 19, 21}, {"CastLike", 21, 23}, {"CastLike", 24, 25}, {"Ceil", 6, 13},
    {"Celu", 12, 28}, {"Clip", 11, 12}, {"Clip", 12, 13}, {"Compress", 11, 28}, {"Concat", 11, 13}, {"Constant", 1, 9},
    {"Constant", 12, 13}, {"Constant", 13, 19}, {"Constant", 19, 21}, {"Constant", 21, 23}, {"Constant", 23, 24}, {"Constant", 24, 25},
    {"ConstantOfShape", 9, 20}, {"ConstantOfShape", 20, 21}, {"ConstantOfShape", 21, 23}, {"ConstantOfShape", 23, 24}, {"ConstantOfShape", 24, 25},
    {"Conv", 1, 11}, {"Conv", 11, 22}, {"ConvTranspose", 1, 11}, {"ConvTranspose", 11, 22}, {"Cos", 7, 22}, {"Cosh", 9, 22}, {"CumSum", 11, 14},
    {"DeformConv", 19, 22}, {"DepthToSpace", 1, 11}, {"DepthToSpace", 11, 13}, {"DepthToSpace", 13, 28}, {"DequantizeLinear", 13, 19},
    {"DequantizeLinear", 23, 24}, {"DequantizeLinear", 24, 25}, {"DequantizeLinear", 25, 28}, {"Det", 11, 22}, {"Div", 7, 13}, {"Div", 13, 14},
    {"Dropout", 12, 13}, {"Dropout", 13, 22}, {"Einsum", 12, 28}, {"Elu", 6, 22}, {"Equal", 7, 11}, {"Equal", 11, 13}, {"Equal", 13, 19},
    {"Exp", 6, 13}, {"Expand", 8, 13}, {"EyeLike", 9, 22}, {"Flatten", 1, 9}, {"Flatten", 11, 13}, {"Flatten", 13, 21}, {"Flatten", 21, 23},
    {"Flatten", 23, 24}, {"Flatten", 24, 25}, {"Floor", 6, 13}, {"GRU", 7, 14}, {"GRU", 14, 22}, {"Gather", 11, 13}, {"GatherElements", 11, 13},
    {"GatherND", 11, 12}, {"GatherND", 12, 13}, {"Gemm", 1, 6}, {"Gemm", 7, 9}, {"Gemm", 11, 13}, {"GlobalAveragePool", 1, 22},
    {"GlobalLpPool", 2, 22}, {"GlobalMaxPool", 1, 22}, {"Greater", 7, 9}, {"Greater", 9, 13}, {"GreaterOrEqual", 12, 16}, {"GridSample", 20, 22},
    {"HardSigmoid", 6, 22}, {"HardSwish", 14, 22}, {"Identity", 1, 13}, {"Identity", 13, 14}, {"Identity", 14, 16}, {"Identity", 16, 19},
    {"Identity", 19, 21}, {"Identity", 21, 23}, {"Identity", 23, 24}, {"Identity", 24, 25}, {"If", 11, 13}, {"If", 13, 16},
    {"If", 16, 19}, {"If", 19, 21}, {"If", 21, 23}, {"If", 23, 24}, {"If", 24, 25}, {"InstanceNormalization", 6, 22}, {"IsInf", 10, 20},
    {"IsNaN", 9, 13}, {"IsNaN", 13, 20}, {"LRN", 1, 13}, {"LSTM", 7, 14}, {"LSTM", 14, 22}, {"LeakyRelu", 6, 16}, {"Less", 7, 9}, {"Less", 9, 13},
    {"LessOrEqual", 12, 16}, {"Log", 6, 13}, {"Loop", 1, 11}, {"Loop", 11, 13}, {"Loop", 13, 16}, {"Loop", 16, 19}, {"Loop", 19, 21},
    {"Loop", 21, 23}, {"Loop", 23, 24}, {"Loop", 24, 25}, {"LpNormalization", 1, 22}, {"LpPool", 2, 11}, {"LpPool", 11, 18}, {"LpPool", 18, 22},
    {"MatMul", 1, 9}, {"MatMul", 9, 13}, {"Max", 8, 12}, {"Max", 12, 13}, {"MaxPool", 1, 8}, {"MaxPool", 8, 10}, {"MaxPool", 10, 11},
    {"MaxPool", 11, 12}, {"MaxPool", 12, 22}, {"MaxRoiPool", 1, 22}, {"MaxUnpool", 9, 11}, {"MaxUnpool", 11, 22}, {"Mean", 8, 13},
    {"MeanVarianceNormalization", 9, 13}, {"Min", 8, 12}, {"Min", 12, 13}, {"Mish", 18, 22}, {"Mod", 10, 13}, {"Mul", 7, 13},
    {"Mul", 13, 14}, {"Multinomial", 7, 22}, {"Neg", 6, 13}, {"NegativeLogLikelihoodLoss", 12, 13}, {"NegativeLogLikelihoodLoss", 13, 22},
    {"NonMaxSuppression", 10, 11}, {"NonZero", 9, 13}, {"OneHot", 11, 28}, {"Optional", 15, 28}, {"OptionalGetElement", 15, 18},
    {"OptionalGetElement", 18, 28}, {"OptionalHasElement", 15, 18}, {"OptionalHasElement", 18, 28}, {"PRelu", 7, 9}, {"PRelu", 9, 16},
    {"Pad", 11, 13}, {"Pad", 19, 21}, {"Pad", 21, 23}, {"Pad", 23, 24}, {"Pad", 24, 25}, {"Pow", 7, 12}, {"Pow", 12, 13}, {"Pow", 13, 15},
    {"QLinearMatMul", 10, 21}, {"QuantizeLinear", 23, 24}, {"QuantizeLinear", 24, 25}, {"QuantizeLinear", 25, 28}, {"RNN", 7, 14}, {"RNN", 14, 22},
    {"RandomNormal", 1, 22}, {"RandomNormalLike", 1, 22}, {"RandomUniform", 1, 22}, {"RandomUniformLike", 1, 22}, {"Range", 11, 27},
    {"Reciprocal", 6, 13}, {"ReduceL1", 11, 13}, {"ReduceL2", 11, 13}, {"ReduceLogSum", 11, 13}, {"ReduceLogSumExp", 11, 13}, {"ReduceMax", 11, 12},
    {"ReduceMax", 12, 13}, {"ReduceMax", 18, 20}, {"ReduceMean", 11, 13}, {"ReduceMin", 11, 12}, {"ReduceMin", 12, 13}, {"ReduceMin", 18, 20},
    {"ReduceProd", 11, 13}, {"ReduceSumSquare", 11, 13}, {"Relu", 6, 13}, {"Relu", 13, 14}, {"Reshape", 5, 13}, {"Reshape", 14, 19},
    {"Reshape", 19, 21}, {"Reshape", 21, 23}, {"Reshape", 23, 24}, {"Reshape", 24, 25}, {"ReverseSequence", 10, 28}, {"RoiAlign", 16, 22},
    {"Round", 11, 22}, {"Scan", 9, 11}, {"Scan", 11, 16}, {"Scan", 16, 19}, {"Scan", 19, 21}, {"Scan", 21, 23}, {"Scan", 23, 24}, {"Scan", 24, 25},
    {"ScatterElements", 11, 13}, {"ScatterND", 11, 13}, {"Selu", 6, 22}, {"Shape", 1, 13}, {"Shape", 13, 15}, {"Shape", 15, 19}, {"Shape", 19, 21},
    {"Shape", 21, 23}, {"Shape", 23, 24}, {"Shape", 24, 25}, {"Sigmoid", 6, 13}, {"Sign", 9, 13}, {"Sin", 7, 22}, {"Sinh", 9, 22}, {"Size", 1, 13},
    {"Size", 13, 19}, {"Size", 19, 21}, {"Size", 21, 23}, {"Size", 23, 24}, {"Size", 24, 25}, {"Slice", 10, 11}, {"Slice", 11, 13},
    {"SoftmaxCrossEntropyLoss", 12, 13}, {"Softplus", 1, 22}, {"Softsign", 1, 22}, {"SpaceToDepth", 1, 13}, {"SpaceToDepth", 13, 28},
    {"SplitToSequence", 11, 24}, {"Sqrt", 6, 13}, {"Squeeze", 13, 21}, {"Squeeze", 21, 23}, {"Squeeze", 23, 24}, {"Squeeze", 24, 25},
    {"Sub", 7, 13}, {"Sub", 13, 14}, {"Sum", 8, 13}, {"Tan", 7, 22}, {"Tanh", 6, 13}, {"ThresholdedRelu", 10, 22}, {"Tile", 6, 13},
    {"TopK", 11, 24}, {"Transpose", 1, 13}, {"Transpose", 13, 21}, {"Transpose", 21, 23}, {"Transpose", 23, 24}, {"Transpose", 24, 25},
    {"Unique", 11, 28}, {"Unsqueeze", 13, 21}, {"Unsqueeze", 21, 23}, {"Unsqueeze", 23, 24}, {"Unsqueeze", 24, 25}, {"Where", 9, 16},
    {"LabelEncoder", 2, 4}, {"TreeEnsembleClassifier", 1, 3}, {"TreeEnsembleRegressor", 1, 3},
};
// clang-format on

}  // namespace

std::span<const Relabel> relabel_steps() { return kRelabels; }

}  // namespace onnxopt
