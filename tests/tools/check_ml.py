#!/usr/bin/env python3
"""Holds the kernels of ai.onnx.ml and of strings against ONNX Runtime: random models of one node, the same inputs, equal outputs.

  check_ml.py BUILD/onnxopt [--cases N] [--seed S] [--op NAME] [--keep FOLDER]

Prints a line an operator: cases that agree, that differ, that only one side runs (with the reasons at --verbose). Exit 1 if any differs, or if an
operator had no case that both ran."""
import argparse, collections, os, shutil, subprocess, sys, tempfile
import numpy as np, onnx, onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh
ort.set_default_logger_severity(4)
ML, SHOW = "ai.onnx.ml", 3
WORDS = ["", "a", "Bee", "cat", "DOG", "élan", "ÉLAN", "straße", "Ωmega", "ωmega", "x y", " lead", "tail ", "a  b", "жук", "ЖУК", "1", "-2.5", "ǅ", "ﬁ"]

class Case:
    """One node, its inputs (name -> value) and their types."""
    def __init__(self, op, inputs, outputs, domain=ML, version=None, **attrs):
        self.op, self.inputs, self.outputs, self.domain, self.version, self.attrs = op, inputs, outputs, domain, version, attrs

def pick(rng, *options): return options[rng.integers(len(options))]
def floats(rng, *shape): return rng.normal(size=shape).astype(np.float32)
def words(rng, *shape): return np.array([WORDS[i] for i in rng.integers(len(WORDS), size=int(np.prod(shape)))], dtype=object).reshape(shape)
def shape2(rng, most=6): return pick(rng, (int(rng.integers(1, most)), int(rng.integers(1, most))), (int(rng.integers(1, most)),))
def numbers(rng, *shape, kinds=("f4", "f8", "i4", "i8")):
    k = pick(rng, *kinds)
    return (rng.normal(size=shape) * 3).astype(k) if k[0] == "f" else rng.integers(-4, 5, shape).astype(k)
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")

def scaler(rng):
    s = pick(rng, shape2(rng), tuple(int(k) for k in rng.integers(1, 5, int(rng.integers(3, 5))))); n = pick(rng, 1, s[1] if len(s) > 1 else s[0])
    return Case("Scaler", {"x": numbers(rng, *s)}, ["f4"], offset=floats(rng, n).tolist(), scale=floats(rng, n).tolist())
def normalizer(rng): return Case("Normalizer", {"x": numbers(rng, *shape2(rng))}, ["f4"], norm=pick(rng, "MAX", "L1", "L2"))
def binarizer(rng): return Case("Binarizer", {"x": floats(rng, *shape2(rng))}, ["f4"], threshold=float(rng.normal()))
def imputer(rng):
    s = shape2(rng); n = s[-1]
    if rng.random() < .5:
        x = floats(rng, *s); missing = pick(rng, float("nan"), 2.0); x[rng.random(s) < .4] = missing
        return Case("Imputer", {"x": x}, ["f4"], imputed_value_floats=floats(rng, pick(rng, 1, n)).tolist(), replaced_value_float=missing)
    return Case("Imputer", {"x": rng.integers(-2, 3, s)}, ["i8"], imputed_value_int64s=rng.integers(5, 9, pick(rng, 1, n)).tolist(), replaced_value_int64=1)
def extractor(rng):
    s = pick(rng, (int(rng.integers(1, 6)),), (2, 5), (2, 3, 4)); k = rng.integers(0, s[-1], int(rng.integers(1, 4)))
    x = pick(rng, numbers(rng, *s), words(rng, *s))
    return Case("ArrayFeatureExtractor", {"x": x, "i": k}, [x.dtype])
def vectorizer(rng):
    rows, xs, kind = int(rng.integers(1, 4)), {}, pick(rng, "f4", "f8", "i4", "i8")
    for i in range(int(rng.integers(1, 4))): xs[f"x{i}"] = numbers(rng, rows, int(rng.integers(1, 4)), kinds=(kind,))
    dims = [x.shape[1] + int(rng.integers(-1, 2)) * (rng.random() < .3) for x in xs.values()]
    return Case("FeatureVectorizer", xs, ["f4"], inputdimensions=[max(d, 1) for d in dims])
def one_hot(rng):
    s, zeros = pick(rng, (4,), (2, 3)), int(rng.random() < .8)
    if rng.random() < .5: return Case("OneHotEncoder", {"x": words(rng, *s)}, ["f4"], cats_strings=WORDS[:12], zeros=zeros)
    return Case("OneHotEncoder", {"x": numbers(rng, *s)}, ["f4"], cats_int64s=[0, 1, 2, -1, 3], zeros=zeros)
def label_encoder(rng):
    kinds = {"strings": ("O", lambda n: words(rng, n).tolist()), "int64s": ("i8", lambda n: rng.integers(-3, 4, n).tolist()),
             "floats": ("f4", lambda n: [pick(rng, 0.5, -1.0, float("nan"), 2.0, -0.0) for _ in range(n)])}
    n, k, v = int(rng.integers(1, 5)), pick(rng, *kinds), pick(rng, *kinds)
    keys = list(dict.fromkeys(kinds[k][1](n)))                       # repeated keys: the text says the last counts, ONNX Runtime the first
    if k == "floats": keys = [x for i, x in enumerate(keys) if not any((x == y) or (x != x and y != y) for y in keys[:i])]
    version = pick(rng, 2, 4)
    if version == 2: keys = [x for x in keys if x == x] or [1.5]    # NaN: the text of version 2 says that it matches, ONNX Runtime does so from 4 on
    s = pick(rng, (5,), (2, 3))
    x = np.array(kinds[k][1](int(np.prod(s))), dtype=kinds[k][0]).reshape(s)
    if version == 4 and rng.random() < .5 and k != "strings":
        t = pick(rng, "f8", "f4") if k == "floats" else "i8"
        values = np.array(kinds[v][1](len(keys)), dtype=kinds[v][0])
        if v == "floats" and rng.random() < .5 and t == "f8": values = values.astype("f8")
        if v != "strings":
            default = {"default_tensor": nh.from_array(np.array([7], dtype=values.dtype))} if rng.random() < .5 or values.dtype == np.float64 else {}
            return Case("LabelEncoder", {"x": x.astype(t)}, [values.dtype], version=4, keys_tensor=nh.from_array(np.array(keys, dtype=t)),
                        values_tensor=nh.from_array(values), **default)
    extra = {"strings": {"default_string": "none"}, "int64s": {"default_int64": -7}, "floats": {"default_float": 7.5}}[v] if rng.random() < .5 else {}
    return Case("LabelEncoder", {"x": x}, [kinds[v][0]], version=version, **{f"keys_{k}": keys, f"values_{v}": kinds[v][1](len(keys))}, **extra)
def label_encoder_1(rng):
    x = pick(rng, words(rng, 4), rng.integers(-1, 9, (2, 3)))
    return Case("LabelEncoder", {"x": x}, ["i8" if x.dtype == object else "O"], version=1, classes_strings=["cat", "a", "DOG", "Bee"], default_int64=-9, default_string="?")
def category_mapper(rng):
    x = pick(rng, words(rng, 6), rng.integers(-1, 9, (2, 3)))
    return Case("CategoryMapper", {"x": x}, ["i8" if x.dtype == object else "O"], cats_strings=["cat", "a", "DOG"], cats_int64s=[3, 1, 7], default_int64=-9)
def linear_classifier(rng):
    rows, n, classes = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(2, 5))
    count = 1 if classes == 2 and rng.random() < .7 else classes
    labels = {"classlabels_ints": list(range(5, 5 + classes))} if rng.random() < .5 else {"classlabels_strings": WORDS[1:1 + classes]}
    t = pick(rng, *TRANSFORMS)
    if count == 1 and t == "PROBIT": t = "NONE"                      # there ONNX Runtime leaves half of its output unwritten
    return Case("LinearClassifier", {"x": numbers(rng, rows, n)}, ["O" if "classlabels_strings" in labels else "i8", "f4"], post_transform=t,
                coefficients=floats(rng, count * n).tolist(), intercepts=floats(rng, count).tolist(), **labels)
def linear_regressor(rng):
    rows, n, targets = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    inter = {"intercepts": floats(rng, targets).tolist()} if rng.random() < .7 else {}
    return Case("LinearRegressor", {"x": numbers(rng, rows, n, kinds=("f4",))}, ["f4"], post_transform=pick(rng, *TRANSFORMS), targets=targets,
                coefficients=floats(rng, targets * n).tolist(), **inter)
def svm_kernel(rng): return {"kernel_type": pick(rng, "LINEAR", "POLY", "RBF", "SIGMOID"), "kernel_params": [0.3, 0.1, float(pick(rng, 2, 3, 4))]}
def svm_regressor(rng):
    rows, n, k = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(0, 5))
    more = {"support_vectors": floats(rng, k * n).tolist(), "n_supports": k} if k else {}
    return Case("SVMRegressor", {"x": floats(rng, rows, n)}, ["f4"], coefficients=floats(rng, k or n).tolist(), rho=[float(rng.normal())],
                one_class=int(rng.random() < .3), **svm_kernel(rng), **more)
def svm_classifier(rng):
    rows, n, classes = int(rng.integers(1, 5)), int(rng.integers(1, 5)), int(rng.integers(2, 5))
    labels = {"classlabels_ints": list(range(5, 5 + classes))} if rng.random() < .5 else {"classlabels_strings": WORDS[1:1 + classes]}
    pairs, t = classes * (classes - 1) // 2, pick(rng, *TRANSFORMS)
    outs = ["O" if "classlabels_strings" in labels else "i8", "f4"]
    positive = np.abs if rng.random() < .3 else (lambda v: v)
    if rng.random() < .3:
        return Case("SVMClassifier", {"x": numbers(rng, rows, n)}, outs, coefficients=positive(floats(rng, classes * n)).tolist(), rho=[float(rng.normal())],
                    post_transform=t, **svm_kernel(rng), **labels)
    per = rng.integers(1, 4, classes); k = int(per.sum())
    probs = {"prob_a": floats(rng, pairs).tolist(), "prob_b": floats(rng, pairs).tolist()} if rng.random() < .5 else {}
    if classes == 2 and not probs and t == "PROBIT": t = "LOGISTIC"  # there ONNX Runtime leaves half of its output unwritten
    return Case("SVMClassifier", {"x": numbers(rng, rows, n)}, outs, coefficients=positive(floats(rng, (classes - 1) * k)).tolist(),
                support_vectors=floats(rng, k * n).tolist(), vectors_per_class=per.tolist(), rho=floats(rng, pairs).tolist(), post_transform=t,
                **svm_kernel(rng), **probs, **labels)

def tokenizer(rng):
    texts = ["", "a b", "a  b;c", "the cat, the dog", "aXXbYc", "é ê;ô", "  lead", "abcde", "1,2;3", "жук ЖУК", ";", "xaab aaa"]
    s = pick(rng, (4,), (2, 3), (1,), (0,), (2, 0)); n = int(np.prod(s))
    x = np.array([pick(rng, *texts) for _ in range(n)], dtype=object).reshape(s)
    by = pick(rng, {"separators": [" "]}, {"separators": [",", "[; ]"]}, {"separators": [""]}, {"separators": ["X*"]}, {"separators": ["a+|$", "^b"]},
              {"tokenexp": "[a-z]+"}, {"tokenexp": "ab|bcde|a+"}, {"tokenexp": "[a-z]*"}, {"tokenexp": "é|."}, {"tokenexp": "^[a-zé ]+"})
    least = 1 if by.get("separators") == [""] else pick(rng, 1, 1, 2, 3)
    return Case("Tokenizer", {"x": x}, ["O"], domain="com.microsoft", mark=pick(rng, 0, 1), mincharnum=least, pad_value=pick(rng, "#", ""), **by)

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
def grow(rng, tree, features, nodes, ends, targets, sign, modes, full, depth=0):
    """Adds a tree in the old form; returns its root's id."""
    me = len([1 for n in nodes if n["treeids"] == tree])
    node = dict(treeids=tree, nodeids=me, featureids=0, modes="LEAF", values=0.0, truenodeids=0, falsenodeids=0, missing_value_tracks_true=0)
    nodes.append(node)
    if depth < 3 and rng.random() < (1 if depth == 0 else .6):
        node.update(featureids=int(rng.integers(features)), modes=pick(rng, *modes), values=float(rng.integers(-2, 3)), missing_value_tracks_true=int(rng.random() < .5))
        node["truenodeids"] = grow(rng, tree, features, nodes, ends, targets, sign, modes, full, depth + 1)
        node["falsenodeids"] = grow(rng, tree, features, nodes, ends, targets, sign, modes, full, depth + 1)
    else:
        for t in rng.choice(targets, len(targets) if full else int(rng.integers(1, len(targets) + 1)), replace=False):
            ends.append((tree, me, int(t), float(sign(rng.normal()))))
    return me
def trees(rng, features, targets, sign, stem, full=False):
    """full: every leaf has a weight for every target. ONNX Runtime writes 0, without its base value, for a target of no reached leaf."""
    nodes, ends, modes = [], [], pick(rng, ("BRANCH_LEQ",), MODES)
    for t in range(int(rng.integers(1, 4))): grow(rng, t, features, nodes, ends, targets, sign, modes, full)
    a = {f"nodes_{k}": [n[k] for n in nodes] for k in nodes[0]}
    if rng.random() < .5: a.pop("nodes_missing_value_tracks_true")
    a.update({f"{stem}_treeids": [e[0] for e in ends], f"{stem}_nodeids": [e[1] for e in ends], f"{stem}_ids": [e[2] for e in ends], f"{stem}_weights": [e[3] for e in ends]})
    return a
def as_tensors(a, stem):
    for k in ("nodes_values", f"{stem}_weights", "base_values"):
        if k in a: a[k + "_as_tensor"] = nh.from_array(np.array(a.pop(k), dtype="f8"))
    return a
def tree_input(rng, rows, features, kinds):
    x = numbers(rng, rows, features, kinds=kinds)
    if x.dtype.kind == "f": x = np.round(x); x[rng.random(x.shape) < .1] = np.nan
    return x
def tree_regressor(rng):
    rows, features, targets = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    base = rng.random() < .5
    a = trees(rng, features, list(range(targets)), lambda v: v, "target", base)
    if base: a["base_values"] = floats(rng, targets).tolist()
    version, kinds = (3, ("f8",)) if rng.random() < .3 else (pick(rng, 1, 3), ("f4",))
    if kinds == ("f8",): a = as_tensors(a, "target")
    return Case("TreeEnsembleRegressor", {"x": tree_input(rng, rows, features, kinds)}, ["f4"], version=version, n_targets=targets,
                aggregate_function=pick(rng, "SUM", "AVERAGE", "MIN", "MAX"), post_transform=pick(rng, *TRANSFORMS), **a)
def tree_classifier(rng):
    rows, features, classes = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(2, 5))
    labels = {"classlabels_int64s": list(range(5, 5 + classes))} if rng.random() < .5 else {"classlabels_strings": WORDS[1:1 + classes]}
    known = list(range(classes)) if classes > 2 or rng.random() < .4 else [pick(rng, 0, 1)]
    # Where both of two classes have leaves ONNX Runtime answers 0 and 1 whatever the integer labels are.
    if classes == len(known) == 2 and "classlabels_int64s" in labels: labels["classlabels_int64s"] = [0, 1]
    base = rng.random() < .5 and known != [1]                        # with those ONNX Runtime leaves out the weights or the base values
    a = trees(rng, features, known, np.abs if rng.random() < .5 else (lambda v: v), "class", base)
    if base: a["base_values"] = floats(rng, len(known)).tolist()
    version, kinds = (3, ("f8",)) if rng.random() < .3 else (pick(rng, 1, 3), ("f4", "i8", "i4"))
    if kinds == ("f8",): a = as_tensors(a, "class")
    t = pick(rng, *TRANSFORMS)
    if t == "PROBIT" and classes == 2 and len(known) == 1: t = "NONE"   # there ONNX Runtime leaves half of its output unwritten
    return Case("TreeEnsembleClassifier", {"x": tree_input(rng, rows, features, kinds)}, ["O" if "classlabels_strings" in labels else "i8", "f4"], version=version,
                post_transform=t, **a, **labels)
def tree_ensemble(rng):
    rows, features, targets, kind = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 4)), pick(rng, "f4", "f8")
    nodes, leaves, members, roots = [], [], [], []
    def leaf(): leaves.append((int(rng.integers(targets)), float(rng.normal()))); return len(leaves) - 1
    def node(depth):
        me = len(nodes); nodes.append(None); mode = int(rng.integers(7))
        sides = []
        for _ in range(2): sides += [(0, node(depth + 1)) if depth < 3 and rng.random() < .5 else (1, leaf())]
        nodes[me] = (int(rng.integers(features)), mode, float(rng.integers(-2, 3)), *sides[0], *sides[1], int(rng.random() < .3))
        return me
    for _ in range(int(rng.integers(1, 4))): roots.append(node(0))
    for n in nodes:
        if n[1] == 6: members += [*map(float, rng.integers(-3, 4, int(rng.integers(1, 4)))), float("nan")]
    more = {"membership_values": nh.from_array(np.array(members, dtype=kind))} if members else {}
    if rng.random() < .5: more["nodes_missing_value_tracks_true"] = [n[7] for n in nodes]
    return Case("TreeEnsemble", {"x": tree_input(rng, rows, features, (kind,))}, [kind], version=5, n_targets=targets, tree_roots=roots,
                nodes_featureids=[n[0] for n in nodes], nodes_modes=nh.from_array(np.array([n[1] for n in nodes], dtype="u1")),
                nodes_splits=nh.from_array(np.array([n[2] for n in nodes], dtype=kind)), nodes_trueleafs=[n[3] for n in nodes],
                nodes_truenodeids=[n[4] for n in nodes], nodes_falseleafs=[n[5] for n in nodes], nodes_falsenodeids=[n[6] for n in nodes],
                leaf_targetids=[l[0] for l in leaves], leaf_weights=nh.from_array(np.array([l[1] for l in leaves], dtype=kind)),
                aggregate_function=int(rng.integers(4)), post_transform=int(rng.integers(5)), **more)
def dict_vectorizer(rng):
    if rng.random() < .5:
        keys = rng.choice(6, 3, replace=False)
        return Case("DictVectorizer", {"x": {int(k): float(rng.normal()) for k in keys}}, ["f4"], int64_vocabulary=[4, 1, 0, 5])
    return Case("DictVectorizer", {"x": {w: float(rng.normal()) for w in rng.choice(["a", "b", "c", "d"], 2, replace=False).tolist()}}, ["f4"], string_vocabulary=["d", "a", "b"])
def cast_map(rng):
    keys = rng.choice(6, 3, replace=False)
    value = lambda: float(np.float32(rng.normal() * 5))             # the Python interface of ONNX Runtime takes no maps to strings
    to = pick(rng, "TO_FLOAT", "TO_STRING", "TO_INT64")
    return Case("CastMap", {"x": {int(k): value() for k in keys}}, [{"TO_FLOAT": "f4", "TO_STRING": "O", "TO_INT64": "i8"}[to]], cast_to=to, map_form=pick(rng, "DENSE", "SPARSE"), max_map=4)
def zip_map(rng):
    n = int(rng.integers(1, 4))
    labels = {"classlabels_int64s": list(range(3, 3 + n))} if rng.random() < .5 else {"classlabels_strings": WORDS[1:1 + n]}
    return Case("ZipMap", {"x": floats(rng, int(rng.integers(1, 4)), n)}, ["map"], **labels)

def string_concat(rng):
    a, b = pick(rng, ((2, 3), (3,)), ((3,), (2, 1)), ((), (2,)), ((2, 0), (1, 1)), ((4,), (4,)))
    return Case("StringConcat", {"a": words(rng, *a), "b": words(rng, *b)}, ["O"], domain="", version=20)
def string_split(rng):
    more = {"maxsplit": int(rng.integers(0, 3))} if rng.random() < .5 else {}
    if rng.random() < .6: more["delimiter"] = pick(rng, " ", "a", "  ", "ж", "")
    x = words(rng, *pick(rng, (3,), (2, 2), (), (0,)))
    # An empty string has one empty part by the operator's text and ONNX's evaluator; ONNX Runtime says none.
    if more.get("delimiter"): x[x == ""] = "y"
    return Case("StringSplit", {"x": x}, ["O", "i8"], domain="", version=20, **more)
def regex(rng):
    pattern = pick(rng, ".*", "[a-z]+", "(?i)[a-zé]*", r"\p{L}+", r"\w+\s?\w*", "", "a|Bee", r"-?\d+(\.\d+)?", "(", ".")
    return Case("RegexFullMatch", {"x": words(rng, *pick(rng, (5,), (2, 3), (0,)))}, ["?"], domain="", version=20, pattern=pattern)
def string_normalizer(rng):
    more = {"stopwords": ["cat", "ÉLAN", "bee", "жук"]} if rng.random() < .7 else {}
    n = int(rng.integers(1, 6))
    return Case("StringNormalizer", {"x": words(rng, *pick(rng, (n,), (1, n)))}, ["O"], domain="", version=10, locale="C.UTF-8",
                is_case_sensitive=int(rng.random() < .5), case_change_action=pick(rng, "LOWER", "UPPER", "NONE"), **more)
def tfidf(rng):
    text, low = rng.random() < .4, int(rng.integers(1, 4)); high = low + int(rng.integers(0, 2))
    alphabet = WORDS[1:5] if text else [1, 2, 3, 4]
    pool, counts, grams = [], [], 0
    for n in range(1, high + 1):
        counts.append(len(pool))
        seen = {tuple(pick(rng, *alphabet) for _ in range(n)) for _ in range(4)}
        for g in sorted(seen): pool += g
        grams += len(seen)
    index = rng.permutation(grams).tolist()
    s = pick(rng, (int(rng.integers(1, 9)),), (2, 6))
    x = np.array([pick(rng, *alphabet) for _ in range(int(np.prod(s)))], dtype=object if text else pick(rng, "i4", "i8")).reshape(s)
    more = {"weights": floats(rng, grams).tolist()} if rng.random() < .6 else {}
    return Case("TfIdfVectorizer", {"x": x}, ["f4"], domain="", version=9, mode=pick(rng, "TF", "IDF", "TFIDF"), min_gram_length=low, max_gram_length=high,
                max_skip_count=int(rng.integers(0, 4)), ngram_counts=counts, ngram_indexes=index, **{"pool_strings" if text else "pool_int64s": pool}, **more)

MAKERS = [scaler, normalizer, binarizer, imputer, extractor, vectorizer, one_hot, label_encoder, label_encoder_1, category_mapper, linear_classifier, linear_regressor,
          svm_regressor, svm_classifier, tree_regressor, tree_classifier, tree_ensemble, dict_vectorizer, cast_map, zip_map, string_concat, string_split, regex,
          string_normalizer, tfidf, tokenizer]

def type_of(v):
    if isinstance(v, dict):
        k, e = next(iter(v.items()))
        value = h.make_tensor_type_proto(T.STRING if isinstance(e, str) else T.FLOAT, [])
        return h.make_map_type_proto(T.STRING if isinstance(k, str) else T.INT64, value)
    return h.make_tensor_type_proto(T.STRING if v.dtype == object else h.np_dtype_to_tensor_dtype(v.dtype), v.shape)

def model_of(c, swap=False):
    """swap: ONNX Runtime takes the numbers of SOFTMAX and LOGISTIC in TreeEnsemble-5 for each other; with them swapped it computes what is meant."""
    attrs = dict(c.attrs)
    if swap and c.op == "TreeEnsemble": attrs["post_transform"] = {1: 2, 2: 1}.get(attrs["post_transform"], attrs["post_transform"])
    outs = []
    for i, o in enumerate(c.outputs):
        if o == "map":
            key = T.INT64 if "classlabels_int64s" in c.attrs else T.STRING
            outs.append(h.make_value_info(f"y{i}", h.make_sequence_type_proto(h.make_map_type_proto(key, h.make_tensor_type_proto(T.FLOAT, [])))))
        else: outs.append(h.make_tensor_value_info(f"y{i}", T.STRING if np.dtype(o) == object else h.np_dtype_to_tensor_dtype(np.dtype(o)), None))
    node = h.make_node(c.op, list(c.inputs), [o.name for o in outs], domain=c.domain, **attrs)
    version = c.version or 1
    imports = [h.make_opsetid("", version if c.domain == "" else 17)] + ([h.make_opsetid(c.domain, version)] if c.domain else [])
    g = h.make_graph([node], "case", [h.make_value_info(k, type_of(v)) for k, v in c.inputs.items()], outs)
    return h.make_model(g, opset_imports=imports, ir_version=9)

def write(path, name, v):
    if isinstance(v, dict):
        p = onnx.MapProto(name=name)
        k, e = next(iter(v.items()))
        p.key_type = T.STRING if isinstance(k, str) else T.INT64
        if isinstance(k, str): p.string_keys.extend(x.encode() for x in v)
        else: p.keys.extend(v)
        p.values.elem_type = onnx.SequenceProto.TENSOR
        for x in v.values(): p.values.tensor_values.append(nh.from_array(np.array(x, dtype=object if isinstance(x, str) else np.float32)))
    else: p = nh.from_array(v, name)
    open(path, "wb").write(p.SerializeToString())

def read_maps(path):
    s = onnx.SequenceProto.FromString(open(path, "rb").read())
    rows = []
    for m in s.map_values:
        keys = [k.decode() for k in m.string_keys] or list(m.keys)
        rows.append({k: float(nh.to_array(t).reshape(())) for k, t in zip(keys, m.values.tensor_values)})
    return rows

def same(mine, theirs, finite_only):
    """finite_only: probit is defined between 0 and 1; what is outside is NaN or an infinity."""
    if isinstance(theirs, list):
        return len(mine) == len(theirs) and all(a.keys() == b.keys() and all(np.isclose(a[k], b[k], equal_nan=True) for k in a) for a, b in zip(mine, theirs))
    if mine.shape != theirs.shape or (mine.dtype == object) != (theirs.dtype == object): return False
    if mine.dtype == object: return [x.decode() if isinstance(x, bytes) else x for x in mine.ravel()] == list(theirs.ravel())
    if mine.dtype != theirs.dtype: return False
    if finite_only: mine, theirs = (np.where(np.isfinite(v), v, np.nan) for v in (mine, theirs))
    return np.allclose(mine, theirs, rtol=2e-4, atol=2e-5, equal_nan=True) if mine.dtype.kind == "f" else bool((mine == theirs).all())

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("onnxopt"); p.add_argument("--cases", type=int, default=40); p.add_argument("--seed", type=int, default=0)
    p.add_argument("--op"); p.add_argument("--keep"); p.add_argument("--verbose", action="store_true")
    o = p.parse_args()
    bad, work = 0, tempfile.mkdtemp()
    for maker in MAKERS:
        if o.op and o.op.lower() not in (maker.__name__, maker.__name__.replace("_", "")): continue
        tally, shown = collections.Counter(), 0
        for n in range(o.cases):
            rng = np.random.default_rng([o.seed, n, MAKERS.index(maker)])
            c = maker(rng); m = model_of(c)
            folder = os.path.join(work, f"{maker.__name__}_{n}"); os.makedirs(folder)
            onnx.save(m, os.path.join(folder, "model.onnx"))
            for i, (k, v) in enumerate(c.inputs.items()): write(os.path.join(folder, f"input_{i}.pb"), k, v)
            try: theirs, why = ort.InferenceSession(model_of(c, swap=True).SerializeToString(), providers=["CPUExecutionProvider"]).run(None, c.inputs), ""
            except Exception as e: theirs, why = None, str(e).splitlines()[0][-160:]
            r = subprocess.run([o.onnxopt, "run", os.path.join(folder, "model.onnx"), "--feed", folder, "--save", os.path.join(folder, "out"), "--format", "pb"], capture_output=True, text=True)
            if r.returncode not in (0, 3): tally["crashed"] += 1; print(r.stderr)
            verdict = ("both refuse" if theirs is None else "only ONNX Runtime") if r.returncode else "only onnxopt" if theirs is None else "agree"
            detail = r.stderr.strip()[-160:] if r.returncode else why
            if verdict == "agree":
                for i, t in enumerate(theirs):
                    f = os.path.join(folder, "out", f"output_{i}.pb")
                    mine = read_maps(f) if isinstance(t, list) else nh.to_array(onnx.load_tensor(f))
                    if not same(mine, t, c.attrs.get("post_transform") in ("PROBIT", 4)):
                        verdict, detail = "differ", f"output {i}:\n  onnxopt {np.array2string(np.array(mine), max_line_width=200)}\n  ORT     {np.array2string(np.array(t), max_line_width=200)}"
                        break
            tally[verdict] += 1
            if verdict in ("differ", "only ONNX Runtime") or (o.verbose and detail):
                shown += 1
                if shown <= SHOW or o.verbose: print(f"{maker.__name__} {n} ({verdict}): {({k: v for k, v in c.attrs.items() if not isinstance(v, onnx.TensorProto)} if verdict != 'agree' else '')!s:.900}\n  {detail}")
            if o.keep and verdict == "differ": shutil.copytree(folder, os.path.join(o.keep, os.path.basename(folder)), dirs_exist_ok=True)
            shutil.rmtree(folder)
        print(f"{maker.__name__:20} " + ", ".join(f"{k} {v}" for k, v in sorted(tally.items())))
        bad += tally["differ"] + tally["only ONNX Runtime"] + tally["crashed"] + (tally["agree"] == 0)
    shutil.rmtree(work)
    return 1 if bad else 0

if __name__ == "__main__": sys.exit(main())
