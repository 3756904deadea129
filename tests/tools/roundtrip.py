#!/usr/bin/env python3
"""Reads and writes every given model with io_roundtrip and compares the files, message by message, with the onnx package.

  roundtrip.py IO_ROUNDTRIP PATH... [--refused N]     PATH: .onnx files or folders; exit 1 on any difference

What may differ, and is therefore brought to one form on both sides: how tensor data is stored (raw, typed fields, external), empty strings against
absent ones, the order of value_info, value_info that names nothing or repeats an input or output, the order of unsorted nodes, and "ai.onnx" for "".
"""
import argparse
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import numpy_helper


def tensor_form(t):
    if t.data_type == onnx.TensorProto.STRING:
        data = tuple(t.string_data)
    elif t.HasField("raw_data"):
        data = t.raw_data
    else:
        a = numpy_helper.to_array(t)
        packed = numpy_helper.from_array(a, "")
        data = packed.raw_data if packed.data_type == t.data_type else np.ascontiguousarray(a).tobytes()
    return ("tensor", t.name, t.data_type, tuple(t.dims), data, t.doc_string, props(t.metadata_props))


def props(entries):
    return tuple((e.key, e.value) for e in entries)


def plain(v):
    if isinstance(v, Message):
        return form(v)
    return struct.pack("<d", v) if isinstance(v, float) else v  # bits, so that NaN equals itself


def form(m, skip=()):
    """A message as nested tuples: (field, value) for what is set and not empty."""
    if isinstance(m, onnx.TensorProto):
        return tensor_form(m)
    if isinstance(m, onnx.GraphProto):
        return graph_form(m)
    if isinstance(m, onnx.AttributeProto) and m.type == 0:
        m = typed_attribute(m)
    out = []
    for field, value in m.ListFields():
        if field.name in skip:
            continue
        many = not isinstance(value, (Message, str, bytes, int, float))
        items = [plain(v) for v in (value if many else [value])]
        if field.name == "domain" and items == ["ai.onnx"]:
            items = [""]
        if not many and items[0] in ("", b""):
            if not (isinstance(m, onnx.TensorShapeProto.Dimension)):
                continue
        out.append((field.name, tuple(items)))
    return tuple(out)


def typed_attribute(a):
    kinds = {"f": 1, "i": 2, "s": 3, "t": 4, "g": 5, "floats": 6, "ints": 7, "strings": 8, "tensors": 9, "graphs": 10}
    a = type(a).FromString(a.SerializeToString())
    for field, _ in a.ListFields():
        if field.name in kinds:
            a.type = kinds[field.name]
    return a


def value_infos(infos, known, public):
    keep = [form(v) for v in infos if v.name in known and v.name not in public and len(v.ListFields()) > 1]
    return tuple(sorted(keep, key=repr))


def graph_form(g):
    known = {o for n in g.node for o in n.output if o} | {t.name for t in g.initializer} | {t.values.name for t in g.sparse_initializer}
    public = {v.name for v in list(g.input) + list(g.output)}
    nodes = [form(n) for n in g.node]
    made = {v.name for v in g.input} | (known - {o for n in g.node for o in n.output})
    ordered = True
    for n in g.node:
        ordered &= all(i in made or i not in known for i in n.input)
        made |= set(n.output)
    return (
        ("node", tuple(nodes if ordered else sorted(nodes, key=repr)), ordered),
        ("value_info", value_infos(g.value_info, known, public)),
        ("annotation", tuple(sorted((form(a) for a in g.quantization_annotation), key=repr))),
        form_rest(g, ("node", "value_info", "quantization_annotation")),
    )


def form_rest(m, skip):
    out = []
    for field, value in m.ListFields():
        if field.name in skip:
            continue
        many = not isinstance(value, (Message, str, bytes, int, float))
        items = [plain(v) for v in (value if many else [value])]
        if many or items[0] != "":
            out.append((field.name, tuple(items)))
    return tuple(out)


def function_form(f):
    return (form(f, skip=("value_info",)), tuple(sorted((form(v) for v in f.value_info), key=repr)))


def model_form(m):
    return (form(m, skip=("graph", "functions")), graph_form(m.graph), tuple(function_form(f) for f in m.functions))


def first_difference(a, b, path=""):
    if type(a) is not type(b):
        return f"{path}: {str(a)[:200]} | {str(b)[:200]}"
    if isinstance(a, tuple):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                label = x[0] if isinstance(x, tuple) and x and isinstance(x[0], str) else i
                return first_difference(x, y, f"{path}/{label}")
        return f"{path}: {len(a)} items | {len(b)} items: {str(a[len(b):] or b[len(a):])[:300]}"
    return f"{path}: {str(a)[:200]} | {str(b)[:200]}"


def compare(original, copy):
    a, b = onnx.load(original), onnx.load(copy)
    fa, fb = model_form(a), model_form(b)
    if not fa[1][0][2]:  # an unsorted original: the copy is sorted, so compare as sets
        fa = (fa[0], (("node", fa[1][0][1], True),) + fa[1][1:], fa[2])
        nodes = tuple(sorted(fb[1][0][1], key=repr))
        fb = (fb[0], (("node", nodes, fb[1][0][2]),) + fb[1][1:], fb[2])
    return "" if fa == fb else first_difference(fa, fb)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("paths", nargs="+", type=Path)
    args = parser.parse_args()
    files = sorted(f for p in args.paths for f in (p.rglob("*.onnx") if p.is_dir() else [p]))
    bad = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "copy.onnx"
        pipe = subprocess.Popen([args.tool, "copies"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for f in files:
            pipe.stdin.write(f"{f}\t{out}\n")
            pipe.stdin.flush()
            answer = pipe.stdout.readline().strip()
            if answer.startswith("refused"):
                refused += 1
                print(f"{f}: {answer}")
            elif answer != "ok":
                bad += 1
                print(f"{f}: FAILED: {answer}")
                break
            elif why := compare(f, out):
                bad += 1
                print(f"{f}: DIFFERS: {why}")
    print(f"{len(files)} files: {len(files) - bad - refused} equal, {refused} refused, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
