import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from attune.config import HOME_VARIABLE
from attune.governance.lineage import URL_VARIABLE, step


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return tmp_path


def events(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "lineage.jsonl").read_text().splitlines()]


def test_a_step_says_what_it_read_what_it_made_and_that_it_ended(home: Path) -> None:
    with step("train_model", [str(home / "features")], ["models/churn"]) as running:
        running.made(str(home / "features"), "a1")
    start, end = events(home)
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    (read,) = end["inputs"]
    assert (read["name"], read["facets"]["version"]["datasetVersion"]) == ("features", "a1")
    assert [made["name"] for made in end["outputs"]] == ["models/churn"]


def test_a_step_that_fails_says_so_without_repeating_the_message(home: Path) -> None:
    with pytest.raises(ValueError, match="customer 17"), step("train_model"):
        raise ValueError("customer 17 is odd")
    assert events(home)[-1]["eventType"] == "FAIL"
    assert events(home)[-1]["run"]["facets"]["errorMessage"]["message"] == "ValueError"
    assert "customer" not in (home / "lineage.jsonl").read_text()


def test_an_event_is_what_openlineage_s_own_client_would_write(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openlineage.client import event_v2 as ol
    from openlineage.client.facet_v2 import dataset_version_dataset, parent_run
    from openlineage.client.serde import Serde

    monkeypatch.setenv("KFP_RUN_ID", "run 7")
    with step("train_model", ["features"], ["models"]) as running:
        running.made("features", "a1")
    ours = events(home)[-1]
    parent = ours["run"]["facets"]["parent"]
    theirs = ol.RunEvent(
        eventType=ol.RunState.COMPLETE,
        eventTime=ours["eventTime"],
        producer="urn:attune",
        run=ol.Run(
            runId=ours["run"]["runId"],
            facets={
                "parent": parent_run.ParentRunFacet(
                    run=parent_run.Run(runId=parent["run"]["runId"]),
                    job=parent_run.Job(namespace="attune", name="pipeline"),
                    producer="urn:attune",
                )
            },
        ),
        job=ol.Job(namespace="attune", name="train_model"),
        inputs=[
            ol.InputDataset(
                namespace="attune",
                name="features",
                facets={
                    "version": dataset_version_dataset.DatasetVersionDatasetFacet(
                        datasetVersion="a1", producer="urn:attune"
                    )
                },
            )
        ],
        outputs=[ol.OutputDataset(namespace="attune", name="models")],
    )
    assert bare(ours) == bare(Serde.to_dict(theirs))


def bare(document: Any) -> Any:
    """Without the addresses of schemas, and without what is empty."""
    if isinstance(document, dict):
        kept = {key: bare(value) for key, value in document.items() if not key.lower().endswith("schemaurl")}
        return {key: value for key, value in kept.items() if value not in ({}, [], None)}
    if isinstance(document, list):
        return [bare(value) for value in document]
    return document


class Collector(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    received: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append({"path": self.path, **json.loads(body)})
        self.send_response(201)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    Collector.received = []
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_events_go_to_a_collector_and_one_that_is_away_stops_nothing(
    home: Path, collector: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{collector.server_port}/")
    with step("train_model"):
        pass
    assert [(event["path"], event["eventType"]) for event in Collector.received] == [
        ("/api/v1/lineage", "START"),
        ("/api/v1/lineage", "COMPLETE"),
    ]
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:9")
    with step("train_model"):
        pass
    assert "the collector does not answer" in capsys.readouterr().out
    monkeypatch.setenv(URL_VARIABLE, "file:///etc/passwd")
    with step("train_model"):
        pass
    assert len(events(home)) == 6
