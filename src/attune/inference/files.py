"""The files of a version that answer, beside those that training left."""

from pathlib import Path

from attune.inference.sample import check_samples, read_samples
from attune.inference.session import Graph

GRAPH_FILE = "graph.onnx"
SAMPLE_FILE = "graph.safetensors"
RETRIEVAL_FILE = "retrieval.onnx"
INDEX_FILE = "index.faiss"
INDEX_DOCUMENT = "index.json"
CONTRACT_FILE = "contract.json"
ATTRIBUTION_FILE = "attribution.onnx"
ATTRIBUTION_SAMPLE_FILE = "attribution.safetensors"


def open_graph(folder: Path, graph_file: str = GRAPH_FILE, sample_file: str = SAMPLE_FILE) -> Graph:
    """Read a graph of a version, and make sure that it still answers as the trained network did.

    Raises:
        ModelError: A file is missing or unreadable, or the answers differ.
    """
    graph = Graph.read(folder / graph_file)
    check_samples(graph, read_samples(folder / sample_file), str(folder / graph_file))
    return graph
