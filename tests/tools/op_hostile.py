"""Hostile one-node models for fuzz_ops.py --hostile: any operator of the schema registry with inputs of any allowed type, random ranks, and attributes at
the ends of their types or out of every range. Most are invalid: what counts is that each is computed right or refused with a clear error."""
import math
import random

import numpy as np
import onnx
from onnx import helper, numpy_helper

INTS = [0, 1, -1, 2, 3, -2, 7, 8, 16, 100, 2**31 - 1, -2**31, 2**32, 2**62, 2**63 - 1, -2**63]
SMALL = [0, 1, 1, 2, 2, 3, -1, 4]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, 1e-30, 1e30, -1e38, float("inf"), float("-inf"), float("nan")]
WORDS = ["", "a", "constant", "reflect", "linear", "nearest", "cubic", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "LEFT", "add", "none", "DCR", "sum", "mean",
         "half_pixel", "asymmetric", "ij,jk->ik", "...i,i->", "forward", "bidirectional", "Tanh", "MAX", "L2", "SOFTMAX", "BRANCH_LEQ", "LEAF", "[", "(" * 40, "\u00ff"]
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(bool)": bool, "tensor(string)": object,
          **{f"tensor({t})": np.dtype(t) for t in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}}
SKIPPED = {"If", "Loop", "Scan", "SequenceMap", "FlexAttention", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli",
           "Gradient", "Adam", "Adagrad", "Momentum",
           "Dropout"}  # random or with graphs


def schemas():
    newest = {}
    for s in onnx.defs.get_all_schemas():
        if s.domain in ("", "ai.onnx.ml") and not s.deprecated and s.name not in SKIPPED:
            newest[s.domain, s.name] = max(newest.get((s.domain, s.name), s), s, key=lambda x: x.since_version)
    return [newest[k] for k in sorted(newest)]


def array(r, dtype):
    shape = [r.choice([0, 1, 1, 2, 2, 3, 3, 4, 5]) if r.random() < 0.3 else r.choice([1, 2, 3]) for _ in range(r.choice([0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]))]
    n = math.prod(shape)
    if dtype is object:
        return np.array([r.choice(WORDS[:8]) for _ in range(n)], object).reshape(shape)
    d = np.dtype(dtype)
    if d.kind == "b":
        return np.array([r.random() < 0.5 for _ in range(n)], bool).reshape(shape)
    if d.kind == "f":
        return np.array([r.choice(FLOATS) if r.random() < 0.1 else r.uniform(-4, 4) for _ in range(n)]).astype(d).reshape(shape)
    info, wild = np.iinfo(d), r.random() < 0.4
    return np.array([min(max(r.choice(INTS if wild else SMALL), info.min), info.max) for _ in range(n)], d).reshape(shape)


def attribute(r, a):
    t = onnx.defs.OpSchema.AttrType
    wild = r.random() < 0.4
    number = lambda: r.choice(INTS if wild else SMALL)
    many = lambda f: [f() for _ in range(r.choice([0, 1, 2, 2, 3, 4, 6]))]
    if a.type == t.INT:
        return number()
    if a.type == t.FLOAT:
        return float(np.float32(min(max(r.choice(FLOATS), -3e38), 3e38))) if wild else r.choice([0.0, 0.5, 1.0, 2.0])
    if a.type == t.STRING:
        return a.default_value.s if a.default_value.s and r.random() < 0.5 else r.choice(WORDS)
    if a.type == t.INTS:
        return many(number)
    if a.type == t.FLOATS:
        return many(lambda: r.choice(FLOATS))
    if a.type == t.STRINGS:
        return many(lambda: r.choice(WORDS))
    if a.type == t.TENSOR:
        return numpy_helper.from_array(array(r, r.choice([np.float32, np.int64, np.float64, np.int32])), "t")
    return None


def build_hostile(schema, seed):
    """A model and its inputs, or None."""
    r = random.Random(seed)
    allowed = {c.type_param_str: [t for t in c.allowed_type_strs if t in DTYPES] for c in schema.type_constraints}
    chosen = {k: r.choice(v) for k, v in allowed.items() if v}
    names, given = [], []
    declared = list(schema.inputs)
    if declared and declared[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic:
        declared = declared[:-1] + [declared[-1]] * r.randint(0, 3)
    for i, formal in enumerate(declared):
        optional = formal.option == onnx.defs.OpSchema.FormalParameterOption.Optional
        t = chosen.get(formal.type_str, formal.type_str)
        if (optional and r.random() < 0.5) or t not in DTYPES:
            names.append("")
            continue
        names.append(f"i{i}")
        given.append((f"i{i}", array(r, DTYPES[t])))
    while names and not names[-1]:
        names.pop()
    attrs = {}
    for n, a in schema.attributes.items():
        if r.random() < (0.95 if a.required else 0.5) and (v := attribute(r, a)) is not None:
            attrs[n] = v
    if schema.name == "Constant":
        attrs = dict([r.choice(list(attrs.items()))]) if attrs else {}
    outs = [f"o{k}" for k in range(r.randint(max(schema.min_output, 1), min(schema.max_output, 4)))]
    typed = {"INT": onnx.AttributeProto.INT, "INTS": onnx.AttributeProto.INTS, "FLOAT": onnx.AttributeProto.FLOAT, "FLOATS": onnx.AttributeProto.FLOATS,
             "STRING": onnx.AttributeProto.STRING, "STRINGS": onnx.AttributeProto.STRINGS, "TENSOR": onnx.AttributeProto.TENSOR}
    node = onnx.NodeProto(op_type=schema.name, domain=schema.domain, input=names, output=outs)
    for n, v in attrs.items():
        node.attribute.append(helper.make_attribute(n, v, attr_type=typed[schema.attributes[n].type.name]))
    element = lambda x: onnx.TensorProto.STRING if x.dtype == object else helper.np_dtype_to_tensor_dtype(x.dtype)
    loose = r.random() < 0.4
    fixed = [(n, x) for n, x in given[1:] if r.random() < 0.5]
    kept = [(n, x) for n, x in given if not any(n == f for f, _ in fixed)]
    inputs = [helper.make_tensor_value_info(n, element(x), None if loose else list(x.shape)) for n, x in kept]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=o) for o in outs], [numpy_helper.from_array(x, n) for n, x in fixed])
    imports = [helper.make_opsetid("", max(schema.since_version, 21) if schema.domain == "" else 21)]
    if schema.domain:
        imports.append(helper.make_opsetid(schema.domain, schema.since_version))
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    try:
        model = onnx.shape_inference.infer_shapes(model)
    except Exception:  # contradicts itself
        pass
    return model, kept
