"""Seeded inputs of a model as its author would feed it: types, ranks, symbolic dims, and likely meaning by name. The likeliest attempt comes first."""
import re

import ml_dtypes
import numpy as np
from onnx import TensorProto as T
from onnx import helper

# What a symbolic dim is set to, per attempt: (batch, length, image, other).
ATTEMPTS = [(1, 16, 224, 4), (1, 8, 64, 1), (2, 32, 320, 8), (1, 1, 640, 1), (1, 128, 512, 16), (4, 4, 32, 4), (1, 256, 128, 2), (1, 512, 96, 3), (1, 16000, 160, 16000)]

# What only the author of a model knows, by the end of its path: the shape of an input or its value.
KNOWN = {
    "crop_and_resize.onnx": {"input2:0": np.array([0, 1], np.int32)},
    "gh_issue_29071_if_constant_folding.onnx": {"/Gemm_output_0": (20, 20), "/ReduceSum_3_output_0": (20,)},
    "attention_head.onnx": {"input": (100, 100, 100)},
    "test_tensorscatter.onnx": {"write_indices": np.array([0, 2])},
    "test_sequence_model8.onnx": {"X": (6,), "Splits": np.array([1, 2, 3])},
    "silero_vad.onnx": {"input": (1, 512), "state": (2, 1, 128), "sr": np.array(16000)},
    "silero_vad_op13.onnx": {"input": (1, 512), "state": (2, 1, 128), "sr": np.array(16000)},
    "yolo5face_500m_320x320.onnx": {"input": (1, 3, 320, 320)},
    "pipeline_vectorize.onnx": {"float_input": {0: 25.0, 1: 0.5, 2: -3.0}},
    "gh_issue_11717.onnx": {"y": np.arange(12, dtype=np.int32).reshape(3, 4)},
    "three_layer_nested_subgraph_v2.onnx": {"x1.opt": np.array([[1.5, -2.0]], np.float32)},
    "ort_github_issue_17000.onnx": {"seq_in": [np.ones((2, 3), np.float32), np.zeros(4, np.float32)]},
    "sparse_to_dense_matmul.onnx": {"sparse_A": np.diag(np.arange(9, dtype=np.float32))},
    **{f"tiny_gpt2_beamsearch{x}.onnx": {"input_ids": np.array([[5, 60, 7, 18], [9, 8, 70, 6]], np.int32), "max_length": np.array([12], np.int32),
                                         "min_length": np.array([1], np.int32), "num_beams": np.array([4], np.int32),
                                         "num_return_sequences": np.array([2], np.int32), "length_penalty": np.ones(1, np.float32),
                                         "repetition_penalty": np.ones(1, np.float32)} for x in ("", "_with_init_decoder_fp16")},
}


def size_of(d, index, rank, attempt):
    if d.HasField("dim_value") and d.dim_value > 0:
        return d.dim_value
    batch, length, image, other = attempt
    name = d.dim_param.lower()
    if name.startswith("total"):
        return 2 * length
    if "batch" in name or name in ("n", "b", "none") or (index == 0 and not re.search("seq|len|time", name)):
        return batch
    if re.search("seq|len|time|token|word|frame|past", name):
        return length
    if rank == 4 and index >= 1:
        return image if index >= 2 else 3
    return other


def values(name, elem, shape, rng):
    low = name.lower()
    if elem == T.STRING:
        return np.array([f"word{i % 7}" for i in range(int(np.prod(shape, dtype=int)))], dtype=object).reshape(shape)
    dtype = np.dtype(ml_dtypes.bfloat16) if elem == T.BFLOAT16 else helper.tensor_dtype_to_np_dtype(elem)
    if elem == T.BOOL:
        return rng.integers(0, 2, shape).astype(np.bool_)
    if dtype.kind in "iu":
        if "mask" in low:
            return np.ones(shape, dtype)
        if low in ("sr", "sample_rate", "sampling_rate"):
            return np.full(shape, 16000, dtype)
        if "type" in low or "segment" in low:
            return np.zeros(shape, dtype)
        if "position" in low and len(shape):
            return np.broadcast_to(np.arange(shape[-1]), shape).astype(dtype)
        if "len" in low:
            return np.full(shape, 4, dtype)
        return rng.integers(1, 256 if dtype == np.uint8 else 20, shape).astype(dtype)
    return np.ones(shape, dtype) if "mask" in low else rng.random(shape).astype(dtype)


def candidates(model, seed=0, small=False, path=""):
    constants = {i.name for i in model.graph.initializer}
    known = next((k for end, k in KNOWN.items() if str(path).endswith("/" + end)), {})
    for attempt, scale in [(a, 1) for a in ATTEMPTS if not small] + [(a, 0.02) for a in ATTEMPTS[:3]]:
        rng, feeds = np.random.default_rng(seed), {}
        for v in model.graph.input:
            if v.name in constants:
                continue
            given = known.get(v.name)
            if given is not None and not isinstance(given, tuple):
                feeds[v.name] = given
                continue
            if v.type.WhichOneof("value") != "tensor_type":
                raise TypeError(f"input {v.name} is not a tensor")
            dims = v.type.tensor_type.shape.dim
            shape = given or tuple(size_of(d, i, len(dims), attempt) for i, d in enumerate(dims))
            feeds[v.name] = values(v.name, v.type.tensor_type.elem_type, shape, rng)
            if scale != 1 and feeds[v.name].dtype.kind == "f":
                feeds[v.name] = (feeds[v.name] * scale).astype(feeds[v.name].dtype)
        yield feeds
