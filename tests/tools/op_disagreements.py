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
    Disagreement({"QLinearConv", "Conv"}, "a window larger than the padded input: refused by us; NumPy computes one from what there is", "does not fit into", ("onnx",)),
    Disagreement({"MaxPool"}, "a window that sees padding only: -inf, the padding's value; the reference evaluator gives NaN", "-inf, expected nan", ("onnx",)),
    Disagreement({"LRN"}, "the reference evaluator loops over the batch instead of the channels", "element", ("onnx",)),
    Disagreement({"MeanVarianceNormalization"}, "the default axes [0, 2, 3] are of rank 4; ONNX Runtime ignores them elsewhere", "out of range"),
    Disagreement({"Attention"}, "is_causal with a past: ours, as the reference evaluator's, lets query i see past + i + 1 keys; ONNX Runtime aligns the mask at the end of "
                 "the keys, also where there are more keys than queries", "element", applies=lambda a, i: a.get("is_causal") == 1 and len(i) > 4),
    Disagreement(REDUCTIONS | {"ArgMax", "ArgMin"}, "keepdims, noop_with_empty_axes and select_last_index are 0 or 1; other values mean 1 to us, 0 to ONNX Runtime's keepdims, and no "
                 "noop to the reference evaluator", "shape|element", applies=flag_beyond_one("keepdims", "noop_with_empty_axes", "select_last_index")),
    Disagreement({"DynamicQuantizeLinear"}, "an infinity or NaN among the elements: the scale is none, the results are not defined", applies=not_finite),
    Disagreement({"CastLike", "Cast", "Gelu", "DFT"}, "an attribute outside of its listed values is refused by us, ignored by ONNX Runtime",
                 "attribute '.*' (must be|is .*, not)"),
    Disagreement({"CastLike"}, "ONNX Runtime's CastLike with saturate beyond 0 and 1, or of numbers outside of the target's range, is not defined", "element",
                 applies=lambda a, i: a.get("saturate", 1) not in (0, 1) or "round_mode" in a),
    Disagreement({"CenterCropPad"}, "a negative size is refused by us; ONNX Runtime gives an empty result", "less than nothing"),
    Disagreement({"STFT", "CumSum", "CumProd"}, "ONNX Runtime does not look at the other inputs where one is empty", "window is|out of range"),
    Disagreement({"ArgMax", "ArgMin"}, "no axis is in range for a scalar; ONNX Runtime gives 0", "out of range for rank 0"),
    Disagreement({"PRelu"}, "the slope must broadcast to the input, one way; ONNX Runtime broadcasts both ways", "does not broadcast"),
    Disagreement({"Softmax", "LogSoftmax", "Hardmax", "Flatten", "LayerNormalization", "Concat", "Split", "Gather"}, "ONNX Runtime cuts the axis to 32 bits before "
                 "it looks whether it is in range", "out of range", applies=lambda a, i: abs(a.get("axis", 0)) >= 2**31),
    Disagreement({"CastLike"}, "-0.0 as a string is \"-0\"; ONNX Runtime's CastLike gives an empty string", "-0"),
    Disagreement({"GatherND"}, "a negative batch_dims is refused by us; ONNX Runtime does not look where there are no indices", "batch dimensions",
                 applies=lambda a, i: a.get("batch_dims", 0) < 0),
    Disagreement({"OneHotEncoder"}, "categories that occur twice: the first column counts to us, the last to ONNX Runtime", "element",
                 applies=lambda a, i: len(set(a.get("cats_int64s", []))) < len(a.get("cats_int64s", []))),
    Disagreement({"OneHotEncoder"}, "categories of another type than the input are refused by us; ONNX Runtime gives zeros", "no categories"),
    Disagreement({"StringSplit"}, "an empty string with a delimiter is one empty part, as in Python and the reference evaluator; ONNX Runtime gives none", "element",
                 applies=lambda a, i: bool(a.get("delimiter")) and "" in i[0]),
    Disagreement({"Resize"}, "align_corners with a scale that does not divide: the published tests take the fractional length, ONNX Runtime the whole one", "element",
                 applies=lambda a, i: a.get("coordinate_transformation_mode") == b"align_corners" and len(i) > 2 and i[2] is not None),
    Disagreement({"StringNormalizer"}, "the reference evaluator takes the accents off and drops empty strings, the specification does neither", "element|shape", ("onnx",)),
    Disagreement({"LinearRegressor"}, "more intercepts than targets: the first count to us, ONNX Runtime leaves them all out", "element",
                 applies=lambda a, i: len(a.get("intercepts", [])) > a.get("targets", 1)),
    Disagreement({"Gemm"}, "ONNX Runtime forgets beta where the inner dim is 0", "element", applies=empty),
]
