"""Generators of random cases of com.microsoft operators for check_contrib.py: each draws shapes, attributes and optional inputs."""
import dataclasses

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper


@dataclasses.dataclass
class Case:
    op: str
    inputs: list
    attrs: dict = dataclasses.field(default_factory=dict)
    outputs: tuple = (True,)
    constants: tuple = ()
    domain: str = "com.microsoft"
    opset: int = 17
    limit: float = 0  # 0: the type's own
    steps: int = 0  # by how much integers may differ
    floor: float = 1e-3  # the least magnitude that errors are held against
    ignore: tuple = ()  # outputs that ONNX Runtime leaves undefined
    valid: dict = None  # output -> the part that is defined
    shared: dict = None  # output -> the input in whose buffer ONNX Runtime wants it


def f32(r, *shape, scale=1.0):
    return (r.standard_normal(shape) * scale).astype(np.float32)


def pick(r, *options):
    return options[int(r.integers(len(options)))]


def maybe(r, make, p=0.5):
    return make() if r.random() < p else None


def shape(r, low=1, high=4, rank=None):
    return tuple(int(x) for x in r.integers(low, high + 1, size=rank or int(r.integers(1, 5))))


GENERATORS = {}


def generator(name=None):
    def add(f):
        GENERATORS[name or f.__name__] = f
        return f

    return add


# ---- activations, products

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


# ---- norms


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


# ---- attention


def mask_of(r, b, s, t, kinds):
    kind = pick(r, *kinds)
    if kind == "length":
        return r.integers(1, t + 1, b).astype(np.int32)
    if kind == "ends":
        end = r.integers(1, t + 1, b)
        return np.concatenate([end, r.integers(0, end)]).astype(np.int32)
    if kind == "packed":
        return np.concatenate([r.integers(1, t + 1, b), np.zeros(2 * b + 2)]).astype(np.int32)
    m = r.integers(0, 2, (b, t) if kind == "keys" else (b, s, t)).astype(np.int32)
    m[..., 0] = 1
    return m


def attention_bias(r, b, n, s, t):
    return f32(r, pick(r, 1, b), pick(r, 1, n), s, t)


@generator()
def Attention(r):
    b, s, n, d = shape(r, 1, 4, 4)
    h, hv = n * d, n * d
    past = int(r.integers(1, 4)) if r.random() < 0.4 else 0
    a = {"num_heads": n, "unidirectional": int(r.integers(2))}
    if not past and r.random() < 0.3:
        hv = n * int(r.integers(1, 5))
        a["qkv_hidden_sizes"] = [h, h, hv]
    if r.random() < 0.3:
        a["scale"] = 0.3
    if r.random() < 0.3:
        a["mask_filter_value"] = -5.0
    di, t = int(r.integers(1, 7)), s + past
    inputs = [f32(r, b, s, di), f32(r, di, 2 * h + hv), maybe(r, lambda: f32(r, 2 * h + hv), 0.8)]
    inputs.append(maybe(r, lambda: mask_of(r, b, s, t, ["length", "ends", "keys", "full"])))
    inputs += [f32(r, 2, b, n, past, d) if past else None, maybe(r, lambda: attention_bias(r, b, n, s, t), 0.3)]
    present = past or (h == hv and r.random() < 0.3)
    return Case("Attention", inputs, a, outputs=(True, True) if present else (True,), constants=(1, 2))


@generator()
def MultiHeadAttention(r):
    b, s, n, d = shape(r, 1, 4, 4)
    h, dv = n * d, pick(r, d, int(r.integers(1, 5)))
    cached = r.random() < 0.2
    past = int(r.integers(1, 4)) if not cached and r.random() < 0.4 else 0
    kv = s if past and r.random() < 0.5 else int(r.integers(1, 5))
    if past:
        dv = d
    t = kv + past
    a = {"num_heads": n, "unidirectional": int(r.integers(2)) if kv == s else 0}
    if r.random() < 0.3:
        a["scale"] = 0.3
    if r.random() < 0.3:
        a["mask_filter_value"] = -3.0
    key, value = (f32(r, b, n, kv, d), f32(r, b, n, kv, dv)) if cached else (f32(r, b, kv, h), f32(r, b, kv, n * dv))
    bias = None if cached else maybe(r, lambda: f32(r, 2 * h + n * dv))
    inputs = [f32(r, b, s, h), key, value, bias, maybe(r, lambda: mask_of(r, b, s, t, ["length", "keys", "full", "packed"]))]
    inputs += [maybe(r, lambda: attention_bias(r, b, n, s, t), 0.4)]
    inputs += [f32(r, b, n, past, d), f32(r, b, n, past, d)] if past else [None, None]
    presents = past > 0 or (not cached and r.random() < 0.3)
    outputs = (True, presents, presents, r.random() < 0.3) if presents else (True,)
    return Case("MultiHeadAttention", inputs, a, outputs=outputs)


@generator()
def DecoderMaskedMultiHeadAttention(r):
    beams = pick(r, 1, 1, 2)
    b, n, d = int(r.integers(1, 3)) * beams, int(r.integers(1, 4)), 2 * int(r.integers(1, 4))
    h, longest = n * d, int(r.integers(3, 8))
    a = {"num_heads": n, "output_qk": 0}
    if r.random() < 0.3:
        a["scale"] = 0.4
    if beams == 1 and r.random() < 0.4:
        kv = int(r.integers(1, 5))
        mask = maybe(r, lambda: mask_of(r, b, 1, kv, ["keys"]))
        bias = maybe(r, lambda: np.concatenate([f32(r, h), np.zeros(2 * h, np.float32)]), 0)
        return Case("DecoderMaskedMultiHeadAttention", [f32(r, b, 1, h), f32(r, b, n, kv, d), f32(r, b, n, kv, d), mask] + [None] * 6 + [bias], a)
    a["past_present_share_buffer"] = 1
    past = int(r.integers(0, longest))
    packed = beams == 1 and r.random() < 0
    inputs = [f32(r, b, 1, 3 * h)] + [None, None] if packed else [f32(r, b, 1, h) for _ in range(3)]
    inputs.append(maybe(r, lambda: mask_of(r, b, 1, past + 1, ["keys"])) if beams == 1 else mask_of(r, b, 1, past + 1, ["keys"]))
    inputs.append(maybe(r, lambda: attention_bias(r, b, n, 1, past + 1), 0.3) if beams == 1 else f32(r, 1, n, 1, past + 1))
    inputs += [f32(r, b, n, longest, d), f32(r, b, n, longest, d), np.array([past], np.int32)]
    if beams > 1:
        inputs += [np.array([beams], np.int32), r.integers(0, beams, (b // beams, beams, longest)).astype(np.int32)]
    else:
        inputs += [None, None]
    inputs.append(maybe(r, lambda: f32(r, 3 * h)))
    return Case("DecoderMaskedMultiHeadAttention", inputs, a, outputs=(True, True, True))


@generator()
def QAttention(r):
    b, s, n, d = shape(r, 1, 4, 4)
    h, di = n * d, int(r.integers(1, 7))
    past = int(r.integers(1, 4)) if r.random() < 0.4 else 0
    signed = r.random() < 0.5
    column = r.random() < 0.3
    w = r.integers(-128, 128, (di, 3 * h)).astype(np.int8) if signed else r.integers(0, 256, (di, 3 * h)).astype(np.uint8)
    zero = (lambda *z: r.integers(-9, 9, z).astype(np.int8)) if signed else (lambda *z: r.integers(100, 150, z).astype(np.uint8))
    scale = (r.random(3 * h) * 0.02 + 0.001).astype(np.float32) if column else np.array([r.random() * 0.02 + 0.001], np.float32)[0]
    inputs = [r.integers(0, 256, (b, s, di)).astype(np.uint8), w, f32(r, 3 * h), np.float32(r.random() * 0.03), scale]
    inputs += [maybe(r, lambda: mask_of(r, b, s, s + past, ["length", "ends", "keys", "full"])), np.uint8(r.integers(100, 150))]
    inputs += [zero(3 * h) if column else zero()[()], f32(r, 2, b, n, past, d) if past else None]
    return Case("QAttention", inputs, {"num_heads": n, "unidirectional": int(r.integers(2))}, outputs=(True, True) if past else (True,), constants=(1, 2))


def rotary_caches(r, rows, half, t=np.float32):
    angles = r.random((rows, half)) * 6
    return np.cos(angles).astype(t), np.sin(angles).astype(t)


@generator()
def RotaryEmbedding(r):
    t = pick(r, np.float32, np.float32, np.float16)
    b, s, n = shape(r, 1, 4, 3)
    d = 2 * int(r.integers(1, 5))
    partial = d > 2 and r.random() < 0.3
    half = d // 2 - 1 if partial else d // 2
    a = {"interleaved": int(r.integers(2))}
    four = r.random() < 0.4
    if partial or r.random() < 0.3:
        a |= {"num_heads": n} | ({"rotary_embedding_dim": 2 * half} if partial else {})
    x = r.standard_normal((b, n, s, d) if four else (b, s, n * d)).astype(t)
    ids = r.integers(0, 9, (b, s)) if r.random() < 0.6 else r.integers(0, 4, 1)
    return Case("RotaryEmbedding", [x, ids.astype(np.int64), *rotary_caches(r, 9, half, t)], a)


@generator()
def GroupQueryAttention(r):
    t = pick(r, np.float32, np.float32, np.float16)
    kvn, group, d = int(r.integers(1, 3)), int(r.integers(1, 4)), 8 * int(r.integers(1, 3))
    n, prompt = kvn * group, r.random() < 0.4
    b = int(r.integers(1, 4))
    s = int(r.integers(1, 6)) if prompt or b == 1 else 1
    buffer = int(r.integers(8, 12))
    if prompt:
        totals = np.full(b, s)
    else:
        totals = r.integers(s + 1, buffer + 1, b)
    longest = int(totals.max())
    has_past = not prompt or r.random() < 0.3
    a = {"num_heads": n, "kv_num_heads": kvn}
    if r.random() < 0.3:
        a["scale"] = 0.3
    if r.random() < 0.3:
        a["softcap"] = 2.5
    if r.random() < 0.3:
        a["local_window_size"] = int(r.integers(1, 6))
    sink = False
    if r.random() < 0.3:
        a["smooth_softmax"] = 1
    elif r.random() < 0.3:
        sink = True
    x = lambda *z: r.standard_normal(z).astype(t)
    packed = r.random() < 0.4
    inputs = [x(b, s, (n + 2 * kvn) * d), None, None] if packed else [x(b, s, n * d), x(b, s, kvn * d), x(b, s, kvn * d)]
    inputs += [x(b, kvn, buffer, d), x(b, kvn, buffer, d)] if has_past else [None, None]
    inputs += [(totals - 1).astype(np.int32), np.array([longest], np.int32)]
    if r.random() < 0.5:
        half = pick(r, d // 2, d // 2, 4) if t == np.float32 else d // 2
        a |= {"do_rotary": 1, "rotary_interleaved": int(r.integers(2))}
        inputs += list(rotary_caches(r, 16, half, t))
        ids = maybe(r, lambda: (np.arange(s)[None, :] + (totals - s)[:, None]).astype(np.int64), 0.3)
        inputs.append(ids)
    else:
        inputs += [None, None, None]
    inputs.append(maybe(r, lambda: x(pick(r, 1, b), pick(r, 1, n), s, longest), 0.3))
    inputs.append(x(n) if sink else None)
    qk = pick(r, 0, 0, 0, 1, 2)
    if qk:
        a["qk_output"] = qk
    # Columns behind a row's own length hold whatever was there.
    seen = np.arange(longest)[None, :] < totals[:, None]
    valid = {3: lambda y: np.where(seen[:, None, None, :], y, 0).astype(y.dtype) if y.ndim == 4 and y.shape[3] == longest else y}
    return Case("GroupQueryAttention", inputs, a, valid=valid, outputs=(True, True, True, True) if qk else (True, True, True), limit=0 if t == np.float32 else 5e-3)


@generator()
def SparseAttention(r):
    t = pick(r, np.float32, np.float32, np.float16)
    kvn, group, d, block = int(r.integers(1, 3)), int(r.integers(1, 4)), 16 * int(r.integers(1, 3)), 16
    n, blocks, buffer = kvn * group, int(r.integers(2, 5)), int(r.integers(36, 70))
    prompt, b = r.random() < 0.5, int(r.integers(1, 4))
    # ONNX Runtime takes the first row's positions for all rows of a batch where a later step has several tokens.
    s = int(r.integers(2, min(buffer, blocks * block) + 1)) if prompt else int(r.integers(2, 6)) if b == 1 and r.random() < 0.5 else 1
    totals = np.full(b, s) if prompt else r.integers(s + 1, min(buffer, blocks * block) + 1, b)
    totals[0] = totals.max()  # ONNX Runtime 1.31 writes a row's weights at the place of the longest total length and reads them at that of its own
    sound = int(np.argmin(totals == totals[0])) or b
    layouts = pick(r, *[x for x in range(1, n + 1) if n % x == 0])
    masks = np.tril(r.integers(0, 2, (layouts, blocks, blocks)))
    if r.random() < 0.7:  # as in use: a block always sees itself
        masks |= np.eye(blocks, dtype=masks.dtype)
    rows = np.concatenate([np.zeros((layouts, 1)), masks.sum(2).cumsum(1)], 1).astype(np.int32)
    columns = np.full((layouts, max(1, int(rows.max()))), -1, np.int32)
    for i, m in enumerate(masks):
        columns[i, : m.sum()] = np.nonzero(m)[1]
    a = {"num_heads": n, "kv_num_heads": kvn, "sparse_block_size": block} | ({"scale": 0.3} if r.random() < 0.3 else {})
    x = lambda *z: r.standard_normal(z).astype(t)
    inputs = [x(b, s, (n + 2 * kvn) * d), None, None] if r.random() < 0.4 else [x(b, s, n * d), x(b, s, kvn * d), x(b, s, kvn * d)]
    inputs += [x(b, kvn, buffer, d), x(b, kvn, buffer, d), rows, columns, np.array([totals.max()], np.int32), totals.astype(np.int32)]
    if r.random() < 0.5:
        a |= {"do_rotary": 1, "rotary_interleaved": int(r.integers(2))}
        inputs += list(rotary_caches(r, 70, d // 2, t))
    return Case("SparseAttention", inputs, a, outputs=(True, True, True), shared={1: 3, 2: 4}, valid={0: lambda y: y[:sound]}, limit=0 if t == np.float32 else 5e-3)


# ---- quantized


def qrange(t):
    i = np.iinfo(t)
    return i.min, i.max + 1


def quant(r, t, *s):
    return r.integers(*qrange(t), s).astype(t)


def scale_zero(r, t, low=0.01, high=0.1):
    lo, hi = qrange(t)
    return [np.float32(r.random() * (high - low) + low), np.asarray(r.integers(lo // 2, hi // 2)).astype(t)[()]]


def qbinary(r, op):
    t = pick(r, np.uint8, np.int8)
    s = shape(r)
    other = pick(r, s, s[-1:], (1,) * len(s), ())
    return Case(op, [quant(r, t, *s), *scale_zero(r, t), quant(r, t, *other), *scale_zero(r, t), *scale_zero(r, t, 0.02, 0.2)])


@generator()
def QLinearAdd(r):
    return qbinary(r, "QLinearAdd")


@generator()
def QLinearMul(r):
    return qbinary(r, "QLinearMul")


@generator()
def QLinearLeakyRelu(r):
    t = pick(r, np.uint8, np.int8)
    return Case("QLinearLeakyRelu", [quant(r, t, *shape(r)), *scale_zero(r, t), *scale_zero(r, t)], {"alpha": 0.15}, constants=(1, 2, 3, 4))


@generator()
def QLinearSigmoid(r):
    t = pick(r, np.uint8, np.int8)
    return Case("QLinearSigmoid", [quant(r, t, *shape(r)), *scale_zero(r, t), np.float32(1 / 256), np.asarray(0 if t == np.uint8 else -128).astype(t)[()]])


@generator()
def QLinearSoftmax(r):
    t = pick(r, np.uint8, np.int8)
    s = shape(r, 2, 5)
    opset = pick(r, 11, 13)
    zero = np.asarray(0 if t == np.uint8 else -128).astype(t)[()]
    return Case("QLinearSoftmax", [quant(r, t, *s), *scale_zero(r, t), np.float32(1 / 256), zero], {"opset": opset, "axis": int(r.integers(-len(s), len(s)))})


@generator()
def QLinearWhere(r):
    t = pick(r, np.uint8, np.int8)
    s = shape(r)
    inputs = [r.integers(0, 2, s).astype(bool), quant(r, t, *s), *scale_zero(r, t), quant(r, t, *pick(r, s, (1,) * len(s))), *scale_zero(r, t), *scale_zero(r, t)]
    return Case("QLinearWhere", inputs, constants=(2, 3, 5, 6, 7, 8))


@generator()
def QLinearConcat(r):
    t = pick(r, np.uint8, np.int8)
    s = list(shape(r))
    axis = int(r.integers(len(s)))
    inputs = scale_zero(r, t)
    for _ in range(int(r.integers(1, 4))):
        s[axis] = int(r.integers(1, 4))
        inputs += [quant(r, t, *s), *scale_zero(r, t)]
    return Case("QLinearConcat", inputs, {"axis": axis})


def pool_input(r, t, last):
    n, c, h, w = int(r.integers(1, 3)), int(r.integers(1, 5)), int(r.integers(4, 8)), int(r.integers(4, 8))
    return quant(r, t, n, h, w, c) if last else quant(r, t, n, c, h, w)


@generator()
def QLinearAveragePool(r):
    t, last = pick(r, np.uint8, np.int8), int(r.integers(2))
    k = [int(x) for x in r.integers(1, 4, 2)]
    a = conv_attrs(r, 2, k) | {"channels_last": last, "count_include_pad": int(r.integers(2))}
    a.pop("dilations", None)
    if "pads" in a:
        a["pads"] = [min(p, k[i % 2] - 1) for i, p in enumerate(a["pads"])]
    if r.random() < 0.3:
        a["ceil_mode"] = 1
    return Case("QLinearAveragePool", [pool_input(r, t, last), *scale_zero(r, t), *scale_zero(r, t)], a)


@generator()
def QLinearGlobalAveragePool(r):
    t, last = pick(r, np.uint8, np.int8), int(r.integers(2))
    return Case("QLinearGlobalAveragePool", [pool_input(r, t, last), *scale_zero(r, t), *scale_zero(r, t)], {"channels_last": last})


@generator()
def NhwcMaxPool(r):
    t = pick(r, np.uint8, np.int8)
    k = [int(x) for x in r.integers(1, 4, 2)]
    a = conv_attrs(r, 2, k)
    if "pads" in a:
        a["pads"] = [min(p, k[i % 2] - 1) for i, p in enumerate(a["pads"])]
    return Case("NhwcMaxPool", [pool_input(r, t, True)], a)


@generator()
def QLinearConv(r):
    t, last = pick(r, np.uint8, np.int8), int(r.integers(2))
    wt = np.int8 if t == np.int8 else pick(r, np.uint8, np.int8)
    x = pool_input(r, t, last)
    c, m = x.shape[-1 if last else 1], int(r.integers(1, 5))
    k = [int(v) for v in r.integers(1, 4, 2)]
    ws, wz = scale_zero(r, wt)
    if r.random() < 0.3:
        ws, wz = (r.random(m) * 0.05 + 0.01).astype(np.float32), np.zeros(m, wt)
    inputs = [x, *scale_zero(r, t), quant(r, wt, m, c, *k), ws, wz, np.float32(0.5), scale_zero(r, t)[1], maybe(r, lambda: r.integers(-500, 500, m).astype(np.int32))]
    return Case("QLinearConv", inputs, conv_attrs(r, 2, k) | {"channels_last": last}, constants=(1, 2, 3, 4, 5, 6, 7, 8))


def qmatmul_operands(r, at, bt, batch):
    m, k, n = shape(r, 1, 6, 3)
    return quant(r, at, *batch, m, k), quant(r, bt, k, n), n


@generator()
def MatMulIntegerToFloat(r):
    at = pick(r, np.uint8, np.int8)
    bt = np.int8 if at == np.int8 else pick(r, np.uint8, np.int8)
    a, b, n = qmatmul_operands(r, at, bt, shape(r, rank=int(r.integers(1, 3))))
    column = r.random() < 0.4
    bs = (r.random(n) * 0.1).astype(np.float32) if column else np.float32(0.03)
    bz = maybe(r, lambda: quant(r, bt, n) if column else scale_zero(r, bt)[1])
    az = maybe(r, lambda: scale_zero(r, at)[1])
    return Case("MatMulIntegerToFloat", [a, b, np.float32(0.02), bs, az, bz, maybe(r, lambda: f32(r, n))], constants=(1, 3, 5) if r.random() < 0.5 else ())


@generator()
def DynamicQuantizeMatMul(r):
    bt = pick(r, np.uint8, np.int8)
    _, b, n = qmatmul_operands(r, np.uint8, bt, ())
    a = f32(r, *shape(r, rank=int(r.integers(1, 3))), int(r.integers(1, 5)), b.shape[0])
    column = r.random() < 0.4
    bs = (r.random(n) * 0.1).astype(np.float32) if column else np.array([0.03], np.float32)
    bz = maybe(r, lambda: quant(r, bt, n) if column else np.array([scale_zero(r, bt)[1]]))
    return Case("DynamicQuantizeMatMul", [a, b, bs, bz, maybe(r, lambda: f32(r, n))], constants=(1, 2, 3), limit=1e-4)


@generator()
def QGemm(r):
    at = pick(r, np.uint8, np.int8)
    bt = np.int8 if at == np.int8 else pick(r, np.uint8, np.int8)
    m, k, n = shape(r, 1, 6, 3)
    ta, tb = int(r.integers(2)), int(r.integers(2))
    column = r.random() < 0.4
    bs = (r.random(n) * 0.1 + 0.01).astype(np.float32) if column else np.float32(0.03)
    bz = quant(r, bt, n) if column else scale_zero(r, bt)[1]
    c = maybe(r, lambda: r.integers(-3000, 3000, pick(r, (n,), (m, n), (1, n))).astype(np.int32))
    y = [np.float32(0.3), scale_zero(r, at)[1]] if r.random() < 0.6 else [None, None]
    a, b = quant(r, at, *((k, m) if ta else (m, k))), quant(r, bt, *((n, k) if tb else (k, n)))
    return Case("QGemm", [a, *scale_zero(r, at), b, bs, bz, c, *y], {"transA": ta, "transB": tb, "alpha": float(pick(r, 1, 0.5))})


@generator()
def DynamicQuantizeLSTM(r):
    s, b, i, h = shape(r, 1, 5, 4)
    direction = pick(r, "forward", "reverse", "bidirectional")
    d, t, column = 2 if direction == "bidirectional" else 1, pick(r, np.uint8, np.int8), r.random() < 0.4
    size = (d, 4 * h) if column else (d,)
    scales = lambda: (r.random(size) * 0.01 + 0.002).astype(np.float32)
    # ONNX Runtime also quantizes the state of every step to 8 bits, which the reference does not: a step of 1/128 of the state.
    # It wants one zero point for all columns of a direction where it packs weights; signed ones are zero.
    zeros = lambda: np.zeros(size, t) if t == np.int8 else np.full(size, 128, t)
    inputs = [f32(r, s, b, i), quant(r, t, d, i, 4 * h), quant(r, t, d, h, 4 * h), maybe(r, lambda: f32(r, d, 8 * h))]
    inputs += [maybe(r, lambda: r.integers(1, s + 1, b).astype(np.int32)), maybe(r, lambda: f32(r, d, b, h)), maybe(r, lambda: f32(r, d, b, h))]
    inputs += [maybe(r, lambda: f32(r, d, 3 * h)), scales(), zeros(), scales(), zeros()]
    return Case("DynamicQuantizeLSTM", inputs, {"hidden_size": h, "direction": direction}, outputs=(True, True, True), constants=(1, 2, 8, 9, 10, 11), limit=5e-2)


@generator()
def MatMulNBits(r):
    bits, block = pick(r, 4, 4, 4, 8, 2), pick(r, 16, 32, 64)
    k, n = pick(r, int(r.integers(1, 3)) * block, int(r.integers(1, 2 * block))), int(r.integers(1, 9))
    t = pick(r, np.float32, np.float32, np.float16)
    blocks = -(-k // block)
    a = {"K": k, "N": n, "bits": bits, "block_size": block}
    s = (r.random(n * blocks) * 0.1 + 0.01).astype(t)
    zero = None
    kind = pick(r, "none", "packed", "float")
    if kind == "packed":
        zero = quant(r, np.uint8, n * (-(-blocks * bits // 8)))
    elif kind == "float":
        zero = (r.random(n * blocks) * 2**bits).astype(t)
    shaped = r.random() < 0.5
    if shaped:
        s = s.reshape(n, blocks)
        zero = zero if zero is None else zero.reshape(n, -1)
    # With g_idx ONNX Runtime 1.31 takes packed zero points for 8 and 2-bit data for 4-bit data; its documentation knows no such exception.
    sound = bits == 4 and kind != "packed"
    gidx = maybe(r, lambda: r.integers(0, blocks, k).astype(np.int32), 0.2) if sound else None
    inputs = [r.standard_normal((*shape(r, rank=int(r.integers(1, 3))), k)).astype(t), quant(r, np.uint8, n, blocks, block * bits // 8), s, zero, gidx]
    inputs.append(maybe(r, lambda: r.standard_normal(n).astype(t), 0.3))
    return Case("MatMulNBits", inputs, a, constants=(1, 2, 3, 4, 5), limit=1e-4 if t == np.float32 else 1e-2)


@generator()
def MatMulBnb4(r):
    block = pick(r, 16, 32, 64)
    k, n = block * int(r.integers(1, 3)), int(r.integers(1, 5))
    a = {"K": k, "N": n, "block_size": block, "quant_type": int(r.integers(2))}
    return Case("MatMulBnb4", [f32(r, int(r.integers(1, 4)), k), quant(r, np.uint8, (n * k + 1) // 2), (r.random(-(-n * k // block)) + 0.1).astype(np.float32)], a, constants=(1, 2))


@generator()
def GatherBlockQuantized(r):
    s = list(shape(r, 2, 4, rank=int(r.integers(2, 4))))
    block, bits = pick(r, 16, 32), pick(r, 4, 4, 8)
    s[-1] = pick(r, 16, 32, 40, 64)
    q = len(s) - 1
    g = int(r.integers(len(s) - 1))
    scales = list(s)
    scales[q] = -(-s[q] // block)
    t = pick(r, np.float32, np.float16)
    sc = (r.random(scales) * 0.1 + 0.01).astype(t)
    idx = r.integers(-s[g], s[g], shape(r, 1, 3, rank=int(r.integers(1, 3)))).astype(pick(r, np.int32, np.int64))
    a = {"gather_axis": g, "quantize_axis": q, "block_size": block}
    kind = pick(r, "bytes", "elements")
    if kind == "elements":
        signed = r.random() < 0.5
        lo, hi, et = (-8, 8, TensorProto.INT4) if signed else (0, 16, TensorProto.UINT4)
        data = helper.make_tensor("d", et, s, r.integers(lo, hi, s).flatten().tolist())
        zero = maybe(r, lambda: helper.make_tensor("z", et, scales, r.integers(lo, hi, scales).flatten().tolist()))
        return Case("GatherBlockQuantized", [data, idx, sc, zero], a, constants=(0, 2, 3), opset=21)
    per = 8 // bits
    data = quant(r, np.uint8, *s[:-1], s[-1] // per)
    zero = maybe(r, lambda: quant(r, np.uint8, *scales[:-1], -(-scales[-1] // per)))
    return Case("GatherBlockQuantized", [data, idx, sc, zero], a | {"bits": bits}, constants=(0, 2, 3), opset=21)


def qdq_params(r, t, s):
    kind = pick(r, "tensor", "axis")
    axis = int(r.integers(len(s)))
    n = () if kind == "tensor" else (s[axis],)
    lo, hi = (-8, 8) if t == "int4" else (0, 16) if t == "uint4" else qrange(t)
    return {"axis": axis} if n else {}, (r.random(n) * 0.1 + 0.01).astype(np.float32), r.integers(lo // 2, hi // 2, n), n


@generator()
def QuantizeLinear(r):
    t = pick(r, np.uint8, np.int8, np.uint16, np.int16)
    s = shape(r)
    a, scale, zero, _ = qdq_params(r, t, s)
    return Case("QuantizeLinear", [f32(r, *s, scale=4), scale, zero.astype(t)], a, steps=0)


@generator()
def DequantizeLinear(r):
    t = pick(r, np.uint8, np.int8, np.uint16, np.int16)
    s = shape(r)
    a, scale, zero, _ = qdq_params(r, t, s)
    return Case("DequantizeLinear", [quant(r, t, *s), scale, zero.astype(t)], a)


@generator()
def DequantizeLinear4(r):
    t, s = pick(r, "int4", "uint4"), shape(r)
    a, scale, zero, n = qdq_params(r, t, s)
    et = TensorProto.INT4 if t == "int4" else TensorProto.UINT4
    lo, hi = (-8, 8) if t == "int4" else (0, 16)
    x = helper.make_tensor("x", et, s, r.integers(lo, hi, s).flatten().tolist())
    return Case("DequantizeLinear", [x, scale, helper.make_tensor("z", et, n, zero.flatten().tolist())], a)


# ---- the rest


@generator()
def CDist(r):
    m, k, n = shape(r, 1, 6, 3)
    t = pick(r, np.float32, np.float64)
    return Case("CDist", [r.standard_normal((m, n)).astype(t), r.standard_normal((k, n)).astype(t)], {"metric": pick(r, "sqeuclidean", "euclidean")}, limit=1e-4)


@generator()
def CropAndResize(r):
    n, c, h, w = int(r.integers(1, 3)), int(r.integers(1, 3)), int(r.integers(2, 8)), int(r.integers(2, 8))
    boxes = int(r.integers(1, 4))
    rois = (r.random((boxes, 4)) * 1.4 - 0.2).astype(np.float32)
    a = {"mode": pick(r, "bilinear", "nearest"), "extrapolation_value": 0.5}
    return Case("CropAndResize", [f32(r, n, c, h, w), rois, r.integers(0, n, boxes).astype(np.int32), r.integers(1, 5, 2).astype(np.int32)], a, limit=1e-4)


@generator()
def ConvTransposeWithDynamicPads(r):
    c, m = int(r.integers(1, 4)), int(r.integers(1, 4))
    k = [int(x) for x in r.integers(1, 4, 2)]
    a = {"kernel_shape": k, "strides": [int(x) for x in r.integers(1, 3, 2)]}
    pads = np.array([int(r.integers(0, k[i % 2])) for i in range(4)], np.int64)
    return Case("ConvTransposeWithDynamicPads", [f32(r, 1, c, 5, 6), f32(r, c, m, *k), pads, maybe(r, lambda: f32(r, m))], a)


@generator()
def ExpandDims(r):
    s = shape(r)
    return Case("ExpandDims", [f32(r, *s), np.int32(r.integers(-len(s) - 1, len(s) + 1))], constants=(1,))


@generator()
def Unique(r):
    return Case("Unique", [r.integers(0, 5, int(r.integers(1, 12))).astype(np.float32)], outputs=(True, True, True))


@generator()
def Trilu(r):
    t = pick(r, np.float32, np.float64, np.int64)
    s = shape(r, 1, 5, rank=int(r.integers(2, 5)))
    return Case("Trilu", [(r.standard_normal(s) * 9).astype(t), maybe(r, lambda: np.int64(r.integers(-4, 5)))], {"upper": int(r.integers(2))})


@generator()
def Inverse(r):
    n, t = int(r.integers(1, 5)), pick(r, np.float32, np.float64)
    return Case("Inverse", [(r.standard_normal((*shape(r, 1, 3, rank=1), n, n)) + 3 * np.eye(n)).astype(t)], limit=1e-4)


@generator()
def MurmurHash3(r):
    t = pick(r, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64, object)
    s = shape(r)
    x = np.array(["".join(pick(r, *"abcdefg") for _ in range(int(r.integers(0, 9)))) for _ in range(int(np.prod(s)))], dtype=object).reshape(s)
    if t is not object:
        x = (r.standard_normal(s) * 100).astype(np.float64).clip(0 if t in (np.uint32, np.uint64) else -1e9).astype(t)
    return Case("MurmurHash3", [x], {"positive": int(r.integers(2)), "seed": int(r.integers(0, 50))})


@generator()
def Pad(r):
    s = shape(r)
    mode = pick(r, "constant", "edge", "reflect")
    pads = r.integers(0, 2 if mode != "reflect" else 1, 2 * len(s)).astype(np.int64)
    if r.random() < 0.5:
        pads = pads[None, :]
    return Case("Pad", [f32(r, *s), pads, maybe(r, lambda: np.array([1.5], np.float32))], {"mode": mode})


@generator()
def Range(r):
    t = pick(r, np.int32, np.int64, np.float32, np.float64, np.int16)
    start, limit = r.integers(-5, 5), r.integers(5, 15)
    return Case("Range", [t(start), t(limit), maybe(r, lambda: t(r.integers(1, 4)))])


@generator()
def SampleOp(r):
    return Case("SampleOp", [f32(r, *shape(r))])


@generator()
def BifurcationDetector(r):
    src = r.integers(0, 4, int(r.integers(1, 9))).astype(np.int64)
    cur = r.integers(0, 4, int(r.integers(1, 5))).astype(np.int64)
    prev = int(r.integers(0, len(src)))
    pred = maybe(r, lambda: np.concatenate([src[prev:], [1]]).astype(np.int64))
    if pred is not None and r.random() < 0.7:
        pred[int(r.integers(len(pred)))] = 3
    return Case("BifurcationDetector", [src, cur, np.array([prev], np.int64), pred], outputs=(True, True))


@generator()
def GridSample(r):
    n, c, h, w = shape(r, 1, 5, 4)
    a = {"mode": pick(r, "bilinear", "nearest", "bicubic"), "padding_mode": pick(r, "zeros", "border", "reflection"), "align_corners": int(r.integers(2))}
    return Case("GridSample", [f32(r, n, c, h, w), (r.random((n, 3, 4, 2)) * 2.4 - 1.2).astype(np.float32)], a, limit=1e-4)


@generator()
def GatherND(r):
    s = shape(r, rank=3)
    k = int(r.integers(1, 4))
    idx = np.stack([r.integers(0, s[i], (2, 3)) for i in range(k)], -1).astype(np.int64)
    return Case("GatherND", [f32(r, *s), idx])


@generator()
def MatMulInteger16(r):
    m, k, n = shape(r, 1, 6, 3)
    return Case("MatMulInteger16", [r.integers(-999, 999, (m, k)).astype(np.int16), r.integers(-999, 999, (k, n)).astype(np.int16)])


@generator()
def NGramRepeatBlock(r):
    b, s, v = int(r.integers(1, 4)), int(r.integers(1, 12)), 5
    return Case("NGramRepeatBlock", [r.integers(0, v, (b, s)), f32(r, b, v)], {"ngram_size": int(r.integers(1, 4))})


@generator()
def UnfoldTensor(r):
    s = shape(r, 2, 6)
    dim = int(r.integers(-len(s), len(s)))
    x = pick(r, f32(r, *s), r.integers(-9, 9, s), r.integers(-9, 9, s).astype(np.int32))
    return Case("UnfoldTensor", [x], {"dim": dim, "size": int(r.integers(1, s[dim] + 1)), **({"step": int(r.integers(1, 4))} if r.random() < 0.7 else {})})


@generator()
def DynamicTimeWarping(r):
    s = shape(r, 1, 8, rank=2)
    costs = f32(r, *s) if r.random() < 0.6 else r.integers(-2, 3, s).astype(np.float32)  # the latter with ties
    return Case("DynamicTimeWarping", [costs[None] if r.random() < 0.5 else costs])


@generator()
def ScaledSiLU(r):
    x = f32(r, *shape(r), scale=3).astype(pick(r, np.float32, np.float32, np.float16))
    return Case("ScaledSiLU", [x, maybe(r, lambda: np.array(r.random() * 2, np.float32))], {"alpha": float(r.random() * 2)} if r.random() < 0.5 else {}, floor=0.1)


@generator()
def MoE(r):
    experts, h, inner, n = (int(x) for x in r.integers(1, 6, 4))
    act = pick(r, "relu", "gelu", "silu", "identity", "swiglu")
    attrs = {"k": int(r.integers(1, experts + 1)), "activation_type": act, "normalize_routing_weights": int(r.integers(0, 2))}
    if act == "swiglu":
        attrs |= {"swiglu_fusion": 1, "activation_alpha": pick(r, 1.0, 1.702), "activation_beta": pick(r, 0.0, 1.0), **({"swiglu_limit": 0.5} if r.random() < 0.5 else {})}
    wide = inner * (2 if act == "swiglu" else 1)
    x = f32(r, n, h) if r.random() < 0.5 else f32(r, 1, n, h)
    return Case("MoE", [x, f32(r, n, experts), f32(r, experts, wide, h), maybe(r, lambda: f32(r, experts, wide)), f32(r, experts, h, inner),
                        maybe(r, lambda: f32(r, experts, h))], attrs)


@generator()
def QMoE(r):
    experts, n = (int(x) for x in r.integers(1, 5, 2))
    bits, block = pick(r, 4, 4, 8, 2), pick(r, 0, 16, 32)
    h, inner = 32 * int(r.integers(1, 3)), 32 * int(r.integers(1, 3))
    act = pick(r, "relu", "gelu", "silu", "identity", "swiglu")
    t = pick(r, np.float32, np.float32, np.float16)
    attrs = {"k": int(r.integers(1, experts + 1)), "activation_type": act, "normalize_routing_weights": int(r.integers(0, 2)), "expert_weight_bits": bits}
    if act == "swiglu":
        attrs |= {"swiglu_fusion": 1, "activation_alpha": pick(r, 1.0, 1.702), "activation_beta": pick(r, 0.0, 1.0), **({"swiglu_limit": 0.5} if r.random() < 0.5 else {})}
    if block:
        attrs["block_size"] = block
    wide = inner * (2 if act == "swiglu" else 1)

    def layer(rows, columns):
        blocks = columns // block if block else 1
        scales = (r.random((experts, rows, blocks) if block else (experts, rows)) * 0.05 + 0.01).astype(t)
        zero = quant(r, np.uint8, *((experts, rows, -(-blocks * bits // 8)) if block else (experts, -(-rows * bits // 8))))
        return quant(r, np.uint8, experts, rows, columns * bits // 8), scales, maybe(r, lambda: r.standard_normal((experts, rows)).astype(t)), maybe(r, lambda: zero)

    x = r.standard_normal((n, h) if r.random() < 0.5 else (1, n, h)).astype(t)
    w1, s1, b1, z1 = layer(wide, h)
    w2, s2, b2, z2 = layer(h, inner)
    router = maybe(r, lambda: r.random((n, experts)).astype(t), 0.3)
    inputs = [x, r.standard_normal((n, experts)).astype(t), w1, s1, b1, w2, s2, b2, None, None, None, z1, z2, None, router]
    return Case("QMoE", inputs, attrs, constants=(2, 3, 4, 5, 6, 7, 11, 12), limit=1e-4 if t == np.float32 else 5e-3)
