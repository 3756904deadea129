"""Cases of com.microsoft operators: activations, products, norms."""
import numpy as np

from contrib_case import Case, f32, generator, maybe, pick, shape


# x * (1 + erf(x)) of x = -3 cancels: its error is that of x, not of the tiny result.
GELU_FLOOR = 0.1


@generator()
def Gelu(r):
    return Case("Gelu", [f32(r, *shape(r), scale=3)], floor=GELU_FLOOR)


@generator()
def QuickGelu(r):
    return Case("QuickGelu", [f32(r, *shape(r), scale=3)], {"alpha": float(r.random() * 2)} if r.random() < 0.5 else {})


@generator()
def FastGelu(r):
    s = shape(r)
    return Case("FastGelu", [f32(r, *s, scale=3), maybe(r, lambda: f32(r, s[-1]))], floor=GELU_FLOOR)


@generator()
def BiasGelu(r):
    s = shape(r)
    return Case("BiasGelu", [f32(r, *s, scale=3), f32(r, s[-1])], floor=GELU_FLOOR)


ACTIVATIONS = {"Relu": [], "Tanh": [], "Sigmoid": [], "LeakyRelu": [0.1], "Clip": [-0.5, 0.7], "HardSigmoid": [0.3, 0.4]}


def conv_attrs(r, n, k):
    a = {"kernel_shape": k}
    if r.random() < 0.5:
        a["pads"] = [int(x) for x in r.integers(0, 2, 2 * n)]
    elif r.random() < 0.3:
        a["auto_pad"] = pick(r, "SAME_UPPER", "SAME_LOWER", "VALID")
    if r.random() < 0.5:
        a["strides"] = [int(x) for x in r.integers(1, 3, n)]
    if "auto_pad" not in a and r.random() < 0.3:
        a["dilations"] = [int(x) for x in r.integers(1, 3, n)]
    return a


@generator()
def FusedConv(r):
    n = pick(r, 1, 2, 2, 2)
    groups = pick(r, 1, 1, 2)
    c, m = groups * int(r.integers(1, 4)), groups * int(r.integers(1, 4))
    k = [int(x) for x in r.integers(1, 4, n)]
    a = conv_attrs(r, n, k) | {"group": groups}
    name = pick(r, *ACTIVATIONS)
    if r.random() < 0.9:
        a |= {"activation": name} | ({"activation_params": ACTIVATIONS[name]} if ACTIVATIONS[name] else {})
    x = f32(r, int(r.integers(1, 3)), c, *[int(v) for v in r.integers(6, 9, n)])
    return Case("FusedConv", [x, f32(r, m, c // groups, *k), maybe(r, lambda: f32(r, m))], a)


@generator()
def FusedConvAdd(r):
    n, c, m = 2, 3, 4
    x, a = f32(r, 1, c, 6, 7), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    if r.random() < 0.7:
        a["activation"] = "Relu"
    return Case("FusedConv", [x, f32(r, m, c, 3, 3), f32(r, m), f32(r, 1, m, 6, 7)], a)


def matmul_case(r, op, extra):
    dtype = pick(r, np.float32, np.float32, np.float64) if op == "FusedMatMul" else np.float32
    rank = int(r.integers(2, 5))
    batch = shape(r, rank=rank - 2) if rank > 2 else ()
    m, k, n = shape(r, 1, 5, 3)
    ta, tb = int(r.integers(2)), int(r.integers(2))
    ba, bb = (int(r.integers(2)), int(r.integers(2))) if extra and rank > 2 else (0, 0)
    a = batch + ((k, m) if ta else (m, k))
    b = batch + ((n, k) if tb else (k, n))
    if ba:
        a = (a[-2],) + a[:-2] + a[-1:]
    if bb:
        b = (b[-2],) + b[:-2] + b[-1:]
    if not bb and r.random() < 0.3:
        b = b[-2:]
    attrs = {"transA": ta, "transB": tb, "alpha": float(pick(r, 1, 0.5, 2.25))}
    if extra:
        attrs |= {"transBatchA": ba, "transBatchB": bb}
    return Case(op, [r.standard_normal(a).astype(dtype), r.standard_normal(b).astype(dtype)], attrs)


@generator()
def FusedMatMul(r):
    return matmul_case(r, "FusedMatMul", r.random() < 0.5)


@generator()
def TransposeMatMul(r):
    return matmul_case(r, "TransposeMatMul", False)


@generator()
def FusedGemm(r):
    m, k, n = shape(r, 1, 6, 3)
    ta, tb = int(r.integers(2)), int(r.integers(2))
    name = pick(r, "Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid")
    a = {"transA": ta, "transB": tb, "alpha": float(pick(r, 1, 0.5)), "beta": float(pick(r, 1, 2)), "activation": name}
    if name == "LeakyRelu":
        a["activation_alpha"] = 0.2
    if name == "HardSigmoid":
        a |= {"activation_alpha": 0.3, "activation_beta": 0.4}
    c = pick(r, (n,), (m, n), (1, n), (m, 1), ())
    return Case("FusedGemm", [f32(r, *((k, m) if ta else (m, k))), f32(r, *((n, k) if tb else (k, n))), maybe(r, lambda: f32(r, *c), 0.8)], a)


@generator()
def SimplifiedLayerNormalization(r):
    s = shape(r, rank=int(r.integers(2, 4)))
    t = pick(r, np.float32, np.float32, np.float64)
    a = {"axis": -1} | ({"epsilon": 1e-3} if r.random() < 0.5 else {})
    return Case("SimplifiedLayerNormalization", [r.standard_normal(s).astype(t), r.standard_normal(s[-1]).astype(t)], a, domain="")


def skip_norm(r, op):
    b, s, h = shape(r, 1, 5, 3)
    t = pick(r, np.float32, np.float32, np.float64, np.float16)
    x = lambda *d: r.standard_normal(d).astype(t)
    skip = pick(r, (b, s, h), (b, s, h), (1, s, h), (s, h))
    a = {"epsilon": 1e-5}
    inputs = [x(b, s, h), x(*skip), x(h)]
    if op == "SkipLayerNormalization":
        inputs.append(maybe(r, lambda: x(h)))
    inputs.append(maybe(r, lambda: x(h)))
    return Case(op, inputs, a, outputs=(True, False, False, True) if r.random() < 0.6 else (True,))


@generator()
def SkipLayerNormalization(r):
    return skip_norm(r, "SkipLayerNormalization")


@generator()
def SkipSimplifiedLayerNormalization(r):
    return skip_norm(r, "SkipSimplifiedLayerNormalization")


@generator()
def EmbedLayerNormalization(r):
    b, s, h = shape(r, 1, 6, 3)
    ids = r.integers(0, 9, (b, s)).astype(np.int32)
    kinds = r.random() < 0.6
    inputs = [ids, r.integers(0, 2, (b, s)).astype(np.int32) if kinds else None, f32(r, 9, h), f32(r, 8, h), f32(r, 2, h) if kinds else None]
    inputs += [f32(r, h), f32(r, h), maybe(r, lambda: r.integers(0, 2, (b, s)).astype(np.int32))]
    inputs.append(maybe(r, lambda: r.integers(0, 8, pick(r, (b, s), (1, s))).astype(np.int32)))
    return Case("EmbedLayerNormalization", inputs, {"epsilon": 1e-6}, outputs=(True, True, r.random() < 0.5))


@generator()
def QEmbedLayerNormalization(r):
    b, s, h = shape(r, 1, 6, 3)
    q = lambda *d: r.integers(0, 256, d).astype(np.uint8)
    kinds = r.random() < 0.6
    inputs = [r.integers(0, 9, (b, s)).astype(np.int32), r.integers(0, 2, (b, s)).astype(np.int32) if kinds else None, q(9, h), q(8, h)]
    inputs += [q(2, h) if kinds else None, q(h), q(h), maybe(r, lambda: r.integers(0, 2, (b, s)).astype(np.int32))]
    scales = [np.float32(r.random() * 0.05 + 0.01) for _ in range(5)]
    zeros = [np.uint8(r.integers(0, 256)) for _ in range(5)]
    if not kinds:
        scales[2] = zeros[2] = None
    return Case("QEmbedLayerNormalization", inputs + scales + zeros, {"epsilon": 1e-6}, outputs=(True, True))
