from pathlib import Path

import pytest

from attune.errors import IntegrityError, RegistryError
from attune.governance.manifest import Manifest, check_files, check_name, digest_files

REFUSED = [
    "",
    "c",
    "Churn",
    "../x",
    "/etc",
    "--help",
    "-u",
    "a b",
    "a\0",
    "a\n",
    "a/b",
    "é",
    "a" * 64,
    "1st",
    "a_b",
]


@pytest.mark.parametrize("name", ["churn", "recommend", "a1", "a-b-c", "a" * 63])
def test_a_plain_name_is_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_a_tool_could_misread_is_refused(name: str) -> None:
    with pytest.raises(RegistryError, match="is not a model name"):
        check_name(name)


def test_untouched_files_pass(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.json").write_text("{}")
    check_files(tmp_path, digest_files(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"weighs", "a.json .* was changed"),
        (b"weigh", "was changed: 5 bytes"),
        (b"weightss", "8 bytes"),
        (b"", "0"),
    ],
    ids=["one bit", "cut", "longer", "empty"],
)
def test_a_changed_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.json").write_bytes(b"weight")
    wanted = digest_files(tmp_path)
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(IntegrityError, match=said):
        check_files(tmp_path, wanted)


def test_a_missing_and_an_extra_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    wanted = digest_files(tmp_path)
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    with pytest.raises(IntegrityError, match=r"a\.json is missing"):
        check_files(tmp_path, wanted)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"b\.json .* is not in the manifest"):
        check_files(tmp_path, wanted)


def test_a_link_is_no_file_of_a_version(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to("/etc/hostname")
    with pytest.raises(IntegrityError, match=r"a\.json .* is a link"):
        digest_files(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"name": NaN}'])
def test_bytes_that_are_no_manifest_are_refused(content: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"manifest\.json is not a manifest"):
        Manifest.from_bytes(content)
