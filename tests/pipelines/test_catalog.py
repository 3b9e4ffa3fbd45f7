import pytest
import yaml
from google.protobuf.json_format import ParseDict
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from attune.errors import ConfigError
from pipelines.catalog import compile_pipelines, load_pipeline, pipeline_names


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return compile_pipelines(tmp_path_factory.mktemp("compiled"))


def test_every_pipeline_of_the_folder_is_found_and_nothing_else():
    assert pipeline_names() == ["features", "ingestion", "monitoring", "retraining", "training", "tune"]


def test_an_unknown_pipeline_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match=r"no pipeline named 'trainig'; there are: features, ingestion"):
        load_pipeline("trainig")


def test_every_pipeline_compiles_to_what_the_api_server_parses(compiled):
    for file in compiled:
        document = next(iter(yaml.safe_load_all(file.read_text())))
        spec = ParseDict(document, PipelineSpec())
        assert spec.pipeline_info.name == file.stem


def test_compiling_twice_gives_the_same_bytes(compiled, tmp_path):
    again = compile_pipelines(tmp_path)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in compiled]


def test_no_component_installs_anything_when_it_starts(compiled):
    assert not [file.name for file in compiled if "pip install" in file.read_text()]


def test_no_component_that_acts_on_the_workspace_is_answered_from_a_cache(compiled):
    acting = {"build-features", "detect-drift", "evaluate-model", "ingest", "register-model", "tune-model"}
    for file in compiled:
        for name, task in _tasks(next(iter(yaml.safe_load_all(file.read_text())))):
            cached = bool(task.get("cachingOptions", {}).get("enableCache"))
            assert cached is (name not in acting), f"{file.name}: {name}"


def _tasks(document):
    """The tasks that are components, at every depth of the graph."""
    graphs = [document["root"], *document["components"].values()]
    for graph in graphs:
        for task in graph.get("dag", {}).get("tasks", {}).values():
            if "executorLabel" in document["components"][task["componentRef"]["name"]]:
                yield task["taskInfo"]["name"], task
