"""Cases of com.microsoft operators: attention and what belongs to it."""
import numpy as np

from contrib_case import Case, f32, generator, maybe, pick, shape


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
