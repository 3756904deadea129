#!/usr/bin/env python3
"""Holds our inference against onnx.shape_inference (strict, data propagation) and against declared output types of ONNX's backend tests.

  check_inference.py --dump BUILD/tests/onnxopt_infer_dump [--nodetests DIR] [--runtime] MODEL...

Prints WRONG where a dim, rank or element type of ours contradicts, and LESS where ours knows less. --runtime runs the models in ONNX Runtime and
takes the shapes it computes as the truth for the model's outputs. Exit status 1 if there is any WRONG."""
import argparse, collections, json, pathlib, subprocess, sys, tempfile
import numpy, onnx, onnx.shape_inference

parser = argparse.ArgumentParser()
parser.add_argument("--dump", required=True)
parser.add_argument("--nodetests", help="folder of backend tests: outputs' declared types and stored data are the truth")
parser.add_argument("--limit", type=int, default=60, help="lines printed of each kind")
parser.add_argument("--embed", action="store_true", help="with --nodetests: stored integer and small inputs become constants, so that known values count")
parser.add_argument("models", nargs="*")
args = parser.parse_args()
models = list(args.models)
if args.nodetests:
    models += sorted(str(p) for p in pathlib.Path(args.nodetests).rglob("model.onnx"))

def embed(path, folder):
    """The test's model with its stored inputs of integers or up to 16 elements as initializers."""
    m = onnx.load(path)
    data = sorted((pathlib.Path(path).parent / "test_data_set_0").glob("input_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    for i, (declared, file) in reversed(list(enumerate(zip(list(m.graph.input), data)))):
        if not declared.type.HasField("tensor_type"): continue
        t = onnx.TensorProto.FromString(file.read_bytes())
        if t.data_type not in (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL) and numpy.prod(t.dims) > 16: continue
        t.name = declared.name
        m.graph.initializer.append(t)
        del m.graph.input[i]
    out = folder / (pathlib.Path(path).parent.name + ".onnx")
    onnx.save(m, out)
    return str(out)

origin = {}
if args.embed:
    folder = pathlib.Path(tempfile.mkdtemp())
    origin = {embed(p, folder): p for p in models if (pathlib.Path(p).parent / "test_data_set_0").is_dir()}
    models = list(origin)
    args.nodetests = str(folder)

lines = []
for i in range(0, len(models), 200):
    lines += subprocess.run([args.dump, *models[i:i + 200]], capture_output=True, text=True).stdout.splitlines()
ours, errors = collections.defaultdict(dict), {}
for line in lines:
    j = json.loads(line)
    if "error" in j: errors[j["model"]] = j["error"]
    elif j["graph"] == "main": ours[j["model"]][j["value"]] = j

KINDS = {"tensor_type": "tensor", "sequence_type": "sequence", "optional_type": "optional", "map_type": "map", "sparse_tensor_type": "sparse_tensor"}

def flat(t):
    kind = t.WhichOneof("value")
    j = {"kind": KINDS.get(kind, "unknown"), "dtype": 0, "shape": None}
    if kind in ("tensor_type", "sparse_tensor_type"):
        tt = getattr(t, kind)
        j["dtype"] = tt.elem_type
        if tt.HasField("shape"):
            # onnx passes on a -1 or "?" of the file as if it were a size or a name
            j["shape"] = [(d.dim_value if d.dim_value >= 0 else None) if d.HasField("dim_value") else (None if d.dim_param == "?" else d.dim_param or None) for d in tt.shape.dim]
    elif kind == "map_type":
        j["dtype"] = t.map_type.key_type
    elif kind in ("sequence_type", "optional_type"):
        j["elem"] = flat(getattr(t, kind).elem_type)
    return j

wrong, less, more = [], [], 0

def compare(where, mine, other, truth=False):
    global more
    if other["kind"] == "unknown": return
    if mine["kind"] == "unknown": less.append(f"{where}: nothing known, other {other}"); return
    if mine["kind"] != other["kind"]: wrong.append(f"{where}: kind {mine['kind']} against {other['kind']}"); return
    if other["dtype"] and mine["dtype"] != other["dtype"]:
        (wrong if mine["dtype"] else less).append(f"{where}: dtype {mine['dtype']} against {other['dtype']}")
    if "elem" in other and "elem" in mine: compare(where + " elem", mine["elem"], other["elem"], truth)
    a, b = mine["shape"], other["shape"]
    if b is None: more += a is not None; return
    if a is None: less.append(f"{where}: no rank, other {b}"); return
    if len(a) != len(b): wrong.append(f"{where}: rank {a} against {b}"); return
    for x, y in zip(a, b):
        if isinstance(x, int) and isinstance(y, int) and x != y: wrong.append(f"{where}: {a} against {b}"); return
    for x, y in zip(a, b):
        if isinstance(y, int) and not isinstance(x, int): less.append(f"{where}: {a} against {b}"); return
        if isinstance(y, str) and not y.startswith("unk__") and x is None and not truth: less.append(f"{where}: {a} against {b}"); return

compared = 0
for model in models:
    try: m = onnx.load(model, load_external_data=False)
    except Exception: continue
    if model in errors: less.append(f"{model}: {errors[model]}"); continue
    name = model if len(model) < 60 else "/".join(model.split("/")[-2:])
    mine = ours[model]
    inputs = {i.name for i in m.graph.input}
    if args.nodetests and model.startswith(args.nodetests):
        for o in m.graph.output:
            if o.name in mine: compared += 1; compare(f"{name} {mine[o.name]['op']} {o.name} (declared)", mine[o.name], flat(o.type), True)
    for v in list(m.graph.value_info): m.graph.value_info.remove(v)
    for o in m.graph.output:
        if o.name not in inputs: o.type.Clear()
    try: r = onnx.shape_inference.infer_shapes(m, check_type=False, strict_mode=False, data_prop=True)
    except Exception as e: continue
    for v in list(r.graph.value_info) + list(r.graph.output):
        if v.name in mine: compared += 1; compare(f"{name} {mine[v.name]['op']} {v.name} (onnx)", mine[v.name], flat(v.type))

for title, list_ in (("WRONG", wrong), ("LESS", less)):
    for l in list_[:args.limit]: print(title, l)
print(f"{len(models)} models, {compared} types compared, {len(wrong)} wrong, {len(less)} less specific, {more} with a rank that the other lacks")
sys.exit(1 if wrong else 0)
