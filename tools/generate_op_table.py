#!/usr/bin/env python3
"""Writes ir/ops/generated/*: every version of every operator, as plain constant data.

Facts come from the schema registries of two packages: onnx (ai.onnx, ai.onnx.ml, ai.onnx.preview, ai.onnx.preview.training) and, for com.microsoft
and a few rows of domain "" that exported models carry, onnxruntime. Traits come from op_traits.py. The output is checked in; run this again when a
new onnx release comes:  python3 tools/generate_op_table.py
"""

import pathlib
import sys

import onnx
import onnx.defs
import onnx.helper

import op_traits

INT_MAX = 2**31 - 1
DTYPES = ["undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double", "uint32", "uint64",
          "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1",
          "float8e8m0", "uint2", "int2", "float6e2m3", "float6e3m2"]
ATTR_TYPES = ["undefined", "float_", "int_", "string", "tensor", "graph", "floats", "ints", "strings", "tensors", "graphs", "sparse_tensor",
              "sparse_tensors", "type_proto", "type_protos"]
GRAPH_ATTRS = {5, 10}


class Pool:
    """Rows of one C++ array; equal runs of rows are stored once."""

    def __init__(self):
        self.rows, self.where = [], {}

    def add(self, run):
        run = tuple(run)
        if not run:
            return "{}"
        if run not in self.where:
            self.where[run] = len(self.rows)
            self.rows.extend(run)
        return self.where[run], len(run)


def quote(s):
    if isinstance(s, bytes):
        s = s.decode()
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def number(f):
    text = repr(float(onnx.numpy_helper.to_array(onnx.helper.make_tensor("x", 1, [1], [f]))[0]))
    if text in ("inf", "-inf", "nan"):
        raise ValueError("write a limit for " + text)
    short = f"{f:.9g}"
    for digits in range(1, 10):
        short = f"{f:.{digits}g}"
        if abs(float(short)) > 3.4028235e38:
            continue
        if onnx.numpy_helper.to_array(onnx.helper.make_tensor("x", 1, [1], [float(short)]))[0] == onnx.numpy_helper.to_array(
                onnx.helper.make_tensor("x", 1, [1], [f]))[0]:
            break
    return (short if any(c in short for c in ".e") else short + ".0") + "F"


class Op:
    """One version of one operator in the words of op_schema.h, whichever registry it came from."""

    def __init__(self, s, origin):
        self.domain, self.name, self.since = s.domain, s.name, s.since_version
        self.deprecated = s.deprecated
        self.has_function = origin == "onnx" and (s.has_function or s.has_context_dependent_function)
        self.min_inputs, self.max_inputs = s.min_input, s.max_input
        self.min_outputs, self.max_outputs = s.min_output, s.max_output
        self.inputs = [self.param(p, origin, s.min_input, i) for i, p in enumerate(s.inputs)]
        self.outputs = [self.param(p, origin, s.min_output, i) for i, p in enumerate(s.outputs)]
        self.types = sorted((t.type_param_str, tuple(t.allowed_type_strs)) for t in s.type_constraints)
        self.attrs = [self.attr(n, a, origin) for n, a in sorted(s.attributes.items())]

    @staticmethod
    def param(p, origin, minimum, index):
        option = str(p.option).split(".")[-1].lower()
        if origin == "onnx":
            return (p.name, p.type_str, option, p.is_homogeneous, p.min_arity)
        arity = max(0, minimum - index) if option == "variadic" else 1
        return (p.name, p.typeStr, option, p.isHomogeneous, arity)

    @staticmethod
    def attr(name, a, origin):
        if origin == "onnx":
            default, kind = a.default_value, onnx.AttributeProto.AttributeType.Value(str(a.type).split(".")[-1])
        else:
            default, kind = onnx.AttributeProto.FromString(a._default_value), onnx.AttributeProto.AttributeType.Value(str(a.type).split(".")[-1])
        if not default.type:
            default = None
        elif default.type not in (1, 2, 3, 6, 7, 8):
            raise ValueError(f"default of attribute {name} has a type that AttrSpec cannot hold")
        return (name, kind, a.required, default)

    def key(self):
        return (self.domain.encode(), self.name.encode(), self.since)


def collect():
    ops = {}
    for s in onnx.defs.get_all_schemas_with_history():
        ops[Op(s, "onnx").key()] = Op(s, "onnx")
    from onnxruntime.capi import onnxruntime_pybind11_state as ort
    for s in ort.get_all_operator_schema():
        if s.domain in ("com.microsoft", "com.microsoft.nchwc") or (s.domain == "" and s.name in op_traits.EXTRA_AI_ONNX):
            op = Op(s, "onnxruntime")
            ops.setdefault(op.key(), op)
    return [ops[k] for k in sorted(ops)]


def fnv1a(data):
    h = 2166136261
    for b in data:
        h = ((h ^ b) * 16777619) & 0xFFFFFFFF
    return h


def hash_table(ops):
    """Open addressing over (domain, name): slot -> first row of the name + 1."""
    first = {}
    for i, op in enumerate(ops):
        first.setdefault((op.domain, op.name), i)
    size = 1
    while size < 2 * len(first):
        size *= 2
    slots = [0] * size
    for (domain, name), i in first.items():
        h = fnv1a(domain.encode() + b"\0" + name.encode()) % size
        while slots[h]:
            h = (h + 1) % size
        slots[h] = i + 1
    return slots


def span(pool, where):
    return "{}" if where == "{}" else f"{{{pool} + {where[0]}, {where[1]}}}"


def attr_text(a, ints, floats, strings):
    name, kind, required, default = a
    fields = [f".name = {quote(name)}", f".type = AttrType::{ATTR_TYPES[kind]}"]
    if required:
        fields.append(".required = true")
    if default is not None:
        fields.append(".has_default = true")
        if kind == 1:
            fields.append(f".f = {number(default.f)}")
        elif kind == 2:
            fields.append(f".i = {default.i}")
        elif kind == 3:
            fields.append(f".s = {quote(default.s)}")
        elif kind == 6 and default.floats:
            fields.append(".floats = " + span("kFloats", floats.add(number(f) for f in default.floats)))
        elif kind == 7 and default.ints:
            fields.append(".ints = " + span("kInts", ints.add(str(i) for i in default.ints)))
        elif kind == 8 and default.strings:
            fields.append(".strings = " + span("kStrings", strings.add(quote(s) for s in default.strings)))
    return "{" + ", ".join(fields) + "}"


def constraint_text(t, strings):
    name, allowed = t
    mask, others = 0, []
    for a in allowed:
        if a.startswith("tensor(") and a[7:-1] in DTYPES:
            mask |= 1 << DTYPES.index(a[7:-1])
        else:
            others.append(quote(a))
    return f"{{{quote(name)}, {mask:#x}, {span('kStrings', strings.add(others))}}}"


def write(path, lines):
    head = ["// Written by tools/generate_op_table.py from the operator schema registries of onnx " + onnx.__version__ + " and onnxruntime. Do not edit.",
            "// clang-format off"]
    path.write_text("\n".join(head + lines) + "\n")


def array(kind, name, rows):
    body = ["#include \"ir/ops/generated/op_data.h\"", "", "namespace onnxopt::op_data {", f"constinit const {kind} {name}[] = {{"]
    return body + [f"  {r}," for r in rows] + ["};", "}  // namespace onnxopt::op_data"]


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "ir/ops/generated")
    out.mkdir(parents=True, exist_ok=True)
    params, attrs, types, ints, floats, strings = (Pool() for _ in range(6))
    rows = []
    ops = collect()
    for op in ops:
        param = lambda p: f"{{{quote(p[0])}, {quote(p[1])}, ParamOption::{p[2]}, {'true' if p[3] else 'false'}, {p[4]}}}"
        has_graph = any(a[1] in GRAPH_ATTRS for a in op.attrs)
        traits = op_traits.traits(op.domain, op.name, op.since, {a[0] for a in op.attrs}, op.deprecated, op.has_function, has_graph)
        limit = lambda n: "INT_MAX" if n >= INT_MAX else str(n)
        rows.append(
            f"{{{quote(op.domain)}, {quote(op.name)}, {op.since}, {span('kParams', params.add(map(param, op.inputs)))}, "
            f"{span('kParams', params.add(map(param, op.outputs)))}, "
            f"{span('kAttrs', attrs.add(attr_text(a, ints, floats, strings) for a in op.attrs))}, "
            f"{span('kTypes', types.add(constraint_text(t, strings) for t in op.types))}, "
            f"{op.min_inputs}, {limit(op.max_inputs)}, {op.min_outputs}, {limit(op.max_outputs)}, {' | '.join(sorted(traits)) or '0'}}}")
    slots = hash_table(ops)
    pools = [("ParamSpec", "kParams", params.rows, "params"), ("AttrSpec", "kAttrs", attrs.rows, "attrs"),
             ("TypeConstraint", "kTypes", types.rows, "types"), ("std::int64_t", "kInts", ints.rows, "ints"), ("float", "kFloats", floats.rows, "floats"),
             ("std::string_view", "kStrings", strings.rows, "strings"), ("OpSchema", "kRows", rows, "rows")]
    pools = [p for p in pools if p[2]]
    header = ["#pragma once", "#include <climits>", "#include <cstdint>", "#include <string_view>", "#include \"ir/ops/op_schema.h\"", "",
              "namespace onnxopt::op_data {"]
    for kind, name, content, _ in pools:
        header.append(f"extern const {kind} {name}[{len(content)}];")
    releases = {}
    for row in onnx.helper.VERSION_TABLE:
        releases.setdefault(row[2], row[1])
    newest = onnx.defs.C.schema_version_map() if hasattr(onnx.defs.C, "schema_version_map") else {}
    header += [f"inline constexpr int kRowCount = {len(rows)};", f"inline constexpr std::uint32_t kSlotCount = {len(slots)};",
               "extern const std::uint16_t kSlots[kSlotCount];   // FNV-1a of domain, 0, name; open addressing; first row of the name + 1",
               "// IR version of the first release that has opset (index) of ai.onnx; earlier opsets than the first entry: IR 3.",
               "inline constexpr std::int8_t kIrVersionOfOpset[] = {" + ", ".join(
                   str(releases.get(v, min(r for o, r in releases.items() if o >= v))) for v in range(max(releases) + 1)) + "};",
               "struct DomainVersion { std::string_view domain; int newest; };",
               "inline constexpr DomainVersion kDomains[] = {" + ", ".join(
                   [f"{{{quote(d)}, {v[1]}}}" for d, v in sorted(newest.items())] + ["{\"com.microsoft\", 1}", "{\"com.microsoft.nchwc\", 1}"]) + "};",
               "}  // namespace onnxopt::op_data"]
    write(out / "op_data.h", header)
    for kind, name, content, stem in pools:
        write(out / f"{stem}.cpp", array(kind, name, content))
    wrapped = [", ".join(map(str, slots[i:i + 24])) for i in range(0, len(slots), 24)]
    write(out / "slots.cpp", array("std::uint16_t", "kSlots", wrapped))
    print(f"{len(rows)} rows, {len(params.rows)} params, {len(attrs.rows)} attrs, {len(types.rows)} types, {len(strings.rows)} strings")


if __name__ == "__main__":
    main()
