import json
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from markupsafe import escape

from attune.config import Workspace
from monitoring.console.guard import POLICY
from tests.monitoring.console.governed import PREDICTION, make_workspace
from tests.monitoring.console.running import console
from tests.monitoring.test_pages import PAYLOADS, Elements

VERSION = "/use-cases/churn/versions/1"
READ = [
    "/",
    "/audit",
    "/rights",
    f"/chain?prediction_id={PREDICTION}",
    "/use-cases/churn",
    "/use-cases/churn/drift",
    VERSION,
    f"{VERSION}/card",
    f"{VERSION}/datasheet",
    f"{VERSION}/decide",
]
WITH_TWIN = [page for page in READ if not page.endswith("decide")]


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src", "action") and value]


def twin(page: str) -> str:
    path, mark, query = page.partition("?")
    return f"{'/index' if path == '/' else path}.json{mark}{query}"


@pytest.mark.parametrize("page", READ)
def test_every_answer_forbids_scripts_frames_and_copies(address: str, page: str):
    answer = httpx.get(address + page)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert not {"script", "style", "iframe", "img"} & Elements(answer.text).names
    assert not {"style", "onclick", "onload"} & Elements(answer.text).attributes


def test_an_answer_that_is_no_page_carries_the_policy_too(address: str):
    for answer in (httpx.get(f"{address}/nothing"), httpx.get(address, headers={"host": "evil.example"})):
        assert answer.status_code in (400, 404)
        assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("page", WITH_TWIN)
def test_every_page_has_a_json_twin(address: str, page: str):
    answer = httpx.get(address + twin(page))
    assert answer.status_code == 200
    assert "generated_at" in answer.json()


def test_no_link_leads_nowhere_or_out(address: str):
    seen, left = set(), list(READ)
    while left:
        page = left.pop()
        for link in Links(httpx.get(address + page).text).found:
            target = httpx.URL(address + page).join(link)
            assert str(target).startswith(address), link
            path = str(target)[len(address) :].partition("#")[0]
            if path not in seen:
                seen.add(path)
                assert httpx.get(address + path).status_code == 200, path
    assert f"{VERSION}/files/fairness.json" in seen
    assert "/use-cases/churn/bundle.zip" in seen


def test_an_auditor_finds_the_answers_by_script(address: str):
    case = httpx.get(f"{address}/use-cases/churn.json").json()
    assert case["word"] == "LOOK"
    assert case["serving"]["version"] == 1
    assert case["serving"]["approved_by"] == "ann"
    assert case["serving"]["author"] == "bob"
    states = {shown["lamp"]["name"]: shown["lamp"]["state"] for shown in case["lamps"]}
    assert states == {
        "quality": "warn",
        "drift": "warn",
        "fairness": "ok",
        "rights": "warn",
        "integrity": "ok",
    }
    assert case["lamps"][0]["lamp"]["figure"]["values"]["value"] == 0.8
    assert [wait["version"] for wait in case["waiting"]] == [2]
    assert {moment["kind"] for moment in case["moments"]} >= {"promoted", "approved", "drifted", "triggered"}
    assert [pair["now"]["verdict"] for pair in case["fairness"]["rows"]][-1] == "not enough data"


def test_answers_beyond_a_limit_are_on_the_page_and_the_lamp_of_quality_warns(address: str):
    page = httpx.get(f"{address}/use-cases/churn.json").json()
    assert [check["word"] for check in page["served"]["checks"]] == ["beyond", "not computed"]
    quality = next(each for each in page["lamps"] if each["lamp"]["name"] == "quality")
    assert quality["lamp"]["said"]["text"] == "Its answers are beyond a limit: Novelty."
    assert (quality["lamp"]["state"], quality["evidence"]) == ("warn", "/use-cases/churn#answers")
    assert "What it answers" in httpx.get(f"{address}/use-cases/churn").text


def test_the_chain_box_leads_from_an_answer_to_the_approval(address: str):
    links = httpx.get(f"{address}/chain.json?prediction_id={PREDICTION}").json()["links"]
    found = {link["check"]["what"]: link["state"] for link in links}
    assert found["the version"] == "holds"
    assert found["an approval"] == "holds"
    assert {"the training data", "the feature service", "the code"} <= found.keys()


def test_a_file_that_was_changed_is_not_shown_and_the_page_says_stop(workspace: Workspace):
    file = workspace.models / "churn" / "1" / "fairness.json"
    file.write_text(file.read_text().replace("0.79", "0.99"))
    with console(workspace) as address:
        case = httpx.get(f"{address}/use-cases/churn.json").json()
        assert case["word"] == "STOP"
        assert "fairness.json" in case["sentence"]["text"]
        assert case["fairness"] is None
        assert httpx.get(f"{address}{VERSION}/files/fairness.json").status_code == 404


def test_a_log_that_was_cut_is_said_on_the_page_and_nothing_else_is(workspace: Workspace):
    heads = workspace.root / "registry.heads"
    heads.unlink()
    with console(workspace) as address:
        answer = httpx.get(f"{address}/use-cases/churn.json")
        assert answer.status_code == 409
        assert answer.json().keys() == {"error", "word"}
        assert answer.json()["word"] == "STOP"
        assert "signed heads are gone" in httpx.get(f"{address}/").text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_browser_is_answered_in_its_language(address: str, language: str):
    answer = httpx.get(f"{address}/use-cases/churn", headers={"accept-language": f"{language}, xx"})
    assert f'<html lang="{language}">' in answer.text
    assert ("ПОСМОТРЕТЬ" in answer.text) == (language == "ru")


def test_a_chosen_language_stays(address: str):
    with httpx.Client(base_url=address) as client:
        client.get("/?lang=ru")
        assert '<html lang="ru">' in client.get("/rights").text


def test_no_payload_in_any_field_becomes_markup(tmp_path: Path):
    text = " ".join(PAYLOADS)
    with console(make_workspace(tmp_path / "clean")) as address:
        clean = {page: Elements(httpx.get(address + page).text) for page in READ}
    with console(make_workspace(tmp_path / "poisoned", text)) as address:
        for page in READ:
            found = httpx.get(address + page).text
            assert not any(payload in found for payload in PAYLOADS if "{{" not in payload), page
            assert Elements(found).names <= clean[page].names, page
            assert Elements(found).attributes <= clean[page].attributes, page
        assert str(escape(PAYLOADS[0])) in httpx.get(f"{address}{VERSION}/card").text
        twin_of = json.loads(httpx.get(f"{address}/use-cases/churn.json").text)
        assert twin_of["serving"]["reason"] == text
