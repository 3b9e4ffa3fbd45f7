from attune.config import Workspace
from serving.process import METRICS_VARIABLES, environment
from serving.settings import ServingSettings


def test_where_a_server_counts_is_not_inherited(tmp_path, monkeypatch):
    for name in METRICS_VARIABLES:
        monkeypatch.setenv(name, "")  # prometheus_client would count in the current folder
    variables = environment(Workspace(root=tmp_path), ServingSettings(), 3000)
    assert not variables.keys() & set(METRICS_VARIABLES)


def test_temporary_files_are_the_servers_own_and_those_of_a_killed_server_are_removed(tmp_path):
    workspace = Workspace(root=tmp_path)
    folder = workspace.runs / "serving" / "3000" / "tmp"
    folder.mkdir(parents=True)
    (folder / "bentoml-client-of-yesterday").mkdir()
    variables = environment(workspace, ServingSettings(), 3000)
    assert variables["TMPDIR"] == str(folder)
    assert list(folder.iterdir()) == []
