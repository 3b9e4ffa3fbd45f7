import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attune.errors import RegistryError
from attune.governance.requirements import require_promotable
from tests.governance.test_approvals import manifest
from tests.presentable import make_presentable


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def change(name: str, **values: object) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        document = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(document | values))

    return apply


def silent_card(folder: Path) -> None:
    document = json.loads((folder / "model_card.json").read_text())
    document["sections"][7]["sentences"] = [" "]
    (folder / "model_card.json").write_text(json.dumps(document))


MISSING: dict[str, tuple[Callable[[Path], None], str]] = {
    "no verdict": (without("decision.json"), "no verdict of the gate"),
    "another's verdict": (change("decision.json", model="recommend"), "no verdict of the gate"),
    "kept": (change("decision.json", verdict="kept"), "the gate's verdict is 'kept', so a person must"),
    "no table": (without("fairness.json"), "no fairness table"),
    "an empty table": (change("fairness.json", rows=[]), "no fairness table"),
    "nothing simple": (change("evaluation.json", differences=[]), "no comparison with a simple model"),
    "no search": (without("search.json"), "no record of the search behind its settings"),
    "another's search": (change("search.json", candidate="blend"), "no record of the search"),
    "no trial": (change("search.json", trials=[]), "no record of the search"),
    "no card": (without("model_card.json"), "no model card"),
    "not nine sections": (change("model_card.json", sections=[]), "no model card"),
    "an empty section": (silent_card, "says nothing about: Ethical considerations"),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_stands_against_a_promotion_and_is_named(missing: str, tmp_path: Path) -> None:
    make_presentable(tmp_path)
    require_promotable(tmp_path, manifest(), approved=False, refused=[])
    spoil, said = MISSING[missing]
    spoil(tmp_path)
    with pytest.raises(RegistryError, match=said):
        require_promotable(tmp_path, manifest(), approved=False, refused=[])


def test_a_person_s_word_outweighs_the_gate_but_no_missing_document(tmp_path: Path) -> None:
    make_presentable(tmp_path)
    MISSING["kept"][0](tmp_path)
    require_promotable(tmp_path, manifest(), approved=True, refused=[])
    (tmp_path / "fairness.json").unlink()
    with pytest.raises(RegistryError, match="no fairness table"):
        require_promotable(tmp_path, manifest(), approved=True, refused=[])


def test_a_model_whose_policy_asks_for_a_person_waits_for_one(tmp_path: Path) -> None:
    make_presentable(tmp_path)
    careful = manifest().model_copy(update={"approval": "person"})
    with pytest.raises(RegistryError, match=r"a person must approve it first.*; it was forged"):
        require_promotable(tmp_path, careful, approved=False, refused=["it was forged"])
    require_promotable(tmp_path, careful, approved=True, refused=[])
