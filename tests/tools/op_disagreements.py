"""Where ONNX Runtime 1.31 or onnx 1.23's reference evaluator and our executor differ on generated operators, and why. Only what stands here may differ."""
from dataclasses import dataclass
from typing import Callable

import numpy as np


@dataclass
class Disagreement:
    ops: set
    reason: str
    message: str = ""  # regular expression over the runner's line
    judges: tuple = ("onnxruntime",)
    applies: Callable = lambda attrs, inputs: True


def empty(attrs, inputs):
    return inputs[0].size == 0


def integers(attrs, inputs):
    return inputs[0].dtype.kind in "iu"


def huge_integers(attrs, inputs):
    """An element at the end of its type's range: sums, products and squares overflow."""
    x = inputs[0]
    return integers(attrs, inputs) and x.size > 0 and (x.min() == np.iinfo(x.dtype).min < 0 or x.max() == np.iinfo(x.dtype).max)


def not_finite(attrs, inputs):
    return any(x is not None and x.dtype.kind == "f" and not np.isfinite(x).all() for x in inputs)


def gaps_between_windows(attrs, inputs):
    """SAME, and some elements lie in no window."""
    window = attrs.get("kernel_shape") or list(inputs[1].shape[2:])
    strides, dilations = (attrs.get(n) or [1] * len(window) for n in ("strides", "dilations"))
    return attrs.get("auto_pad", b"").startswith(b"SAME") and any((k - 1) * d + 1 < s for k, s, d in zip(window, strides, dilations))


REDUCTIONS = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}

def flag_beyond_one(*names):
    """An attribute that is 0 or 1 by the specification has another value."""
    return lambda attrs, inputs: any(attrs.get(n, 0) not in (0, 1) for n in names)


DISAGREEMENTS = [
    Disagreement(REDUCTIONS, "ONNX Runtime keeps a dim of 0 that is reduced, or reduces another axis, where the input is empty; the specification gives each reduction "
                 "its value over no elements", applies=empty),
    Disagreement({"ReduceSum", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"},
                 "integers overflow: ours wrap around, as NumPy's do; ONNX Runtime's sums go through floating point or saturate", "element", applies=huge_integers),
    Disagreement({"ReduceProd"}, "an integer product overflows: ours wraps around, as NumPy's does; ONNX Runtime's goes through floating point", "element",
                 applies=integers),
    Disagreement({"ReduceLogSum", "ReduceLogSumExp", "ReduceL2"}, "the logarithm of 0 or less is no integer; what is stored then is not defined", "element",
                 ("onnxruntime", "onnx"), integers),
    Disagreement({"ReduceMean"}, "the mean of no integers is not defined: refused by us", "undefined", ("onnxruntime", "onnx"), empty),
    Disagreement({"ArgMax", "ArgMin"}, "ONNX Runtime gives the input's shape where the input is empty; there is no largest of no elements, and reduced dims go",
                 "shape|is empty", applies=empty),
    Disagreement({"NonZero"}, "\"for scalar input, NonZero produces output shape (0, N) instead of (1, N)\" (NonZero-13); ONNX Runtime gives (1, N)", "shape",
                 applies=lambda a, i: i[0].ndim == 0),
    Disagreement({"NonZero"}, "\"for scalar input, NonZero produces output shape (0, N) instead of (1, N)\" (NonZero-13); NumPy gives (1, N)", "shape", ("onnx",),
                 lambda a, i: i[0].ndim == 0),
    Disagreement({"Squeeze"}, "all dims of 1 go where axes \"is not provided\"; it is provided, and empty; ONNX Runtime takes that for none", "shape",
                 applies=lambda a, i: len(i) > 1 and i[1].size == 0),
    Disagreement({"Slice"}, "a start before the first element is clamped to it with a negative step (Slice-13); NumPy takes nothing", "shape", ("onnx",)),
    Disagreement({"Shrink"}, "the sum leaves the integers; what is stored then is not defined", "element", applies=huge_integers),
    Disagreement({"SplitToSequence"}, "\"If input 'split' is specified, this attribute [keepdims] is ignored\"; ONNX Runtime heeds it for a scalar split", "shape",
                 applies=lambda a, i: len(i) > 1 and i[1].ndim == 0 and a.get("keepdims") == 0),
    Disagreement({"Softmax", "LogSoftmax"}, "a row with an infinity: inf - inf is NaN, as the formula and NumPy have it", "nan|inf", applies=not_finite),
    Disagreement({"ReduceLogSumExp", "ReduceMax", "ReduceMin"}, "a NaN among the elements: NaN, as NumPy has it; ONNX Runtime skips it", "nan", applies=not_finite),
    Disagreement({"Clip"}, "without min (max) nothing is raised (lowered), as the reference evaluator has it; ONNX Runtime turns -inf (inf) into the lowest (highest) "
                 "finite value", "inf", applies=not_finite),
    Disagreement({"Pow"}, "an integer power overflows: ours wraps around, as NumPy's does; ONNX Runtime's goes through double", "element", applies=integers),
    Disagreement({"MatMul"}, "ONNX Runtime leaves the result of a product over no elements as the memory was", "element", applies=empty),
    Disagreement({"MaxPool", "AveragePool", "LpPool"}, "a window larger than the padded input: refused by us; ONNX Runtime computes one from what there is",
                 "does not fit into"),
    Disagreement({"ConvTranspose"}, "SAME with a stride larger than the window: \"output_shape[i] = input_shape[i] * strides[i]\", by the text and the reference evaluator; "
                 "ONNX Runtime (and onnx's inference) take the negative padding for none, so the output is shorter", "shape", applies=gaps_between_windows),
    Disagreement({"ConvTranspose"}, "SAME with a stride larger than the window: the reference evaluator moves the input by half of what is missing; ours, like Conv's inverse, "
                 "starts at the first element", "element", ("onnx",), gaps_between_windows),
    Disagreement({"MaxPool", "AveragePool", "LpPool"}, "SAME with a stride larger than the window: the first window starts at the first element, as Conv's does, also in ONNX Runtime; "
                 "its and the reference evaluator's pools let the negative padding of SAME_UPPER skip elements", "element", ("onnxruntime", "onnx"), gaps_between_windows),
    Disagreement({"QLinearConv", "Conv", "ConvInteger"}, "a window larger than the padded input: refused by us; NumPy computes one from what there is", "does not fit into", ("onnx",)),
    Disagreement({"MaxPool"}, "a window that sees padding only: -inf, the padding's value; the reference evaluator gives NaN or 0", "-inf, expected (nan|0)", ("onnx",)),
    Disagreement({"LRN"}, "the reference evaluator loops over the batch instead of the channels", "element", ("onnx",)),
    Disagreement({"MeanVarianceNormalization"}, "the default axes [0, 2, 3] are of rank 4; ONNX Runtime ignores them elsewhere", "out of range"),
    Disagreement({"Attention"}, "is_causal with a past: ours, as the reference evaluator's, lets query i see past + i + 1 keys; ONNX Runtime aligns the mask at the end of "
                 "the keys, also where there are more keys than queries", "element", applies=lambda a, i: a.get("is_causal") == 1 and len(i) > 4),
    Disagreement(REDUCTIONS | {"ArgMax", "ArgMin"}, "keepdims, noop_with_empty_axes and select_last_index are 0 or 1; other values mean 1 to us, 0 to ONNX Runtime's keepdims, and no "
                 "noop to the reference evaluator", "shape|element", applies=flag_beyond_one("keepdims", "noop_with_empty_axes", "select_last_index")),
    Disagreement({"DynamicQuantizeLinear"}, "an infinity or NaN among the elements: the scale is none, the results are not defined", applies=not_finite),
    Disagreement({"CastLike", "Cast", "Gelu", "DFT", "BlackmanWindow", "HammingWindow", "HannWindow"},
                 "an attribute outside of its listed values is refused by us, ignored by ONNX Runtime", "attribute '.*' (must be|is .*, not)"),
    Disagreement({"CastLike"}, "a string that is no number is refused by us and by Python; ONNX Runtime gives 0", "is no number"),
    Disagreement({"DFT", "STFT"}, "a NaN or an infinity in one of the two parts: ONNX Runtime multiplies complex numbers, so it spreads to the other part", "nan|inf",
                 applies=not_finite),
    Disagreement({"GridSample"}, "an infinite or huge position lies outside of the image, as the text has it: 0, the border, a reflection; a NaN counts as one far to the left, as in the "
                 "reference evaluator's nearest; ONNX Runtime takes both for -1 (the first pixel, or its edge), also where the padding is zeros", "element", ("onnxruntime", "onnx"),
                 lambda a, i: not (np.abs(i[1]) < 1e9).all()),
    Disagreement({"Sign"}, "the sign of NaN is NaN, as in NumPy and the reference evaluator; ONNX Runtime gives 0 for float16", "nan", applies=not_finite),
    Disagreement({"LRN"}, "ONNX Runtime keeps one running sum over the channels, which a NaN or an infinity never leaves", "nan", applies=not_finite),
    Disagreement(REDUCTIONS, "no axis is in range for a scalar; ONNX Runtime does not look at them", "out of range for rank 0"),
    Disagreement({"Split"}, "num_outputs must be the number of outputs; ONNX Runtime divides by the latter where the input is empty", "num_outputs is", applies=empty),
    Disagreement({"CastLike"}, "ONNX Runtime's CastLike with saturate beyond 0 and 1, or of numbers outside of the target's range, is not defined", "element",
                 applies=lambda a, i: a.get("saturate", 1) not in (0, 1) or "round_mode" in a),
    Disagreement({"CenterCropPad"}, "a negative size is refused by us; ONNX Runtime gives an empty result", "less than nothing"),
    Disagreement({"STFT", "CumSum", "CumProd"}, "ONNX Runtime does not look at the other inputs where one is empty", "window is|out of range|expected one element"),
    Disagreement({"ArgMax", "ArgMin", "Softmax", "LogSoftmax", "Hardmax"}, "no axis is in range for a scalar; ONNX Runtime takes the one element for a row", "out of range for rank 0"),
    Disagreement({"ArgMax", "ArgMin"}, "ONNX Runtime does not look at the axis where the input is empty", "out of range", applies=empty),
    Disagreement({"Split"}, "num_outputs must be the number of outputs; ONNX Runtime takes 0 for not given", "num_outputs is 0"),
    Disagreement({"CastLike"}, "a double as text: ours has as many digits as it takes to read it back; ONNX Runtime 8", "element .* expected \"",
                 applies=lambda a, i: i[0].dtype == np.float64),
    Disagreement({"MeanVarianceNormalization"}, "the squares overflow float32, in which ONNX Runtime and the reference evaluator sum: 0; ours is the formula's value", "element",
                 applies=lambda a, i: i[0].dtype == np.float32 and (np.abs(i[0][np.isfinite(i[0])]) > 1e18).any()),
    Disagreement({"ReduceSumSquare", "ReduceL2"}, "a square that int64 does not hold: ours wraps around, as the reference evaluator's does; ONNX Runtime's goes through floating point",
                 "element", applies=lambda a, i: i[0].dtype == np.int64 and (np.abs(i[0].astype(np.float64)) > 3e9).any()),
    Disagreement({"Shrink"}, "an integer less a bias that is NaN or infinite is none", "element", ("onnxruntime", "onnx"),
                 lambda a, i: integers(a, i) and not np.isfinite([a.get("bias", 0), a.get("lambd", 0)]).all()),
    Disagreement({"PRelu"}, "the slope must broadcast to the input, one way; ONNX Runtime broadcasts both ways", "does not broadcast"),
    Disagreement({"Softmax", "LogSoftmax", "Hardmax", "Flatten", "LayerNormalization", "Concat", "Split", "Gather"}, "ONNX Runtime cuts the axis to 32 bits before "
                 "it looks whether it is in range", "out of range", applies=lambda a, i: abs(a.get("axis", 0)) >= 2**31),
    Disagreement({"CastLike"}, "-0.0 as a string is \"-0\"; ONNX Runtime's CastLike gives an empty string", "-0"),
    Disagreement({"GatherND"}, "batch dims that are negative or differ are refused by us; ONNX Runtime does not look where there are no indices", "batch dimensions",
                 applies=lambda a, i: a.get("batch_dims", 0) < 0 or i[1].size == 0),
    Disagreement({"OneHotEncoder"}, "categories that occur twice: the first column counts to us, the last to ONNX Runtime", "element",
                 applies=lambda a, i: len(set(a.get("cats_int64s", []))) < len(a.get("cats_int64s", []))),
    Disagreement({"OneHotEncoder"}, "categories of another type than the input are refused by us; ONNX Runtime gives zeros", "no categories"),
    Disagreement({"StringSplit"}, "an empty string with a delimiter is one empty part, as in Python and the reference evaluator; ONNX Runtime gives none", "element|shape",
                 applies=lambda a, i: bool(a.get("delimiter")) and "" in i[0]),
    Disagreement({"Resize"}, "align_corners with a scale that does not divide: the published tests take the fractional length, ONNX Runtime the whole one", "element",
                 applies=lambda a, i: a.get("coordinate_transformation_mode") == b"align_corners" and len(i) > 2 and i[2] is not None),
    Disagreement({"StringNormalizer"}, "the reference evaluator takes the accents off and drops empty strings, the specification does neither", "element|shape", ("onnx",)),
    Disagreement({"LinearRegressor"}, "more intercepts than targets: the first count to us, ONNX Runtime leaves them all out", "element",
                 applies=lambda a, i: len(a.get("intercepts", [])) > a.get("targets", 1)),
    Disagreement({"Loop"}, "what a turn gives to a scan output has one shape in all turns, say ONNX Runtime and we; the reference evaluator joins what it gets", "cannot join", ("onnx",)),
    Disagreement({"SequenceInsert"}, "\"it is an error if any of the index values are out of bounds\", [-n, n] (SequenceInsert-11); Python's insert takes any", "position .* in a sequence",
                 ("onnx",)),
    Disagreement({"MeanVarianceNormalization"}, "the variance of equal elements is 0; ONNX Runtime's E[X^2] - E[X]^2 rounds to less than that", "expected -?nan",
                 applies=lambda a, i: (np.ptp(i[0], axis=tuple(k for k in a.get("axes", [0, 2, 3]) if k < i[0].ndim)) == 0).any()),
    Disagreement({"Slice"}, "an end beyond the last element \"represents n\" also with a negative step (Slice-13), so nothing is taken; ONNX Runtime takes 2^31 - 1 and 2^63 - 1 "
                 "for the first element there", "shape",
                 applies=lambda a, i: len(i) > 4 and any(e in (2**31 - 1, 2**63 - 1) and s < 0 for e, s in zip(i[2], i[4]))),
    Disagreement({"LpNormalization", "ReduceL2", "ReduceSumSquare"}, "squares beyond float32: ours are summed in double, ONNX Runtime's overflow", "element",
                 applies=lambda a, i: i[0].dtype == np.float32 and (np.abs(i[0][np.isfinite(i[0])]) > 1e18).any()),
    Disagreement({"Hardmax", "GlobalMaxPool"}, "a NaN among the elements is the largest, as in NumPy and the reference evaluator; ONNX Runtime passes over it",
                 "element", applies=not_finite),
    Disagreement({"Pow"}, "an integer 0 to a negative power is refused by us; ONNX Runtime stores the infinity as what the conversion makes of it", "0 to a negative power"),
    Disagreement({"Imputer"}, "neither one imputed value nor one a column: refused by us; ONNX Runtime uses the first of them", "imputed values for"),
    Disagreement({"Reshape"}, "allowzero is 0 or 1; any other value means 1 to us, 0 to ONNX Runtime", "cannot reshape", applies=flag_beyond_one("allowzero")),
    Disagreement({"CenterCropPad"}, "without axes \"all axes are assumed\", so there is a size for each: refused by us; ONNX Runtime uses one size for all", "sizes for"),
    Disagreement({"RMSNormalization", "LayerNormalization"}, "an attribute that is no type is refused by us, ignored by ONNX Runtime", "stash_type"),
    Disagreement({"Hardmax", "Softmax", "LogSoftmax"}, "an axis that the input has not is refused by us; ONNX Runtime does not look where there is no element", "out of range",
                 applies=empty),
    Disagreement({"InstanceNormalization"}, "equal elements are normalized to 0, which leaves the bias; ONNX Runtime's x * s + (bias - mean * s) cancels digits", "element",
                 applies=lambda a, i: (np.ptp(i[0].reshape(*i[0].shape[:2], -1), axis=2) == 0).any()),
    Disagreement({"Gemm"}, "ONNX Runtime forgets beta where the inner dim is 0", "element", applies=empty),
]
