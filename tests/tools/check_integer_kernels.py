#!/usr/bin/env python3
"""A quantized model stays quantized: ONNX Runtime, with all its optimizations on, runs as many integer kernels after `onnxopt optimize` as before.

check_integer_kernels.py ONNXOPT FILE|FOLDER... [--args "-O3 ..."]
Prints one line a model that has quantization. Exit status 1 if some model lost integer kernels, or computes something else.
"""
import argparse
import collections
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
import onnxruntime as ort

# What ONNX Runtime calls its integer kernels. QuantizeLinear and DequantizeLinear themselves are no integer arithmetic.
NAMED = {"MatMulInteger", "MatMulIntegerToFloat", "ConvInteger", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QAttention", "QGemm", "QEmbedLayerNormalization",
         "QOrderedMatMul", "MatMulNBits", "MatMulBnb4", "GatherBlockQuantized", "QMoE"}


def is_integer(op):
    return op in NAMED or op.startswith("QLinear") or op.startswith("QOrdered")


def ops_of(graph):
    for n in graph.node:
        yield n.op_type
        for a in n.attribute:
            for g in [a.g] if a.type == onnx.AttributeProto.GRAPH else a.graphs:
                yield from ops_of(g)


def kernels(model, folder):
    """Integer kernels by name, of the graph that ONNX Runtime runs; None: it does not load the model."""
    out = Path(folder) / "ort.onnx"
    out.unlink(missing_ok=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 4
    try:
        ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as e:
        print(f"{model}: ONNX Runtime: {str(e).splitlines()[0][:150]}")
        return None
    return collections.Counter(op for op in ops_of(onnx.load(out, load_external_data=False).graph) if is_integer(op))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--args", default="")
    args = parser.parse_args()
    files = [f for p in args.paths for f in (sorted(p.rglob("*.onnx")) if p.is_dir() else [p])]
    bad = seen = 0
    with tempfile.TemporaryDirectory() as tmp:
        for f in files:
            try:
                ops = set(ops_of(onnx.load(f, load_external_data=False).graph))
            except Exception:
                continue
            if not any("Quantize" in op or is_integer(op) for op in ops):
                continue
            before = kernels(f, tmp)
            if before is None:
                continue
            ours = Path(tmp) / "ours.onnx"
            p = subprocess.run([args.binary, "optimize", str(f), "-o", str(ours), "--no-verify", *args.args.split()], capture_output=True, text=True)
            after = kernels(ours, tmp) if p.returncode == 0 else None
            seen += 1
            if after is None or sum(after.values()) < sum(before.values()):
                bad += 1
                print(f"LOST  {f}: {dict(before)} -> {dict(after) if after is not None else p.stderr.strip()[:150]}")
            else:
                print(f"fine  {f}: {sum(before.values())} -> {sum(after.values())} {dict(after)}")
    print(f"{seen} quantized models, {bad} lost integer kernels")
    return 1 if bad or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
