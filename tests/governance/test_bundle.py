import zipfile
from pathlib import Path

import pytest

from attune.errors import IntegrityError
from attune.governance.bundle import CONTENTS_FILE, check_bundle, write_bundle

FILES = {"card.json": b"{}", "versions/1/manifest.json": b'{"version": 1}'}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    file = tmp_path / "churn.zip"
    file.write_bytes(write_bundle(tmp_path / "keys", "churn", (), FILES))
    return file


def rewritten(bundle: Path, changed: dict[str, bytes | None]) -> Path:
    """The same zip file with other content; None takes a file out."""
    with zipfile.ZipFile(bundle) as packed:
        content: dict[str, bytes | None] = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(bundle, "w") as packed:
        for name, data in (content | changed).items():
            if data is not None:
                packed.writestr(name, data)
    return bundle


def test_a_bundle_holds_what_was_put_in(bundle: Path):
    contents = check_bundle(bundle.parent / "keys", bundle)
    assert contents.subject == "churn"
    assert contents.files.keys() == FILES.keys()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"card.json": b"{ }"}, "card.json in .* was changed"),
        ({"card.json": None}, "card.json was added .* or taken out"),
        ({"more.json": b"{}"}, "more.json was added"),
        ({"../outside.json": b"{}"}, "a place outside"),
        ({"/root.json": b"{}"}, "a place outside"),
        ({CONTENTS_FILE: b"{}"}, "signature does not fit"),
        ({"bundle.sig": b"x" * 64}, "signature does not fit"),
        ({"bundle.sig": None}, "no bundle that can be read"),
    ],
)
def test_whatever_was_changed_is_noticed(bundle: Path, changed: dict[str, bytes | None], said: str):
    with pytest.raises(IntegrityError, match=said):
        check_bundle(bundle.parent / "keys", rewritten(bundle, changed))


def test_another_workspace_did_not_sign_it(bundle: Path, tmp_path: Path):
    other = tmp_path / "other"
    write_bundle(other, "churn", (), FILES)
    with pytest.raises(IntegrityError, match="signature does not fit"):
        check_bundle(other, bundle)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_bundle_is_none(bundle: Path, share: float):
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(IntegrityError, match="ask for it again"):
        check_bundle(bundle.parent / "keys", bundle)
