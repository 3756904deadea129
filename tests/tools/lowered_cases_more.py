"""More of conversion_cases.py: what is chosen by values that are computed, strings, classifiers, sorting."""
import numpy as np
import onnx
from onnx import TensorProto, helper


def f32(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def sequences_by_index(root, write_graph):
    """Elements that are taken, put in and taken out at computed positions; of one shape and of several."""
    node = helper.make_node
    rng = np.random.default_rng(21)
    same = [f32(rng, 2, 3) for _ in range(3)]
    mixed = [f32(rng, 1, 3), f32(rng, 2, 2), f32(rng, 0, 4)]
    for kind, parts in (("same", same), ("mixed", mixed)):
        for i in (-3, 0, 2):
            k = i + 3 if i < 0 else i
            fresh = f32(rng, *parts[1].shape)
            inserted, erased = list(parts), list(parts)
            inserted.insert(k, fresh)
            del erased[k]
            names = ["a", "b", "c"]
            write_graph(root, f"sequence_at_computed_{kind}_{k}_{int(i < 0)}", 11,
                        [node("SequenceConstruct", names, ["s"]), node("SequenceAt", ["s", "i"], ["taken"]), node("SequenceInsert", ["s", "fresh", "i"], ["t"]),
                         node("SequenceErase", ["s", "i"], ["u"]), node("SequenceLength", ["u"], ["n"])]
                        + [node("SequenceAt", ["t", f"k{j}"], [f"t{j}"]) for j in range(4)] + [node("SequenceAt", ["u", f"k{j}"], [f"u{j}"]) for j in range(2)],
                        dict(zip(names, parts), fresh=fresh, i=np.array(i, np.int64)),
                        dict({"taken": parts[k], "n": np.array(2, np.int64)}, **{f"t{j}": v for j, v in enumerate(inserted)},
                             **{f"u{j}": v for j, v in enumerate(erased)}), {f"k{j}": np.array(j, np.int64) for j in range(4)})


def sequence_maps(root, write_graph):
    """SequenceMap over known elements."""
    node = helper.make_node
    rng = np.random.default_rng(22)
    x, y, z = f32(rng, 2, 3), f32(rng, 1, 4), f32(rng, 1)
    info = helper.make_tensor_value_info
    body = helper.make_graph([node("Mul", ["e", "w"], ["p"]), node("Shape", ["e"], ["q"])], "body",
                             [info("e", TensorProto.FLOAT, ["A", "B"]), info("w", TensorProto.FLOAT, [1])],
                             [info("p", TensorProto.FLOAT, ["A", "B"]), info("q", TensorProto.INT64, [2])])
    write_graph(root, "sequence_map_known", 17,
                [node("SequenceConstruct", ["x", "y"], ["s"]), node("SequenceMap", ["s", "z"], ["p", "q"], body=body), node("SequenceAt", ["p", "zero"], ["a"]),
                 node("SequenceAt", ["p", "one"], ["b"]), node("SequenceAt", ["q", "one"], ["c"]), node("SequenceLength", ["q"], ["n"])],
                {"x": x, "y": y, "z": z}, {"a": x * z, "b": y * z, "c": np.array([1, 4], np.int64), "n": np.array(2, np.int64)},
                {"zero": np.array(0, np.int64), "one": np.array(1, np.int64)})


def classifiers(root, write):
    """Classes of three and of two, of which the leaves vote for both, for the second now and then, or for one."""
    x = np.array([[0, 0], [1, 0], [1, -1], [np.nan, 9], [0.6, np.nan]], np.float32)
    shape = dict(nodes_treeids=[0, 0, 0, 0, 0, 7], nodes_nodeids=[0, 1, 2, 3, 4, 0], nodes_featureids=[0, 0, 1, 0, 0, 0],
                 nodes_modes=["BRANCH_LT", "LEAF", "BRANCH_NEQ", "LEAF", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, -1.0, 0.0, 0.0, 0.0],
                 nodes_truenodeids=[1, 0, 3, 0, 0, 0], nodes_falsenodeids=[2, 0, 4, 0, 0, 0], nodes_missing_value_tracks_true=[1, 0, 0, 0, 0, 0])
    leaf = np.array([0, 1, 2, 0, 1])
    logistic = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731

    def case(name, ml, votes, scores, labels, by, **kw):
        trees, ids, classes, weights = zip(*votes)
        names = kw.pop("names", list(range(10, 10 + scores.shape[1])))
        key = "classlabels_strings" if isinstance(names[0], str) else "classlabels_int64s"
        given = np.array([names[i] for i in labels]) if key.endswith("int64s") else np.array([names[i] for i in labels], object)
        write(root, f"treeensembleclassifier_{name}_{ml}", 15, "TreeEnsembleClassifier", [x], [given, scores.astype(np.float32)], ml=ml, class_treeids=trees,
              class_nodeids=ids, class_ids=classes, class_weights=weights, post_transform=by, **{key: names}, **shape, **kw)

    for ml in (1, 3, 5):
        votes = [(0, 1, 0, 0.5), (0, 1, 2, -1.0), (0, 3, 1, 2.0), (0, 4, 2, 0.25), (7, 0, 0, -0.125)]
        s = np.array([[0.5, 0, -1], [0, 2, 0], [0, 0, 0.25]])[leaf] + [-0.125, 0, 0]
        known = np.array([[1, 0, 1], [1, 1, 0], [1, 0, 1]], bool)[leaf]
        best = np.where(known, s, -np.inf).argmax(1)
        case("three", ml, votes, s, best, "NONE")
        case("three_logistic", ml, votes, logistic(s), best, "LOGISTIC", names=["a", "b", "c"])
        e = np.exp(s - s.max(1, keepdims=True))
        case("three_softmax", ml, votes, e / e.sum(1, keepdims=True), best, "SOFTMAX")
        votes = [(0, 1, 1, 0.5), (0, 3, 1, 0.375), (0, 4, 1, 0.75)]
        p = np.array([0.5, 0.375, 0.75])[leaf]
        case("one_of_two", ml, [(t, n, 0, w) for t, n, _, w in votes], np.stack([1 - p, p], 1), (p > 0.5).astype(int), "NONE")
        case("one_of_two_logistic", ml, [(t, n, 0, w) for t, n, _, w in votes], np.stack([logistic(-p), logistic(p)], 1), (p > 0.5).astype(int), "LOGISTIC")
        p = np.array([0.5, -0.375, 0.75])[leaf]
        case("signed", ml, [(t, n, 0, w if n != 3 else -w) for t, n, _, w in votes], np.stack([-p, p], 1), (p > 0).astype(int), "NONE")
        two = np.array([[0.25, 0.5], [1, -0.375], [0.5, 0.75]])[leaf]
        case("both", ml, [(0, n, c, w) for n, row in ((1, (0.25, 0.5)), (3, (1, -0.375)), (4, (0.5, 0.75))) for c, w in enumerate(row)], two,
             (two[:, 1] > 0).astype(int), "NONE", names=["no", "yes"])


def sorting(root, write):
    """Unique and TopK of every kind of number, NaN, infinities and ties among them."""
    rng = np.random.default_rng(23)
    special = np.array([3, np.nan, -np.inf, 0.0, np.inf, 3, np.nan, 0.0, -7.5, np.inf], np.float32)

    def unique(x, axis, in_order):
        lines = x.reshape(-1, 1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        key = lambda r: tuple((1, 0.0) if v != v else (0, v) for v in r.tolist())  # noqa: E731
        first, inverse = {}, []
        for i, row in enumerate(lines):
            inverse.append(key(row))
            first.setdefault(inverse[-1], i)
        order = sorted(first) if in_order else list(first)
        at = np.array([first[k] for k in order], np.int64)
        places = {k: i for i, k in enumerate(order)}
        back = np.array([places[k] for k in inverse], np.int64)
        y = (x.reshape(-1) if axis is None else x).take(at, axis=axis or 0)
        return y, at, back, np.bincount(back, minlength=len(order)).astype(np.int64)

    for name, x, axis in (("special", special, None), ("doubles", special.astype(np.float64), None), ("bytes", rng.integers(0, 4, (3, 4)).astype(np.int8), None),
                          ("long", (rng.integers(-2, 2, (6, 2)) * 2**60).astype(np.int64), 0), ("columns", rng.integers(0, 2, (2, 7)).astype(np.float32), -1),
                          ("middle", rng.integers(0, 2, (2, 5, 2)).astype(np.float32), 1), ("bools", rng.integers(0, 2, 5).astype(bool), None)):
        for in_order in (0, 1):
            kw = {} if axis is None else {"axis": axis}
            if name == "bools":
                out = unique(x.astype(np.int32), None, in_order)
                out = (out[0].astype(bool),) + out[1:]
            else:
                out = unique(x, None if axis is None else axis % x.ndim, in_order)
            write(root, f"unique_{name}_{in_order}", 11, "Unique", [x], list(out), sorted=in_order, **kw)
    k = np.array([3], np.int64)
    for name, x in (("long", (rng.integers(-3, 3, (3, 5)) * 2**60).astype(np.int64)), ("unsigned", rng.integers(0, 2**64, (3, 5), np.uint64)),
                    ("short", rng.integers(-9, 9, (3, 5)).astype(np.int16)), ("floats", f32(rng, 3, 5))):
        for axis in (0, 1):
            for largest in (0, 1):
                wide = [[int(v) if x.dtype.kind != "f" else float(v) for v in row] for row in np.moveaxis(x, axis, -1)]
                order = [sorted(range(len(r)), key=lambda i: (-r[i] if largest else r[i], i))[:3] for r in wide]
                at = np.moveaxis(np.array(order, np.int64), -1, axis)
                write(root, f"topk_{name}_{axis}{largest}", 11, "TopK", [x, k], [np.take_along_axis(x, at, axis), at], axis=axis, largest=largest)


def texts(root, write):
    """Strings that are compared."""
    words = np.array([["cat", "dog", "bird"], ["", "cat", "Dog"]], object)
    for opset, pattern, hits in ((20, "cat|dog", [[1, 1, 0], [0, 1, 0]]), (20, "(?:b[ia]rd|[cC]at)?", [[1, 0, 1], [1, 1, 0]]), (20, r"d.g", None),
                                 (20, r"[A-D]og{1,2}", [[0, 0, 0], [0, 0, 1]])):
        if hits is not None:
            write(root, f"regex_words_{abs(sum(map(ord, pattern)))}", opset, "RegexFullMatch", [words], [np.array(hits, bool)], pattern=pattern)
    other = np.array(["cat", "dog", "Dog"], object)
    same = np.array([[1, 1, 0], [0, 0, 1]], bool)
    write(root, "equal_words", 19, "Equal", [words, other], [same])
    write(root, "equal_words_stored", 19, "Equal", [words, other], [same], constants=(1,))
    line = np.array(["a", "b", "a", "c"], object)
    for stop, left in ((["a"], ["b", "c"]), (["a", "b", "c"], [""]), (["x"], list(line))):
        write(root, f"strnormalizer_stop_{len(left)}{stop[0]}", 10, "StringNormalizer", [line], [np.array(left, object)], is_case_sensitive=1, stopwords=stop)
    ints = np.array([[1, 2, 1, 3], [2, 2, 2, 2]], np.int64)
    for mode, y in (("TF", [[2, 1, 0], [0, 0, 3]]), ("IDF", [[0.5, 2, 0], [0, 0, 4]]), ("TFIDF", [[1, 2, 0], [0, 0, 12]])):
        for x in (ints, ints.astype(np.int32)):
            write(root, f"tfidf_{mode.lower()}_{x.dtype}", 9, "TfIdfVectorizer", [x], [np.array(y, np.float32)], mode=mode, min_gram_length=1, max_gram_length=2,
                  max_skip_count=0, ngram_counts=[0, 1], ngram_indexes=[0, 1, 2], pool_int64s=[1, 1, 3, 2, 2], weights=[0.5, 2.0, 4.0])


def numbers(root, write):
    """Integer powers with wrap and negative exponents, exact remainders, the bits of floats."""
    rng = np.random.default_rng(24)
    a, n = np.array([2, -3, 1, -1, -1, 7, 10, 0], np.int64), np.array([62, 41, -5, -4, -3, 0, 25, 3], np.int64)
    powers = [pow(int(b), int(e)) if e >= 0 else {1: 1, -1: 1 if e % 2 == 0 else -1}[int(b)] for b, e in zip(a, n)]
    wrap = lambda v, bits: (v + 2**(bits - 1)) % 2**bits - 2**(bits - 1)  # noqa: E731
    write(root, "pow_wrapped", 15, "Pow", [a, n], [np.array([wrap(v, 64) for v in powers], np.int64)])
    write(root, "pow_wrapped_32", 13, "Pow", [a.astype(np.int32), n], [np.array([wrap(v, 32) for v in powers], np.int32)])
    bits = rng.integers(0, 2**64, (2, 100), np.uint64).view(np.float64)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1.7976931348623157e308, 5e-324, -5e-324, 1, -7.5])
    x, y = np.concatenate([bits[0], special.repeat(10)]), np.concatenate([bits[1], np.tile(special, 10)])
    with np.errstate(all="ignore"):
        write(root, "fmod_double", 13, "Mod", [x, y], [np.fmod(x, y)], fmod=1)
    for i, f in ((np.uint16, np.float16), (np.int32, np.float32), (np.uint32, np.float32), (np.int64, np.float64), (np.uint64, np.float64)):
        top = np.iinfo(i)
        v = np.concatenate([rng.integers(top.min, top.max, 200, i, endpoint=True), np.array([0, 1, top.max, top.min], i)])
        to = helper.np_dtype_to_tensor_dtype(np.dtype(f))
        write(root, f"bitcast_{np.dtype(i).name}", 26, "BitCast", [v], [v.view(f)], to=to, ir=13)
    for name, text, of in (("diagonal", "iji->j", (f32(rng, 3, 2, 3),)), ("trace", "...ii->...", (f32(rng, 2, 3, 3),)),
                           ("three", "ij,jk,kl->il", (f32(rng, 2, 3), f32(rng, 3, 4), f32(rng, 4, 2))), ("dots", "...ij,...jk", (f32(rng, 2, 2, 3), f32(rng, 2, 3, 4)))):
        write(root, f"einsum_{name}", 12, "Einsum", list(of), [np.einsum(text, *of).astype(np.float32)], equation=text)


def computed_places(root, write):
    """Slices by computed axes and steps, pads by computed amounts in every mode."""
    rng = np.random.default_rng(25)
    x = f32(rng, 5, 6)
    i64 = lambda *v: np.array(v, np.int64)  # noqa: E731
    for name, starts, ends, axes, steps, y in (("steps", (4, -1), (-9, 0), (0, 1), (-2, -1), x[4::-2, -1:0:-1]), ("axes", (1,), (100,), (-1,), (2,), x[:, 1:100:2]),
                                               ("far", (0, -100), (-1, 3), (1, 0), (1, 1), x[-100:3, 0:-1]), ("none", (3,), (1,), (0,), (1,), x[3:1])):
        write(root, f"slice_computed_{name}", 13, "Slice", [x, i64(*starts), i64(*ends), i64(*axes), i64(*steps)], [y])
    for mode in ("edge", "reflect", "wrap"):
        for name, pads in (("wide", (2, 1, 3, 2)), ("cut", (-1, 2, 1, -2))):
            (a, b), (c, d) = (pads[0], pads[2]), (pads[1], pads[3])
            y = np.pad(x, ((max(a, 0), max(b, 0)), (max(c, 0), max(d, 0))), mode=mode)
            y = y[max(-a, 0):y.shape[0] - max(-b, 0), max(-c, 0):y.shape[1] - max(-d, 0)]
            if name == "wide":  # where both cut and copy, what is copied is a matter of order
                write(root, f"pad_computed_{mode}_{name}", 19, "Pad", [x, i64(*pads)], [y], mode=mode)


def regions(root, write):
    """RoiAlign with as many samples as a bin is wide: regions of several sizes, one of none."""
    rng = np.random.default_rng(26)
    x = f32(rng, 2, 2, 9, 11)
    rois = np.array([[0, 0, 9, 8], [1.5, 2, 4, 3.25], [3, 3, 3, 3], [-2, -3, 14, 5], [6, 1, 6.5, 7.75]], np.float32)
    batch = np.array([0, 1, 0, 1, 1], np.int64)

    def sample(image, y, x):
        h, w = image.shape
        if y < -1 or y > h or x < -1 or x > w:
            return [0.0] * 4
        y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
        top, left = int(y), int(x)
        low, right = min(top + 1, h - 1), min(left + 1, w - 1)
        a, b = y - top, x - left
        return [image[top, left] * (1 - a) * (1 - b), image[top, right] * (1 - a) * b, image[low, left] * a * (1 - b), image[low, right] * a * b]

    def align(mode, half):
        out = np.zeros((len(rois), 2, 3, 2), np.float32)
        for r, (x1, y1, x2, y2) in enumerate(rois.astype(float)):
            shift = 0.5 if half else 0.0
            x1, y1, wide, high = x1 - shift, y1 - shift, x2 - x1, y2 - y1
            if not half:
                wide, high = max(wide, 1), max(high, 1)
            rows, columns = int(np.ceil(high / 3)), int(np.ceil(wide / 2))
            for c in range(2):
                for i in range(3):
                    for j in range(2):
                        points = [sample(x[batch[r], c], y1 + high / 3 * (i + (a + 0.5) / rows), x1 + wide / 2 * (j + (b + 0.5) / columns))
                                  for a in range(rows) for b in range(columns)]
                        if points:
                            out[r, c, i, j] = max(map(max, points)) if mode == "max" else sum(map(sum, points)) / len(points)
        return out

    for mode in ("avg", "max"):
        for opset, half in ((10, False), (16, True), (16, False)):
            kw = {} if opset < 16 else {"coordinate_transformation_mode": "half_pixel" if half else "output_half_pixel"}
            write(root, f"roialign_adaptive_{mode}_{opset}_{int(half)}", opset, "RoiAlign", [x, rois, batch], [align(mode, half)], mode=mode, output_height=3,
                  output_width=2, sampling_ratio=0, **kw)


def places(root, write):
    """MaxPool with the places of the largest: dilated, strided, padded, in both orders."""
    rng = np.random.default_rng(28)
    x = rng.permutation(2 * 2 * 7 * 8).reshape(2, 2, 7, 8).astype(np.float32)
    for name, kw in (("plain", {}), ("dilated", {"dilations": [2, 1]}), ("strides", {"strides": [2, 3], "dilations": [1, 2], "pads": [1, 0, 0, 1]}),
                     ("columns", {"dilations": [2, 2], "storage_order": 1})):
        s, d, p = kw.get("strides", [1, 1]), kw.get("dilations", [1, 1]), kw.get("pads", [0, 0, 0, 0])
        sizes = [(x.shape[k + 2] + p[k] + p[k + 2] - d[k] * (1 + k) - 1) // s[k] + 1 for k in range(2)]
        y, at = np.zeros((2, 2, *sizes), np.float32), np.zeros((2, 2, *sizes), np.int64)
        for n, c, i, j in np.ndindex(y.shape):
            inside = [(r, q) for r in (i * s[0] - p[0] + a * d[0] for a in range(2)) if 0 <= r < 7 for q in (j * s[1] - p[1] + b * d[1] for b in range(3)) if 0 <= q < 8]
            r, q = max(inside, key=lambda v: x[n, c, v[0], v[1]])
            y[n, c, i, j] = x[n, c, r, q]
            at[n, c, i, j] = (n * 2 + c) * 56 + (r + q * 7 if kw.get("storage_order") else r * 8 + q)
        write(root, f"maxpool_places_{name}", 8 if name == "plain" else 10, "MaxPool", [x], [y, at], kernel_shape=[2, 3], **kw)


def labels(root, write):
    """LabelEncoder whose keys, values and default are tensors."""
    tensor = lambda v: onnx.numpy_helper.from_array(v)  # noqa: E731
    words = np.array([["b", "a"], ["c", "x"]], object)
    kw = {"keys_strings": ["a", "b", "c"], "values_tensor": tensor(np.array([10, 20, 30], np.int16)), "default_tensor": tensor(np.array([-7], np.int16))}
    write(root, "labelencoder_tensor_words", 15, "LabelEncoder", [words], [np.array([[20, 10], [30, -7]], np.int16)], ml=4, **kw)
    kw = {"keys_tensor": tensor(np.array([5, -1, 3], np.int32)), "values_tensor": tensor(np.array([0.5, 1.5, np.inf])), "default_tensor": tensor(np.array([np.nan]))}
    write(root, "labelencoder_tensor_ints", 15, "LabelEncoder", [np.array([3, 4, 5, -1], np.int32)], [np.array([np.inf, np.nan, 0.5, 1.5])], ml=4, **kw)
    kw = {"keys_tensor": tensor(np.array([0.1, -2.0])), "values_strings": ["low", "high"], "default_string": "?"}
    write(root, "labelencoder_tensor_doubles", 15, "LabelEncoder", [np.array([np.nan, -2, 0.1, np.float32(0.1)])], [np.array(["?", "high", "low", "?"], object)],
          ml=4, **kw)


def labels_without_others(root, write):
    """LabelEncoder of tensors that hold what lists can hold, in models that import ai.onnx.ml alone."""
    tensor = lambda v: onnx.numpy_helper.from_array(v)  # noqa: E731
    kinds = {"words": (np.array(["a", "b"], object), np.array(["b", "?", "a"], object)), "ints": (np.array([2**60, -3]), np.array([-3, 0, 2**60])),
             "floats": (np.array([0.5, -1], np.float32), np.array([-1, 7, 0.5], np.float32))}
    for a, (keys, x) in kinds.items():
        for b, (values, _) in kinds.items():
            otherwise = values[:1] * 3 if b != "words" else np.array(["none"], object)
            y = np.array([values[list(keys).index(v)] if v in keys else otherwise[0] for v in x], values.dtype)
            write(root, f"labelencoder_alone_{a}_{b}", 0, "LabelEncoder", [x], [y], ml=4, keys_tensor=tensor(keys), values_tensor=tensor(values),
                  default_tensor=tensor(otherwise), ir=8)


def transforms(root, write):
    """DFT whose axis is stored: what opsets 17 to 19 have as an attribute."""
    x = f32(np.random.default_rng(29), 2, 6, 5, 2)
    for axis in (1, -2):
        y = np.fft.fft(x[..., 0] + 1j * x[..., 1], axis=axis if axis > 0 else axis + 1)
        write(root, f"dft_stored_axis_{axis % 4}", 20, "DFT", [x, None, np.array(axis, np.int64)], [np.stack([y.real, y.imag], -1).astype(np.float32)], constants=(2,))


def scans_of_lengths(root, write_graph):
    """Scan of opset 8 whose sequences are of several lengths; what lies behind them is zero."""
    rng = np.random.default_rng(27)
    info = helper.make_tensor_value_info
    body = helper.make_graph([helper.make_node("Add", ["s", "e"], ["t"]), helper.make_node("Neg", ["t"], ["z"])], "body",
                             [info("s", TensorProto.FLOAT, [2]), info("e", TensorProto.FLOAT, [2])], [info("t", TensorProto.FLOAT, [2]), info("z", TensorProto.FLOAT, [2])])
    s, x, n = f32(rng, 3, 2), f32(rng, 3, 4, 2), np.array([4, 1, 3], np.int64)
    y, ys = s.copy(), np.zeros((3, 4, 2), np.float32)
    for b in range(3):
        for k in range(n[b]):
            y[b] = y[b] + x[b, k]
            ys[b, k] = -y[b]
    write_graph(root, "scan_8_lengths", 8, [helper.make_node("Scan", ["n", "s", "x"], ["y", "ys"], num_scan_inputs=1, body=body)],
                {"n": n, "s": s, "x": x}, {"y": y, "ys": ys}, {})


def masks(root, write):
    """Attention whose mask is of another type than the query: cast to that, then added."""
    rng = np.random.default_rng(31)
    q, k, v = f32(rng, 2, 2, 3, 4), f32(rng, 2, 2, 5, 4), f32(rng, 2, 2, 5, 4)
    for kind in (np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64, np.float16, np.float64):
        m = rng.integers(0, 4, (3, 5)).astype(kind)
        m[1, 2] = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else -np.inf
        for causal in (0, 1):
            scores = q.astype(np.float64) @ k.astype(np.float64).transpose(0, 1, 3, 2) / 2 + m.astype(np.float32)
            scores = np.where(np.tri(3, 5), scores, -np.inf) if causal else scores
            p = np.exp(scores - scores.max(-1, keepdims=True))
            y = (p / p.sum(-1, keepdims=True)) @ v
            write(root, f"attention_mask_{np.dtype(kind).name}_{causal}", 23, "Attention", [q, k, v, m], [y.astype(np.float32)], is_causal=causal)


def quantized(root, write):
    """Products of integers, brought to the result's scale by one multiplier in float, as runtimes do; another order gives other values in some places."""
    rng = np.random.default_rng(33)
    one = np.float32

    def rounded(v, zero):
        return np.clip(np.rint(v) + zero, 0, 255).astype(np.uint8)

    def result(sums, a, b, zero):
        """The scale of the result and the result; the scale puts one of the sums between two steps, where the order decides."""
        for s in np.unique(np.abs(sums))[::-1]:
            y = one(a * b * one(2 * s / 81))
            r = rounded(sums.astype(one) * (a * b / y), zero)
            if (r != rounded(sums.astype(one) * (a * b) / y, zero)).any():
                return np.array(y), r
        raise AssertionError("no case that tells")

    a, b = one(0.0625), one(0.03125 * 1.1)
    x, w = rng.integers(0, 256, (400, 24)).astype(np.uint8), rng.integers(-128, 128, (24, 30)).astype(np.int8)
    sums = (x.astype(int) - 120) @ w.astype(int)
    z = [np.array(120, np.uint8), np.array(0, np.int8), np.array(128, np.uint8)]
    y, r = result(sums, a, b, 128)
    write(root, "qlinearmatmul_between", 10, "QLinearMatMul", [x, np.array(a), z[0], w, np.array(b), z[1], y, z[2]], [r])
    for channels in (20, 64, 600):  # 180, 576, 5400 products a sum: one, two and three digits
        x, w = rng.integers(0, 256, (1, channels, 9, 9)).astype(np.uint8), rng.integers(0, 256, (40, channels, 3, 3)).astype(np.uint8)
        sides = np.lib.stride_tricks.sliding_window_view(x.astype(np.int64) - 120, (3, 3), axis=(2, 3))
        sums = np.einsum("nchwij,ocij->nohw", sides, w.astype(np.int64) - 3)
        bias = rng.integers(-500, 500, 40).astype(np.int32)
        write(root, f"convinteger_{channels}", 10, "ConvInteger", [x, w, z[0], np.array(3, np.uint8)], [sums.astype(np.int32)])
        y, r = result(sums + bias.reshape(1, -1, 1, 1), a, b, 128)
        write(root, f"qlinearconv_between_{channels}", 10, "QLinearConv",
              [x, np.array(a), z[0], w, np.full(40, b), np.full(40, 3, np.uint8), y, z[2], bias], [r])


def zeros_in_shapes(root, write_graph):
    """Reshape whose zeros are sizes: of strings, and to a computed shape of any length."""
    words, rng = np.array(["b", "a", "c", "d"], object), np.random.default_rng(35)
    reshape = helper.make_node("Reshape", ["x", "s"], ["y"], allowzero=1)
    chosen = [helper.make_node("Compress", ["all", "keep"], ["s"], axis=0), reshape]
    for name, to in (("full", [2, 2]), ("none", [0, 3, 0]), ("one", [4, 0])):
        x = words if name == "full" else words[:0]
        to = np.array(to, np.int64)
        write_graph(root, f"reshape_zeros_strings_{name}", 14, [reshape], {"x": x, "s": to}, {"y": x.reshape(to)}, {})
    for name, to in (("full", [3, 4]), ("scalar", []), ("none", [0, 5, 0, 2]), ("one", [0]), ("rest", [2, -1])):
        to = np.array(to, np.int64)
        x = f32(rng, 0, 3) if 0 in to else f32(rng, 1) if to.size == 0 else f32(rng, 2, 6)
        keep = np.arange(5) < to.size
        sizes = np.concatenate([to, np.full(5 - to.size, 7)])
        write_graph(root, f"reshape_zeros_length_{name}", 14, chosen, {"x": x, "all": sizes, "keep": keep}, {"y": x.reshape(to)}, {})


def axes_of_unknown_number(root, write_graph):
    """Unsqueeze, Squeeze and Pad whose axes are as many as a mask leaves; of inputs of known rank, and of what a mask makes too."""
    rng = np.random.default_rng(37)
    chosen = helper.make_node("Compress", ["all", "keep"], ["a"], axis=0)
    reshaped = helper.make_node("Compress", ["dims", "few"], ["s"], axis=0), helper.make_node("Reshape", ["w", "s"], ["x"])

    def masked(axes, otherwise):
        axes = np.array(axes, np.int64)
        return {"all": np.concatenate([axes, np.full(5 - axes.size, otherwise)]), "keep": np.arange(5) < axes.size}

    for name, x, axes in (("two", f32(rng, 3, 4), [3, 0]), ("none", f32(rng, 3, 4), []), ("scalar", np.array(2.5, np.float32), [-1, 1, 0]),
                          ("empty", f32(rng, 0, 3), [-4, 2])):
        y = np.expand_dims(x, tuple(axes))
        write_graph(root, f"unsqueeze_number_{name}", 13, [chosen, helper.make_node("Unsqueeze", ["x", "a"], ["y"])], {"x": x, **masked(axes, 9)}, {"y": y}, {})
        shape = {"w": x, "dims": np.concatenate([np.array(x.shape, np.int64), np.full(4 - x.ndim, 7)]), "few": np.arange(4) < x.ndim}
        if name != "empty":
            write_graph(root, f"unsqueeze_number_rank_{name}", 13, [*reshaped, chosen, helper.make_node("Unsqueeze", ["x", "a"], ["y"])],
                        {**shape, **masked(axes, 9)}, {"y": y}, {})
    for name, x, axes in (("two", f32(rng, 1, 3, 1), [0, -1]), ("none", f32(rng, 1, 3), []), ("all", f32(rng, 1, 1), [1, 0]), ("empty", f32(rng, 0, 1, 3), [1])):
        y = np.squeeze(x, tuple(axes))
        write_graph(root, f"squeeze_number_{name}", 13, [chosen, helper.make_node("Squeeze", ["x", "a"], ["y"])], {"x": x, **masked(axes, 9)}, {"y": y}, {})
        shape = {"w": x, "dims": np.concatenate([np.array(x.shape, np.int64), np.full(4 - x.ndim, 7)]), "few": np.arange(4) < x.ndim}
        if name != "empty":
            write_graph(root, f"squeeze_number_rank_{name}", 13, [*reshaped, chosen, helper.make_node("Squeeze", ["x", "a"], ["y"])],
                        {**shape, **masked(axes, 9)}, {"y": y}, {})
    for name, axes, starts, ends, steps in (("axes", [2, 0], [1, -2], [-1, 9], None), ("plain", None, [1, 0], [9, 2], None), ("steps", [-1, 1], [-1, 0], [-9, 5], [-2, 2]),
                                            ("none", [], [], [], None)):
        x = f32(rng, 3, 4, 5)
        cut = [slice(None)] * 3
        for k, axis in enumerate(range(len(starts)) if axes is None else axes):
            cut[axis] = slice(starts[k], None if ends[k] == -9 else ends[k], steps[k] if steps else None)
        given = {"st": starts, "en": ends, "ax": axes, "sp": steps}
        given = {n: masked(v, 0)["all"] for n, v in given.items() if v is not None}
        nodes = [helper.make_node("Compress", [n, "keep"], [n + "_"], axis=0) for n in given]
        inputs = ["x", "st_", "en_"] + (["ax_" if axes is not None else "", "sp_"] if steps else ["ax_"] if axes is not None else [])
        write_graph(root, f"slice_number_{name}", 10, nodes + [helper.make_node("Slice", inputs, ["y"])],
                    {"x": x, **given, "keep": np.arange(5) < len(starts)}, {"y": x[tuple(cut)]}, {})
    for name, mode, axes, pads in (("two", "constant", [-1, 0], [1, 2, 0, 3]), ("one", "reflect", [1], [2, 1]), ("none", "edge", [], [])):
        x = f32(rng, 3, 4)
        widths = [(0, 0), (0, 0)]
        for k, axis in enumerate(axes):
            widths[axis] = (pads[k], pads[len(axes) + k])
        y = np.pad(x, widths, mode) if mode != "constant" else np.pad(x, widths, constant_values=np.float32(0.5))
        nodes = [chosen, helper.make_node("Compress", ["p", "some"], ["q"], axis=0), helper.make_node("Pad", ["x", "q", "v", "a"], ["y"], mode=mode)]
        p = np.array(pads + [0] * (6 - len(pads)), np.int64)
        write_graph(root, f"pad_number_{name}", 18, nodes, {"x": x, **masked(axes, 9), "p": p, "some": np.arange(6) < len(pads)}, {"y": y},
                    {"v": np.array(0.5, np.float32)})


def trees_in_double(root, write):
    """TreeEnsemble whose thresholds differ from features behind the digits of float, and whose weights have all digits of double."""
    rng = np.random.default_rng(39)
    depth, trees = 3, 5
    splits = rng.standard_normal(trees * 7)
    x = np.concatenate([rng.choice(splits, (30, 4)) + rng.choice([-1e-12, 0, 1e-12], (30, 4)), np.full((1, 4), np.nan), np.full((1, 4), np.inf)])
    features, modes, missing = rng.integers(0, 4, trees * 7), rng.integers(0, 7, trees * 7), rng.integers(0, 2, trees * 7)
    weights, sets = rng.standard_normal(trees * 8), {}
    for i in np.flatnonzero(modes == 6):
        sets[i] = list(rng.choice(splits, 3, replace=False))
    members = [v for i in sorted(sets) for v in sets[i] + [np.nan]]
    yes, no = np.zeros(trees * 7, int), np.zeros(trees * 7, int)
    for i in range(trees * 7):
        tree, at = divmod(i, 7)
        yes[i], no[i] = (tree * 7 + 2 * at + k if at < 3 else tree * 8 + 2 * (at - 3) + k - 1 for k in (1, 2))

    def asks(i, v):
        if np.isnan(v) and missing[i]:
            return True
        if modes[i] == 6:
            return v in sets[i]
        return bool([np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal][modes[i]](v, splits[i]))

    def leaf(tree, row):
        i = tree * 7
        for _ in range(depth):
            i = (yes if asks(i, row[features[i]]) else no)[i]
        return i

    ends = np.array([[leaf(t, row) for t in range(trees)] for row in x])
    flat = np.tile([0, 0, 0, 1, 1, 1, 1], trees)

    def tensor(kind, values):
        return helper.make_tensor("", kind, [len(values)], values)

    for name, way, of, targets in (("mean", 0, np.mean, 1), ("sum", 1, np.sum, 1), ("min", 2, np.min, 1), ("max", 3, np.max, 1), ("targets", 1, np.sum, 3)):
        of_leaf = rng.integers(0, targets, trees * 8)
        y = np.stack([of(np.where(of_leaf[ends] == t, weights[ends], 0), axis=1) for t in range(targets)], 1)
        write(root, f"treeensemble_double_{name}", 25, "TreeEnsemble", [x], [y], ml=5, n_targets=targets, aggregate_function=way, tree_roots=[t * 7 for t in range(trees)],
              nodes_featureids=features.tolist(), nodes_modes=tensor(TensorProto.UINT8, modes.tolist()), nodes_splits=tensor(TensorProto.DOUBLE, splits.tolist()),
              membership_values=tensor(TensorProto.DOUBLE, members), nodes_truenodeids=yes.tolist(), nodes_falsenodeids=no.tolist(), nodes_trueleafs=flat.tolist(),
              nodes_falseleafs=flat.tolist(), nodes_missing_value_tracks_true=missing.tolist(), leaf_targetids=of_leaf.tolist(),
              leaf_weights=tensor(TensorProto.DOUBLE, weights.tolist()))


def write_all(root, write, write_graph):
    trees_in_double(root, write)
    axes_of_unknown_number(root, write_graph)
    zeros_in_shapes(root, write_graph)
    masks(root, write)
    quantized(root, write)
    scans_of_lengths(root, write_graph)
    regions(root, write)
    places(root, write)
    transforms(root, write)
    labels(root, write)
    labels_without_others(root, write)
    sequences_by_index(root, write_graph)
    sequence_maps(root, write_graph)
    for make in (classifiers, sorting, texts, numbers, computed_places):
        make(root, write)
