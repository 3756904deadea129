// Every decomposition, sorted by operator.
#include "passes/opset/expand_families.h"

namespace onnxopt {
namespace {

namespace f = expand_fn;

constexpr Decomposition kDecompositions[] = {
    {"BatchNormalization", f::batch_normalization, true},
    {"BitShift", f::bit_shift},
    {"CastLike", f::cast_like},
    {"Celu", f::celu},
    {"CenterCropPad", f::center_crop_pad},
    {"Clip", f::clip},
    {"ConstantOfShape", f::constant_of_shape},
    {"ConvInteger", f::conv_integer},
    {"Cosh", f::hyperbolic},
    {"CumSum", f::cum_sum},
    {"DequantizeLinear", f::dequantize_linear},
    {"DynamicQuantizeLinear", f::dynamic_quantize_linear},
    {"Equal", f::equal},
    {"Erf", f::erf},
    {"Expand", f::expand_to},
    {"GatherElements", f::gather_elements},
    {"GatherND", f::gather_nd},
    {"Gelu", f::gelu},
    {"Greater", f::greater_or_less},
    {"GreaterOrEqual", f::greater_or_equal},
    {"GroupNormalization", f::group_normalization, true},
    {"HardSwish", f::hard_swish},
    {"Hardmax", f::softmax, true},
    {"ImageScaler", f::image_scaler, true},
    {"IsInf", f::is_inf},
    {"IsNaN", f::is_nan},
    {"LayerNormalization", f::layer_normalization},
    {"Less", f::greater_or_less},
    {"LessOrEqual", f::greater_or_equal},
    {"LogSoftmax", f::softmax, true},
    {"MatMulInteger", f::matmul_integer},
    {"Max", f::max_min},
    {"MeanVarianceNormalization", f::mean_variance_normalization},
    {"Min", f::max_min},
    {"Mish", f::mish},
    {"Mod", f::mod},
    {"OneHot", f::one_hot},
    {"Pad", f::pad},
    {"QuantizeLinear", f::quantize_linear},
    {"RMSNormalization", f::rms_normalization},
    {"Range", f::range_of},
    {"ReduceL1", f::reduce},
    {"ReduceL2", f::reduce},
    {"ReduceLogSum", f::reduce},
    {"ReduceLogSumExp", f::reduce},
    {"ReduceMax", f::reduce},
    {"ReduceMean", f::reduce},
    {"ReduceMin", f::reduce},
    {"ReduceProd", f::reduce},
    {"ReduceSum", f::reduce},
    {"ReduceSumSquare", f::reduce},
    {"Relu", f::relu},
    {"Reshape", f::reshape},
    {"Round", f::round},
    {"ScatterND", f::scatter_nd},
    {"Shape", f::shape},
    {"Shrink", f::shrink},
    {"Sign", f::sign},
    {"Slice", f::slice},
    {"Softmax", f::softmax, true},
    {"Split", f::split},
    {"Swish", f::swish},
    {"ThresholdedRelu", f::thresholded_relu},
    {"Trilu", f::trilu},
    {"Unsqueeze", f::unsqueeze},
    {"Where", f::where},
};

}  // namespace

std::span<const Decomposition> decompositions() { return kDecompositions; }

}  // namespace onnxopt
