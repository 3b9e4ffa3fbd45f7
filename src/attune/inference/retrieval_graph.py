"""The graph that screens all items in eight bits and gives those whose score could be among the best.

An item w is stored as whole numbers from -127 to 127 times a scale of its own, a query q as two digits of
seven bits: what is lost of q is next to nothing, and of w the length is stored. By Cauchy and Schwarz the
true score then is at most

    q'w' + |q| |w - w'| + offset

which is what the graph ranks by. Seven bits a digit, because processors without VNNI add two products in
sixteen bits: 2 * 128 * 127 still fits.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from attune.inference.export import OPSET
from attune.inference.retrieval import MIDDLE

# V items, D embedding, C candidates
_IR_VERSION = 10  # what ONNX Runtime reads since 1.18
_ROWS_AT_ONCE = 65_536
_LARGEST_CODE = 127


def retrieval_graph(item_VD: npt.NDArray[np.float32]) -> bytes:
    """The screening graph of a catalogue; the same items give the same bytes.

    Args:
        item_VD: The vector of each item.
    """
    code_DV, scale_V, lost_V = quantise(item_VD)
    weights = {"item": code_DV, "scale": scale_V, "lost": lost_V, "middle": np.uint8(MIDDLE)}
    nodes = [
        helper.make_node("MatMulInteger", ["digits", "item", "middle"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["steps", "wide"], ["sum"]),
        helper.make_node("Mul", ["sum", "scale"], ["screened"]),
        helper.make_node("Mul", ["length", "lost"], ["margin"]),
        helper.make_node("Add", ["screened", "margin"], ["most"]),
        helper.make_node("Add", ["most", "offset"], ["bound"]),
        helper.make_node("TopK", ["bound", "count"], ["bounds", "codes"], axis=1, sorted=1),
    ]
    size, dimension = item_VD.shape
    inputs = [
        helper.make_tensor_value_info("digits", TensorProto.UINT8, [2, dimension]),
        helper.make_tensor_value_info("steps", TensorProto.FLOAT, [1, 2]),
        helper.make_tensor_value_info("length", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("offset", TensorProto.FLOAT, [size]),
        helper.make_tensor_value_info("count", TensorProto.INT64, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("bounds", TensorProto.FLOAT, [1, "C"]),
        helper.make_tensor_value_info("codes", TensorProto.INT64, [1, "C"]),
    ]
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "retrieval", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="attune")
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def quantise(
    item_VD: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Eight-bit codes [D, V], the scale of each item [V] and the length of what its codes lose [V]."""
    size, dimension = item_VD.shape
    code_DV = np.empty((dimension, size), dtype=np.int8)
    scale_V, lost_V = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    for start in range(0, size, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        vectors = item_VD[rows].astype(np.float64)
        scale = np.abs(vectors).max(axis=1, initial=0.0).astype(np.float32) / _LARGEST_CODE
        scale[scale == 0] = 1.0
        codes = np.clip(np.rint(vectors / scale[:, None]), -_LARGEST_CODE, _LARGEST_CODE)
        code_DV[:, rows] = codes.T
        scale_V[rows] = scale
        lost_V[rows] = np.linalg.norm(vectors - codes * scale[:, None], axis=1)
    return code_DV, scale_V, lost_V
