import hashlib
import json

import numpy as np
import pytest

from attune.config import Workspace
from attune.errors import ModelError
from attune.inference.files import CONTRACT_FILE
from attune.inference.graphs import open_model
from attune.packaging import DIGESTS_FILE, write_package
from tests.inference.networks import learning
from tests.packages import NOW, registered


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    home = tmp_path_factory.mktemp("packaging")
    return registered(Workspace(root=home / "workspace"), "recommend", "transformer", home / "trained")


def test_a_package_answers_as_its_version_does(version, tmp_path):
    write_package(version.folder, version.manifest, tmp_path / "package")
    examples = learning("transformer", rows=5, seed=3)
    found, scores = open_model("transformer", tmp_path / "package").recommend(examples, 5)
    wanted, wanted_scores = open_model("transformer", version.folder).recommend(examples, 5)
    assert (found == wanted).all()
    np.testing.assert_array_equal(scores, wanted_scores)


def test_a_package_of_a_scorer_explains_too(tmp_path):
    found = registered(Workspace(root=tmp_path / "workspace"), "churn", "churn_network", tmp_path / "trained")
    write_package(found.folder, found.manifest, tmp_path / "package")
    row = learning("churn_network", rows=1).to_dict("records")[0]
    answers = [
        open_model("churn_network", place).score_and_explain([row], NOW)[0][1]
        for place in (tmp_path / "package", found.folder)
    ]
    assert answers[0] == answers[1]


def test_a_package_says_what_its_graphs_take_and_what_its_files_are(version, tmp_path):
    write_package(version.folder, version.manifest, tmp_path / "package")
    contract = json.loads((tmp_path / "package" / CONTRACT_FILE).read_text())
    assert (contract["model"], contract["version"], contract["algorithm"]) == ("recommend", 1, "transformer")
    items, places = contract["graphs"]["graph.onnx"]["inputs"]
    assert items == {"name": "items", "type": "tensor(float)", "shape": ["places", 16]}
    assert places == {"name": "places", "type": "tensor(int64)", "shape": ["places"]}
    lines = (tmp_path / "package" / DIGESTS_FILE).read_text().splitlines()
    listed = dict(line.split("  ")[::-1] for line in lines)
    files = {path.name for path in (tmp_path / "package").iterdir()} - {DIGESTS_FILE}
    assert listed.keys() == files
    for name, digest in listed.items():
        assert hashlib.sha256((tmp_path / "package" / name).read_bytes()).hexdigest() == digest


def test_a_package_is_never_written_over_another(version, tmp_path):
    with pytest.raises(ModelError, match="there already"):
        write_package(version.folder, version.manifest, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_without_a_graph_is_refused(version, tmp_path):
    simple = version.manifest.model_copy(update={"algorithm": "popularity"})
    with pytest.raises(ModelError, match="is a popularity, which has no graph"):
        write_package(version.folder, simple, tmp_path / "package")
