#!/usr/bin/env python3
"""Runs every model of a folder in `onnxopt run` and in ONNX Runtime (optimizations off; where that refuses, onnx's reference evaluator) and compares.

    check_models.py BINARY FOLDER [--filter TEXT] [--limit-mb N] [--seconds N] [--markdown FILE]

Inputs are seeded: types, shapes and likely meaning by name (model_feeds.py). A quantized model that differs end to end is compared node by node, each node
on the runtime's own inputs: a rounding step at the boundary of two 8-bit values is no fault, but it spreads.
"""
import argparse
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from model_feeds import candidates

LIMITS = {"float32": 1e-3, "float64": 1e-6, "float16": 2e-2, "bfloat16": 1e-1}
QUANT = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "MatMulNBits")


def session(model):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 4
    o.intra_op_num_threads = 1
    return ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])


def for_runtime(model, feeds):
    """Inputs as the Python binding of ONNX Runtime takes them: sparse ones as coordinates and values."""
    kinds = {i.name: i.type.WhichOneof("value") for i in model.graph.input}
    fed = dict(feeds)
    for n, x in feeds.items():
        if kinds[n] == "sparse_tensor_type":
            where = np.argwhere(x).astype(np.int64)
            coo = ort.SparseTensor.sparse_coo_from_numpy(np.array(x.shape, np.int64), x[tuple(where.T)], where.reshape(-1), ort.OrtDevice.make("cpu", 0))
            fed[n] = ort.OrtValue.ort_value_from_sparse_tensor(coo)
    return fed


def dense(x):
    if "SparseTensor" not in type(x).__name__:
        return x
    x = ort.SparseTensor(x)
    out = np.zeros(x.dense_shape(), x.values().dtype)
    view = x.as_coo_view().indices()
    out.reshape(-1)[view if view.ndim == 1 else np.ravel_multi_index(tuple(view.T), out.shape)] = x.values()
    return out


def finite(outputs):
    floats = [o for o in outputs if isinstance(o, np.ndarray) and o.dtype.kind == "f"]
    return all(np.isfinite(o).all() for o in floats)


def reference_worker(pipe, path, extra, small, known):
    """The runtime's feeds and outputs, else the reference evaluator's. `known`: the path of the model whose inputs these are."""
    model = onnx.load(path, load_external_data=False)
    refused, feeds = "", None
    try:
        target = path
        if extra:
            known = {o.name for o in model.graph.output}
            model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in extra if n not in known)
            target = model.SerializeToString()
        s, first = session(target), None
        for feeds in candidates(model, small=small, path=known or path):
            try:
                outputs = [dense(x) for x in s.run(None, for_runtime(model, feeds))]
            except Exception as e:
                refused = refused or str(e)
                continue
            first = first or ("onnxruntime", feeds, outputs, [o.name for o in s.get_outputs()], "")
            if finite(outputs):  # overflow and 0 / 0 prove nothing: other inputs may do
                pipe.send(("onnxruntime", feeds, outputs, [o.name for o in s.get_outputs()], ""))
                return
        if first:
            pipe.send(first)
            return
    except Exception as e:
        refused = str(e)
    try:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(path)
        for feeds in candidates(model, small=small, path=known or path):
            try:
                pipe.send(("onnx reference", feeds, evaluator.run(None, feeds), [o.name for o in model.graph.output], refused))
                return
            except Exception as e:
                refused += " | reference: " + str(e)
                break
    except Exception as e:
        refused += " | reference: " + str(e)
    pipe.send((None, feeds, None, None, refused))


def reference(path, seconds, extra=(), small=False, known=None):
    ours, theirs = multiprocessing.Pipe(False)
    p = multiprocessing.Process(target=reference_worker, args=(theirs, str(path), list(extra), small, known))
    p.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(seconds) else (None, None, None, None, f"no answer in {seconds} s")
    except EOFError:
        return None, None, None, None, "it crashes"
    finally:
        p.kill()
        p.join()


def to_map(proto):
    return {k.decode() if isinstance(k, bytes) else k: v for k, v in numpy_helper.to_dict(proto).items()}


def value_bytes(name, value, kind):
    if kind == "map_type":
        keys, values = np.array(list(value)), [np.float32(v) for v in value.values()]
        m = onnx.MapProto(name=name, key_type=helper.np_dtype_to_tensor_dtype(keys.dtype), keys=keys)
        m.values.CopyFrom(numpy_helper.from_list(values))
        return m.SerializeToString()
    if kind == "sequence_type":
        return numpy_helper.from_list(value, name).SerializeToString()
    if kind == "optional_type":
        return numpy_helper.from_optional(value, name).SerializeToString()
    if kind == "sparse_tensor_type":
        where = np.flatnonzero(value)
        parts = numpy_helper.from_array(value.reshape(-1)[where], name), numpy_helper.from_array(where, name)
        return helper.make_sparse_tensor(*parts, value.shape).SerializeToString()
    return numpy_helper.from_array(np.asarray(value), name).SerializeToString()


def to_numpy(file, kind):
    data = file.read_bytes()
    if kind == "sequence_type":
        q = onnx.SequenceProto.FromString(data)
        if q.elem_type == onnx.SequenceProto.MAP:
            return [to_map(m) for m in q.map_values]
        return numpy_helper.to_list(q)
    if kind == "map_type":
        return to_map(onnx.MapProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def run_ours(binary, path, model, feeds, seconds, outputs):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        inputs = {i.name: i.type.WhichOneof("value") for i in model.graph.input}
        command = [binary, "run", str(path), "--save", str(folder / "out"), "--format", "pb"]
        for i, (name, value) in enumerate(feeds.items()):
            file = folder / f"{i}.pb"
            file.write_bytes(value_bytes(name, value, inputs[name]))
            command += ["--feed", f"{name}={file}"]
        try:
            p = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, f"no answer in {seconds} s"
        if p.returncode != 0:
            return None, (p.stderr.strip().splitlines() or [f"exit {p.returncode}"])[-1]
        kinds = [o.type.WhichOneof("value") for o in model.graph.output]
        return [to_numpy(folder / "out" / f"output_{i}.pb", kinds[i]) for i in range(outputs)], ""


def distance(a, b):
    """(relative distance over the limit of the type, what is wrong)."""
    if isinstance(a, dict):
        if not isinstance(b, dict) or a.keys() != b.keys():
            return np.inf, "keys differ"
        return max((distance(a[k], b[k]) for k in a), default=(0, ""))
    if isinstance(a, (list, tuple)):
        if not isinstance(b, (list, tuple)) or len(a) != len(b):
            return np.inf, "lengths differ"
        return max((distance(x, y) for x, y in zip(a, b)), default=(0, ""))
    if a is None or b is None:
        return (0, "") if a is b or (b is not None and np.asarray(b).size == 0) else (np.inf, "one is empty")
    if isinstance(a, float):  # of a map, without its type
        a = np.asarray(b).dtype.type(a)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or (a.dtype != b.dtype and not (a.dtype.kind in "OUS" and b.dtype.kind in "OUS")):
        return np.inf, f"{a.dtype}{a.shape} expected, got {b.dtype}{b.shape}"
    if a.size == 0:
        return 0, ""
    if a.dtype.kind not in "fiu" and str(a.dtype) != "bfloat16":
        return (0, "") if (a == b).all() else (np.inf, "values differ")
    x, y = a.astype(np.float64), b.astype(np.float64)
    if (np.isnan(x) != np.isnan(y)).any() or (np.where(np.isinf(x), x, 0) != np.where(np.isinf(y), y, 0)).any():
        return np.inf, "NaN or Inf in different places"
    fine = np.isfinite(x)
    if not fine.any():
        return 0, ""
    worst = np.abs(x - y)[fine].max()
    limit = LIMITS.get(str(a.dtype))
    if limit is None:
        return (0, "") if worst == 0 else (np.inf, f"integers off by {worst:g}")
    ratio = worst / max(np.abs(x[fine]).max(), 1e-3) / limit
    return ratio, f"off by {ratio * limit:.2g} of the largest" if ratio > 1 else ""


def compare(theirs, ours):
    worst, why = 0.0, ""
    for i, (a, b) in enumerate(zip(theirs, ours)):
        d, text = distance(a, b)
        if d > worst:
            worst, why = d, f"output {i}: {text}"
    return worst, why


def node_by_node(binary, path, model, seconds):
    """Differences of single nodes on the runtime's inputs: (nodes compared, lines)."""
    names = [o for n in model.graph.node for o in n.output if o]
    source, feeds, values, order, why = reference(path, seconds, names)
    if source != "onnxruntime":
        return 0, [why]
    full = onnx.load(str(path))
    known = dict(feeds) | dict(zip(order, values)) | {t.name: numpy_helper.to_array(t) for t in full.graph.initializer}
    count, lines, until = 0, [], time.time() + seconds
    for n in full.graph.node:
        if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in n.attribute) or not n.input or time.time() > until:
            continue
        outputs = [o for o in n.output if o]
        wanted = [i for i in dict.fromkeys(n.input) if i]
        if any(not isinstance(known.get(i), np.ndarray) for i in wanted + outputs):
            continue
        one = onnx.helper.make_graph([n], "g", [onnx.helper.make_tensor_value_info(i, onnx.helper.np_dtype_to_tensor_dtype(known[i].dtype), known[i].shape) for i in wanted],
                                     [onnx.ValueInfoProto(name=o) for o in outputs])
        m = onnx.helper.make_model(one, opset_imports=full.opset_import, ir_version=full.ir_version, functions=list(full.functions))
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "n.onnx"
            file.write_bytes(m.SerializeToString())
            ours, why = run_ours(binary, file, m, {i: known[i] for i in wanted}, 30, len(outputs))
        count += 1
        if ours is None:
            lines.append(f"{n.op_type} {n.name}: {why}")
            continue
        for o, b in zip(outputs, ours):
            a = known[o]
            if a.dtype.kind in "iu" and a.shape == b.shape and a.size:  # one step where a quotient lies between two values
                off = np.abs(a.astype(np.int64) - b.astype(np.int64))
                if off.max() > 1 or (off > 0).mean() > 0.01:
                    lines.append(f"{n.op_type} {n.name}: off by {off.max()}, {100 * (off > 0).mean():.2g} % of the elements")
            else:
                d, text = distance(a, b)
                if d > 1:
                    lines.append(f"{n.op_type} {n.name}: {text}")
    return count, lines


def ops_of(graph):
    for n in graph.node:
        yield n.op_type
        for a in n.attribute:
            for g in [a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs:
                yield from ops_of(g)


def converted(binary, path, seconds):
    """The runtime's answer to the model as `onnxopt convert` writes it at a newer opset, for opsets that it does not take."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "m.onnx"
        for opset in ("13", "18"):
            if subprocess.run([binary, "convert", str(path), "--opset", opset, "-o", str(file), "--no-verify"], capture_output=True, timeout=seconds).returncode == 0:
                found = reference(file, seconds, known=str(path))
                if found[0] == "onnxruntime":
                    return ("ONNX Runtime, converted", *found[1:])
    return None, None, None, None, ""


def unfed(model, path):
    try:
        next(candidates(model, path=path))
        return False
    except TypeError:
        return True


def brief(text):
    """A refusal without the paths and prefixes that say nothing."""
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from \S+ failed:|This is an invalid model\. |onnxopt: |/\S*/|Non-zero status code returned while running ", "", text)
    return " ".join(text.split())[:150]


def judge(binary, path, seconds, small=False):
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as e:
        return "left out", f"not a model: {str(e)[:80]}", ""
    source, feeds, theirs, _, refused = reference(path, seconds, small=small)
    if source is None and (again := converted(binary, path, seconds))[0]:
        source, feeds, theirs, _, _ = again
    if source is None and feeds is None:
        feeds = next(candidates(model, path=path), None) if not unfed(model, path) else None
    ours, why = run_ours(binary, path, model, feeds, seconds, len(model.graph.output)) if feeds is not None else (None, "no inputs")
    if ours is None and source != "onnxruntime" and refused:  # the reference evaluator checks little
        return "left out", f"ONNX Runtime: {brief(refused)}; ours: {brief(why)}", ""
    if source is None:
        return "left out", f"runs here alone; ONNX Runtime: {brief(refused)}", ""
    if ours is None:
        return "fails", why[:240], source
    worst, text = compare(theirs, ours)
    if worst <= 1:
        return "agrees", "smaller inputs: ONNX Runtime computes in float32 what overflows in float16" if small else "", source
    if "NaN or Inf" in text and not small:
        return judge(binary, path, seconds, True)
    if any(o.startswith("Random") or o in ("Bernoulli", "Multinomial", "Dropout") for o in ops_of(model.graph)):
        return "random", text, source
    if set(ops_of(model.graph)) & set(QUANT) and source == "onnxruntime":
        count, lines = node_by_node(binary, path, model, seconds)
        if count and not lines:
            return "agrees by node", f"{count} nodes; end to end {text}", source
        return "differs", f"{text}; of {count} nodes alone: " + "; ".join(lines[:4])[:300], source
    return "differs", text, source


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("folder")
    p.add_argument("--filter", default="")
    p.add_argument("--limit-mb", type=float, default=200)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--markdown")
    o = p.parse_args()
    root, rows, bad = pathlib.Path(o.folder), [], 0
    for path in sorted(root.rglob("*.onnx")):
        name = str(path.relative_to(root))
        if o.filter not in name:
            continue
        if path.stat().st_size > o.limit_mb * 2**20:
            row = ("left out", f"larger than {o.limit_mb:g} MiB", "")
        else:
            row = judge(o.binary, path, o.seconds)
        bad += row[0] in ("fails", "differs")
        rows.append((name, *row))
        print("\t".join((row[0], name, row[2], row[1])), flush=True)
    counts = {v: sum(r[1] == v for r in rows) for v in sorted({r[1] for r in rows})}
    print(", ".join(f"{n} {v}" for v, n in counts.items()))
    if o.markdown:
        lines = ["| model | verdict | held against | note |", "|---|---|---|---|"]
        lines += [f"| {n} | {v} | {s} | {' '.join(w.replace('|', '/').split())[:200]} |" for n, v, w, s in rows]
        pathlib.Path(o.markdown).write_text("\n".join(lines) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
