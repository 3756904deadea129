#!/usr/bin/env python3
"""Writes tests/models/made: small files that together use every message and field of the ONNX schema. Corpus of the fuzzer and of the round trip.

  make_fixtures.py OUT_DIR        needs the onnx package; the files are checked in, so this runs only when a fixture changes
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto as A
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

F, I64, B = T.FLOAT, T.INT64, T.BOOL


def value(name, kind=F, shape=("N", 4)):
    return h.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, inits=(), opset=17, ir=8, domains=(), functions=(), **more):
    g = h.make_graph(nodes, "made", inputs, outputs, list(inits), **more)
    imports = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
    return h.make_model(g, opset_imports=imports, ir_version=ir, functions=list(functions), producer_name="make_fixtures")


def control_flow():
    inner = h.make_graph([h.make_node("Add", ["x", "h"], ["deep"])], "inner", [], [value("deep")])
    other = h.make_graph([h.make_node("Identity", ["x"], ["same"])], "other", [], [value("same")])
    branch = h.make_graph([h.make_node("Relu", ["x"], ["h"]), h.make_node("If", ["c"], ["r"], then_branch=inner, else_branch=other)], "branch", [], [value("r")])
    plain = h.make_graph([h.make_node("Mul", ["x", "w"], ["r"])], "plain", [], [value("r")], [nh.from_array(np.float32([2]), "w")])
    body = h.make_graph([h.make_node("Identity", ["go"], ["again"]), h.make_node("Add", ["s", "x"], ["s2"])], "body",
                        [value("i", I64, []), value("go", B, []), value("s")], [value("again", B, []), value("s2"), value("s2")])
    scan = h.make_graph([h.make_node("Add", ["a", "b"], ["a2"]), h.make_node("Identity", ["a2"], ["o"])], "scan", [value("a", F, []), value("b", F, [])],
                        [value("a2", F, []), value("o", F, [])])
    nodes = [h.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=plain), h.make_node("Loop", ["n", "c", "y"], ["z", "all"], body=body),
             h.make_node("ReduceSum", ["z"], ["flat"], keepdims=0), h.make_node("Squeeze", ["v"], ["line"]),
             h.make_node("Scan", ["flat", "line"], ["last", "sums"], body=scan, num_scan_inputs=1)]
    return model(nodes, [value("x"), value("c", B, []), value("n", I64, []), value("v", F, [1, 5])], [value("z"), value("all", F, None), value("sums", F, [5])])


def functions():
    ref = onnx.AttributeProto(name="alpha", type=A.FLOAT, ref_attr_name="slope")
    leaky = h.make_node("LeakyRelu", ["a"], ["t"])
    leaky.attribute.append(ref)
    two = h.make_node("Constant", [], ["two"], value=nh.from_array(np.float32(2), "two_value"))
    body = [leaky, two, h.make_node("Mul", ["t", "two"], ["b"])]
    f = h.make_function("local", "scaled", ["a"], ["b"], body, [h.make_opsetid("", 17)], attributes=[], attribute_protos=[h.make_attribute("slope", 0.1)])
    g = h.make_function("local", "twice", ["a"], ["c"], [h.make_node("scaled", ["a"], ["m"], domain="local", slope=0.5), h.make_node("scaled", ["m"], ["c"], domain="local")],
                        [h.make_opsetid("", 17), h.make_opsetid("local", 1)])
    f.doc_string = "a function"
    f.metadata_props.add(key="k", value="v")
    f.value_info.append(value("t"))
    m = model([h.make_node("twice", ["x"], ["y"], domain="local")], [value("x")], [value("y")], domains=["local"], functions=[f, g], ir=10)
    return m


def containers():
    seq = h.make_sequence_type_proto(h.make_tensor_type_proto(F, ["N", 4]))
    opt = h.make_optional_type_proto(seq)
    mp = h.make_map_type_proto(I64, h.make_tensor_type_proto(F, []))
    nodes = [h.make_node("SequenceConstruct", ["x", "x"], ["s"]), h.make_node("Optional", ["s"], ["o"]), h.make_node("OptionalGetElement", ["o"], ["s2"]),
             h.make_node("SequenceAt", ["s2", "i"], ["y"]), h.make_node("Optional", [], ["none"], type=h.make_tensor_type_proto(F, [3])),
             h.make_node("Passes", ["m"], ["m2"], domain="custom")]
    infos = [h.make_value_info("o", opt), h.make_value_info("s", seq, doc_string="a sequence")]
    return model(nodes, [value("x"), value("i", I64, []), h.make_value_info("m", mp)], [value("y"), h.make_value_info("m2", mp), h.make_value_info("none", h.make_optional_type_proto(h.make_tensor_type_proto(F, [3])))],
                 value_info=infos, domains=["custom"], opset=18)


def every_type():
    inits = []
    for name, number in T.DataType.items():
        if number in (T.UNDEFINED, T.STRING):
            continue
        a = np.arange(5).astype(h.tensor_dtype_to_np_dtype(number))
        raw, typed = nh.from_array(a, f"raw_{name}"), h.make_tensor(f"typed_{name}", number, [5], a)
        inits += [raw, typed]
    inits.append(h.make_tensor("strings", T.STRING, [2, 1], [b"a", b""]))
    inits.append(h.make_tensor("empty", F, [0, 3], []))
    inits[0].doc_string = "with notes"
    inits[0].metadata_props.add(key="k", value="v")
    return model([h.make_node("Identity", ["strings"], ["y"])], [], [value("y", T.STRING, [2, 1])], inits, opset=25, ir=13)


def attributes():
    sparse = h.make_sparse_tensor(nh.from_array(np.float32([1, 2]), "sv"), nh.from_array(np.int64([0, 3]), "si"), [5])
    g = h.make_graph([h.make_node("Neg", ["x"], ["n"])], "sub", [], [value("n")])
    t = h.make_tensor_type_proto(F, [2])
    a = dict(f=1.5, i=-1, s=b"text", t=nh.from_array(np.arange(3.0)), g=g, floats=[1.0, 2.0], ints=[1, -2], strings=["a", "b"], tensors=[nh.from_array(np.int32(7))], graphs=[g, g],
             sparse=sparse, tp=t)
    node = h.make_node("Everything", ["x", "", "x"], ["y", "", "z"], name="n", domain="custom", overload="o", doc_string="doc", **a)
    node.attribute.append(h.make_attribute("no_ints", [], attr_type=A.INTS))
    node.attribute.append(h.make_attribute("types", [t, t]))
    node.attribute.append(h.make_attribute("sparses", [sparse]))
    node.metadata_props.add(key="k", value="v")
    d = node.device_configurations.add(configuration_id="two", pipeline_stage=1)
    d.sharding_spec.add(tensor_name="x", device=[0, 1])
    m = model([node], [value("x")], [value("y"), value("z")], domains=["custom"], ir=11, doc_string="graph doc", sparse_initializer=[sparse])
    m.configuration.add(name="two", num_devices=2, device=["a", "b"])
    q = m.graph.quantization_annotation.add(tensor_name="y")
    q.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="x")
    m.graph.metadata_props.add(key="k", value="v")
    m.metadata_props.add(key="k", value="v")
    m.graph.input[0].metadata_props.add(key="k", value="v")
    m.graph.input[0].type.denotation = "IMAGE"
    m.graph.input[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    m.training_info.add().initialization.name = "training"
    m.model_version, m.domain, m.doc_string, m.producer_version = 3, "here", "doc", "1"
    return m


def unsorted():
    nodes = [h.make_node("Exp", ["b"], ["y"], "twin"), h.make_node("Abs", ["a"], ["b"], "twin"), h.make_node("Neg", ["x"], ["a"], "twin")]
    return model(nodes, [value("x", F, [-1, 0]), value("w", F, [1])], [value("y", F, None)], [nh.from_array(np.float32([1]), "w")], ir=3)


def external(folder):
    w = nh.from_array(np.arange(64, dtype=np.float32).reshape(4, 16), "w")
    b = nh.from_array(np.arange(16, dtype=np.float32), "b")
    m = model([h.make_node("MatMul", ["x", "w"], ["xw"]), h.make_node("Add", ["xw", "b"], ["y"])], [value("x")], [value("y", F, ["N", 16])], [w, b])
    onnx.save_model(m, folder / "external.onnx", save_as_external_data=True, location="external.onnx.data", size_threshold=0)


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for make in (control_flow, functions, containers, every_type, attributes, unsorted):
        onnx.save(make(), out / f"{make.__name__}.onnx")
    external(out)


if __name__ == "__main__":
    main()
