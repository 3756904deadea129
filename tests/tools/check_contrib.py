#!/usr/bin/env python3
"""Random one-node models of com.microsoft operators: `onnxopt run` against ONNX Runtime's CPU kernels (needs onnx and onnxruntime).

    check_contrib.py build/release/onnxopt [--op NAME] [--cases N] [--seed N] [--keep FOLDER] [--list]
    check_contrib.py build/asan/tests/onnxopt_infer_check --hostile FOLDER [--op NAME] [--cases N] [--seed N]

A case is a set of inputs, some of them constants, and attributes, drawn by a generator an operator (contrib_cases_*.py). ONNX Runtime is the truth; what
it refuses is counted and not compared. Floats must agree within the limit of their type, relative to the largest magnitude; integers exactly, but that
quantized results may be one step apart where the generator says that a kernel of ONNX Runtime rounds its own way.

--hostile breaks the cases: attributes and integers at the ends of their types, inputs of other shapes, missing or exchanged. Each must be computed or refused;
a build with sanitizers shows what else happens. Inferred types are held against what is computed.
"""
import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile

if any(importlib.util.find_spec(m) is None for m in ("numpy", "onnx", "onnxruntime")):
    print("onnx or onnxruntime is not installed")
    sys.exit(77)

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

import contrib_cases

# ONNX Runtime's QMoE may quantize activations, and weights a second time, where it has faster kernels for that.
os.environ |= {"ORT_QMOE_CPU_QNBIT_GEMM": "fp32", "ORT_USE_MLAS_Q4_GEMM_MOE": "0"}
LIMITS = {"float32": 2e-5, "float64": 1e-9, "float16": 2e-3, "bfloat16": 2e-2}


def tensor_of(name, value):
    if isinstance(value, onnx.TensorProto):
        value.name = name
        return value
    return numpy_helper.from_array(np.asarray(value), name)


def model_of(case):
    inputs, initializers, names = [], [], []
    for i, x in enumerate(case.inputs):
        if x is None:
            names.append("")
            continue
        name = f"in{i}"
        names.append(name)
        t = tensor_of(name, x)
        if i in case.constants or isinstance(x, onnx.TensorProto):
            initializers.append(t)
        else:
            inputs.append(helper.make_tensor_value_info(name, t.data_type, list(t.dims)))
    while names and not names[-1]:
        names.pop()
    outputs = [f"out{i}" if used else "" for i, used in enumerate(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain=case.domain, **case.attrs)
    infos = [onnx.ValueInfoProto(name=o) for o in outputs if o]
    graph = helper.make_graph([node], "g", inputs, infos, initializers)
    opsets = [helper.make_opsetid("", case.opset)] + ([helper.make_opsetid(case.domain, 1)] if case.domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def options():
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 4
    o.intra_op_num_threads = 1
    return o


def run_theirs(model, feeds, shared):
    session = ort.InferenceSession(model, options(), providers=["CPUExecutionProvider"])
    if not shared:
        return session.run(None, feeds)
    values, binding = {n: ort.OrtValue.ortvalue_from_numpy(x) for n, x in feeds.items()}, session.io_binding()
    for name, v in values.items():
        binding.bind_ortvalue_input(name, v)
    for o in session.get_outputs():
        at = shared.get(int(o.name[3:]))
        binding.bind_output(o.name) if at is None else binding.bind_ortvalue_output(o.name, values[f"in{at}"])
    session.run_with_iobinding(binding)
    return binding.copy_outputs_to_cpu()


class Isolated:
    """Runs ONNX Runtime in a process of its own, since some inputs crash it."""

    def __init__(self):
        self.pool = None

    def run(self, model, feeds, shared=None):
        self.pool = self.pool or concurrent.futures.ProcessPoolExecutor(1)
        try:
            return self.pool.submit(run_theirs, model, feeds, shared).result()
        except concurrent.futures.process.BrokenProcessPool:
            self.pool = None
            raise RuntimeError("it crashes") from None


isolated = Isolated()


def run_ours(binary, model, feeds, folder):
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    data, saved = folder / "in", folder / "out"
    data.mkdir(exist_ok=True)
    for i, v in enumerate(model.graph.input):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(feeds[v.name], v.name).SerializeToString())
    command = [binary, "run", str(path), "--save", str(saved), "--format", "pb"] + (["--feed", str(data)] if len(model.graph.input) else [])
    p = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if p.returncode != 0:
        return None, (p.stderr.strip().splitlines() or ["no message"])[-1]
    out = []
    for i in range(len(model.graph.output)):
        out.append(numpy_helper.to_array(onnx.load_tensor(str(saved / f"output_{i}.pb"))))
    return out, ""


def lower(binary, model, feeds, folder):
    """The model in standard ONNX, run by ONNX Runtime too; None: refused."""
    path, out = folder / "m.onnx", folder / "lowered.onnx"
    path.write_bytes(model.SerializeToString())
    p = subprocess.run([binary, "lower", str(path), "--to", "onnx", "-o", str(out), "-q"], capture_output=True, text=True, timeout=60)
    if p.returncode != 0:
        return None, (p.stderr.strip().splitlines() or ["no message"])[-1]
    lowered = onnx.load(str(out))
    left = {n.op_type for n in lowered.graph.node if n.domain} | {o.domain for o in lowered.opset_import if o.domain.startswith("com.")}
    if left:
        return None, f"{left} is left"
    try:
        onnx.checker.check_model(lowered)
        return isolated.run(lowered.SerializeToString(), feeds), ""
    except Exception as e:
        return None, "ONNX Runtime or the checker refuses the result: " + str(e).strip().splitlines()[0][:200]


def differs(case, index, a, b):
    """None where `b` (ours) agrees with `a`."""
    if case.valid and index in case.valid:
        a, b = case.valid[index](a), case.valid[index](b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{a.dtype}{a.shape} expected, got {b.dtype}{b.shape}"
    if a.size == 0 or a.dtype == object or a.dtype == np.bool_:
        return None if a.size == 0 or (a == b).all() else "values differ"
    x, y = a.astype(np.float64), b.astype(np.float64)
    if str(a.dtype) in LIMITS:
        if (np.isnan(x) != np.isnan(y)).any() or (np.isinf(x) != np.isinf(y)).any():
            return "NaN or Inf in different places"
        x, y = np.nan_to_num(x, posinf=1e9, neginf=-1e9), np.nan_to_num(y, posinf=1e9, neginf=-1e9)
        worst = np.abs(x - y).max() / max(np.abs(x).max(), case.floor)
        limit = case.limit or LIMITS[str(a.dtype)]
        return None if worst <= limit else f"off by {worst:.3g} of the largest, limit {limit:g}"
    worst = np.abs(x - y).max()
    return None if worst <= case.steps else f"off by {worst:g} in {np.count_nonzero(x != y)} of {x.size}"


def broken(r, x):
    """An input of another shape or with other integers; floats stay numbers."""
    x = np.asarray(x)
    kind = r.integers(4)
    if kind == 0 and x.ndim:
        return np.take(x, range(x.shape[-1] - 1), axis=-1) if x.shape[-1] else x
    if kind == 1:
        return x[None] if r.random() < 0.5 or not x.ndim else x[0] if x.shape[0] else x[None]
    if kind == 2 and x.ndim:
        return np.concatenate([x, x], axis=int(r.integers(x.ndim)))
    if x.dtype.kind not in "iu" or not x.size:
        return x
    x = x.copy()
    info = np.iinfo(x.dtype)
    x.reshape(-1)[int(r.integers(x.size))] = r.choice([n for n in EXTREMES if info.min <= n <= info.max])
    return x


EXTREMES = [0, 1, -1, 2, 3, 7, 17, 100, 2**31 - 1, -(2**31), 2**32, 2**62, 2**63 - 1, -(2**63)]


def break_case(r, case):
    for _ in range(int(r.integers(1, 4))):
        kind, present = r.integers(4), [i for i, x in enumerate(case.inputs) if isinstance(x, (np.ndarray, np.generic))]
        if kind == 0 and case.attrs:
            name = str(r.choice(list(case.attrs)))
            value, wild = case.attrs[name], int(r.choice(EXTREMES))
            case.attrs[name] = wild if isinstance(value, int) else [wild if r.random() < 0.5 else v for v in value] if isinstance(value, list) and value and isinstance(value[0], int) \
                else float(r.choice([0, -1, 1e38, np.inf, np.nan])) if isinstance(value, float) else value
        elif kind == 1 and case.attrs:
            case.attrs.pop(str(r.choice(list(case.attrs))))
        elif kind == 2 and present:
            case.inputs[r.choice(present)] = None
        elif present:
            i, k = r.choice(present), r.choice(present)
            if r.random() < 0.2:
                case.inputs[i], case.inputs[k] = case.inputs[k], case.inputs[i]
            else:
                case.inputs[i] = broken(r, case.inputs[i])


def hostile(o):
    import fuzz_ops
    shutil.rmtree(o.hostile, ignore_errors=True)
    for name, generator in contrib_cases.GENERATORS.items():
        for n in range(o.cases if o.op in (None, name) else 0):
            r = np.random.default_rng([o.seed, n, sum(name.encode())])
            case = generator(r)
            break_case(r, case)
            try:
                model = model_of(case)
            except Exception:  # no such model can be written
                continue
            folder = pathlib.Path(o.hostile) / f"{name}-{n}"
            (folder / "test_data_set_0").mkdir(parents=True)
            feeds = [(v.name, np.asarray(case.inputs[int(v.name[2:])])) for v in model.graph.input]
            for i, (k, x) in enumerate(feeds):
                (folder / "test_data_set_0" / f"input_{i}.pb").write_bytes(numpy_helper.from_array(x, k).SerializeToString())
            (folder / "model.onnx").write_bytes(model.SerializeToString())
            (folder / "case.pickle").write_bytes(pickle.dumps((model.SerializeToString(), feeds)))
    lines, dead = fuzz_ops.run_all([o.binary], pathlib.Path(o.hostile))
    wrong = [l for l in lines if l.startswith("WRONG")]
    runs = sum(int(l.split()[0]) for l in lines if l[:1].isdigit())
    print("\n".join([*wrong, f"{len(list(pathlib.Path(o.hostile).iterdir()))} broken cases, {runs} runs, {dead} end the program, {len(wrong)} wrongly inferred"]))
    return 1 if dead or wrong else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--op")
    p.add_argument("--cases", type=int, default=20)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--keep")
    p.add_argument("--lower", action="store_true", help="compare the model that `onnxopt lower` writes, in ONNX Runtime, instead of `onnxopt run`")
    p.add_argument("--opset", type=int, help="of the models")
    p.add_argument("--list", action="store_true")
    p.add_argument("--hostile", help="a folder for the broken cases")
    o = p.parse_args()
    if o.hostile:
        return hostile(o)
    bad = 0
    print(f"{'operator':36} {'agree':>6} {'differ':>7} {'we refuse':>10} {'ORT refuses':>12}  steps apart")
    for name, generator in contrib_cases.GENERATORS.items():
        if o.op and o.op != name:
            continue
        agree = differ = ours_refused = refused = apart = 0
        messages = []
        for n in range(o.cases):
            rng = np.random.default_rng([o.seed, n, sum(name.encode())])
            case = generator(rng)
            case.opset = o.opset or case.opset
            model = model_of(case)
            feeds = {v.name: np.asarray(case.inputs[int(v.name[2:])]) for v in model.graph.input}
            try:
                theirs = isolated.run(model.SerializeToString(), feeds, case.shared)
            except Exception as e:  # whatever the runtime says
                refused += 1
                if refused == o.cases or o.list:
                    messages.append(f"    {n}: ONNX Runtime: {str(e).strip().splitlines()[0][:200]}")
                continue
            with tempfile.TemporaryDirectory() as folder:
                ours, why = (lower if o.lower else run_ours)(o.binary, model, feeds, pathlib.Path(folder))
            what = None
            if ours is None:
                ours_refused += 1
                messages.append(f"    {n}: refused: {why[-220:]}")
            else:
                for i, (a, b) in enumerate(zip(theirs, ours)):
                    if i not in case.ignore:
                        what = what or (lambda d: d and f"output {i}: {d}")(differs(case, i, a, b))
                        if a.dtype.kind in "iu" and a.shape == b.shape:
                            apart += int((a != b).any())
                differ, agree = differ + bool(what), agree + (not what)
                if what:
                    shapes = [None if x is None else f"{np.asarray(x).dtype}{np.asarray(x).shape}" if not isinstance(x, onnx.TensorProto) else "tensor" for x in case.inputs]
                    messages.append(f"    {n}: {what}; {case.attrs} {shapes}")
            if (what or ours is None) and o.keep:
                onnx.save(model, pathlib.Path(o.keep) / f"{name}-{n}.onnx")
        print(f"{name:36} {agree:6} {differ:7} {ours_refused:10} {refused:12}  {apart or ''}")
        print("\n".join(messages[:8]) + "\n" if messages else "", end="", flush=True)
        bad += differ + ours_refused + (agree == 0)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
