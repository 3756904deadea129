"""Random one-node models for fuzz_ops.py: convolutions, pools, normalizations, images, quantization, generators."""
import math

import numpy as np

from op_cases import FLOATS, NUMBERS, gen


def window_attrs(c, rank, pads=True, dilations=True):
    a = {"strides": [c.r.randint(1, 3) for _ in range(rank)]}
    if dilations and c.maybe(0.4):
        a["dilations"] = [c.r.randint(1, 2) for _ in range(rank)]
    k = c.r.random()
    if k < 0.4 and pads:
        a["pads"] = [c.r.randint(0, 1) for _ in range(2 * rank)]
    elif k < 0.7 and "dilations" not in a:
        a["auto_pad"] = c.r.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    return a


@gen("Conv", "ConvTranspose")
def conv(c, op):
    rank, g = c.r.randint(1, 3), c.r.choice([1, 1, 2])
    cin, cout = g * c.r.randint(1, 3), g * c.r.randint(1, 3)
    k = [c.r.randint(1, 3) for _ in range(rank)]
    c.attrs = {"group": g, **window_attrs(c, rank)}
    if op == "ConvTranspose" and c.maybe(0.3) and "auto_pad" not in c.attrs:
        c.attrs["output_padding"] = [c.r.randint(0, max(s - 1, 0)) for s in c.attrs["strides"]]
    w = [cout, cin // g, *k] if op == "Conv" else [cin, cout // g, *k]
    c.add(c.data([c.r.randint(1, 2), cin, *[c.r.randint(3, 7) for _ in k]], "float32", 0), c.data(w, "float32", 0))
    if c.maybe():
        c.add(c.data([cout], "float32", 0))


@gen("MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool")
def pool(c, op):
    rank = c.r.randint(1, 3)
    c.add(c.data([c.r.randint(1, 2), c.r.randint(1, 3), *[c.r.randint(3, 8) for _ in range(rank)]], "float32", 0))
    if op.startswith("Global"):
        return
    c.attrs = {"kernel_shape": [c.r.randint(1, 3) for _ in range(rank)], **window_attrs(c, rank)}
    if c.maybe(0.5):
        c.attrs["ceil_mode"] = c.r.randint(0, 1)
    if op == "AveragePool":
        c.attrs["count_include_pad"] = c.r.randint(0, 1)
    if op == "LpPool":
        c.attrs["p"] = c.r.choice([1, 2, 3])
    if op == "MaxPool" and c.maybe():
        c.outputs = 2


@gen("LayerNormalization", "InstanceNormalization", "BatchNormalization", "GroupNormalization", "LRN", "MeanVarianceNormalization")
def norm(c, op):
    s = c.shape(3, 4, empty=0)
    ch = s[1]
    if op == "LayerNormalization":
        a = c.axis(len(s))
        c.attrs = {"axis": a, "epsilon": c.r.choice([1e-5, 0.1])}
        n = s[a % len(s):]
        c.add(c.data(s, "float32", 0), c.data(n, "float32", 0))
        if c.maybe():
            c.add(c.data(n, "float32", 0))
        c.outputs = c.r.randint(1, 3)
        return
    c.add(c.data(s, "float32", 0))
    if op == "LRN":
        c.attrs = {"size": c.r.choice([1, 3, 5, 2]), "alpha": 0.1, "bias": 2.0}
    elif op == "MeanVarianceNormalization":
        c.attrs = {} if len(s) == 4 and c.maybe() else {"axes": sorted(c.r.sample(range(len(s)), c.r.randint(1, len(s))))}
    elif op == "GroupNormalization":
        c.attrs = {"num_groups": c.r.choice([g for g in range(1, ch + 1) if ch % g == 0])}
        c.add(c.data([ch], "float32", 0), c.data([ch], "float32", 0))
    else:
        c.attrs = {"epsilon": c.r.choice([1e-5, 0.1])}
        c.add(c.data([ch], "float32", 0), c.data([ch], "float32", 0))
        if op == "BatchNormalization":
            c.add(c.data([ch], "float32", 0), c.data([ch], "float32", 0, 0.1, 3))


@gen("Resize")
def resize(c, op):
    s = [1, c.r.randint(1, 2), c.r.randint(1, 6), c.r.randint(1, 6)]
    mode = c.r.choice(["nearest", "linear", "cubic"])
    c.attrs = {"mode": mode, "coordinate_transformation_mode": c.r.choice(["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]),
               "nearest_mode": c.r.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])}
    if mode != "nearest" and c.maybe(0.3):
        c.attrs["antialias"] = 1
    if mode == "cubic" and c.maybe():
        c.attrs.update(cubic_coeff_a=c.r.choice([-0.5, -0.75]), exclude_outside=c.r.randint(0, 1))
    if mode != "nearest":
        del c.attrs["nearest_mode"]
    x = c.data(s, "float32", 0)
    if c.maybe():
        c.add(x, None, np.array([1, 1, c.r.choice([0.5, 0.6, 1, 1.5, 2, 3]), c.r.choice([0.5, 0.8, 1, 2, 2.5])], np.float32))
    else:
        c.add(x, None, None, np.array([*s[:2], c.r.randint(1, 9), c.r.randint(1, 9)], np.int64))


@gen("DepthToSpace", "SpaceToDepth")
def depth(c, op):
    b = c.r.choice([1, 2, 3])
    n, ch, h, w = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 3), c.r.randint(1, 3)
    c.attrs = {"blocksize": b}
    if op == "DepthToSpace":
        c.attrs["mode"] = c.r.choice(["DCR", "CRD"])
    c.add(c.data([n, ch * b * b, h, w] if op == "DepthToSpace" else [n, ch, h * b, w * b], "float32", 0))


@gen("QuantizeLinear", "DequantizeLinear")
def quantize(c, op):
    s = c.shape(1, 4)
    t = c.r.choice(["int8", "uint8"])
    per = c.maybe(0.4)
    a = c.axis(len(s))
    n = [s[a]] if per else []
    scale = c.scale(n, 0.01, 0.5)
    if per:
        c.attrs = {"axis": a}
    c.add(c.data(s, "float32" if op[0] == "Q" else t, 0), scale)
    if c.maybe(0.8):
        c.add(c.data(n, t, 0))


@gen("Range")
def range_(c, op):
    t = c.r.choice(["int32", "int64", "float32", "float64", "int16"])
    d = c.r.choice([1, 2, -1, -3]) * (0.5 if t[0] == "f" and c.maybe() else 1)
    c.add(np.array(c.r.randint(-5, 5), t), np.array(c.r.randint(-9, 9), t), np.array(d, t))


@gen("Unique")
def unique(c, op):
    s = c.shape(1, 3, empty=0)
    c.attrs = {"sorted": c.r.randint(0, 1)}
    if c.maybe():
        c.attrs["axis"] = c.axis(len(s))
    c.outputs = 4
    c.add(c.data(s, c.r.choice(["float32", "int64"]), 0, 0, 3).round())


@gen("ReverseSequence")
def reverse_sequence(c, op):
    s = c.shape(2, 4, empty=0)
    c.attrs = {"batch_axis": (b := c.r.randint(0, 1)), "time_axis": 1 - b}
    c.add(c.data(s, "float32"), c.data([s[b]], "int64", 0, 1, s[1 - b]))


@gen("EyeLike")
def eye(c, op):
    c.attrs = {"k": c.r.randint(-4, 4)}
    if c.maybe():
        c.attrs["dtype"] = c.r.choice([1, 6, 7, 11])
    c.add(c.data(c.shape(2, 2), c.r.choice(["float32", "int32", "int64"])))


@gen("Compress")
def compress(c, op):
    s = c.shape(1, 4)
    n = math.prod(s)
    if c.maybe(0.6):
        a = c.axis(len(s))
        c.attrs = {"axis": a}
        n = s[a]
    c.add(c.data(s, c.r.choice(NUMBERS)), c.data([c.r.randint(0, n)], "bool"))


@gen("GridSample")
def grid(c, op):
    c.attrs = {"mode": c.r.choice(["linear", "nearest", "cubic"]), "padding_mode": c.r.choice(["zeros", "border", "reflection"]), "align_corners": c.r.randint(0, 1)}
    n = c.r.randint(1, 2)
    c.add(c.data([n, c.r.randint(1, 2), c.r.randint(1, 5), c.r.randint(1, 5)], "float32", 0), c.data([n, c.r.randint(1, 4), c.r.randint(1, 4), 2], "float32", 0.1, -1.5, 1.5))


@gen("Einsum")
def einsum(c, op):
    eq, shapes = c.r.choice([("ij,jk->ik", [[2, 3], [3, 4]]), ("...ij,...jk->...ik", [[5, 2, 3], [1, 3, 4]]), ("ii->i", [[3, 3]]), ("ij->", [[2, 3]]), ("bij,bjk", [[2, 2, 3], [2, 3, 2]]),
                             ("i,j->ij", [[2], [3]]), ("...ii->...", [[2, 3, 3]]), ("ij,ij->ij", [[2, 3], [2, 3]]), ("abc->cab", [[2, 3, 4]]), ("ij,kj->ik", [[0, 3], [2, 3]])])
    c.attrs = {"equation": eq}
    for s in shapes:
        c.add(c.data(s, c.r.choice(["float32"]), 0))


@gen("ConstantOfShape")
def constant_of_shape(c, op):
    c.add(np.array(c.shape(), np.int64))
