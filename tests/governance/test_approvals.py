import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attune.errors import IntegrityError, RegistryError
from attune.governance.approvals import Approval, approve, check_approval, first_valid
from attune.governance.manifest import Manifest
from attune.governance.people import check_person, this_person
from tests.test_registry import origin

NOW = datetime.now(UTC)


def manifest(version: int = 1, author: str = "ann") -> Manifest:
    made = origin(version, author=author).model_dump()
    return Manifest(**made, version=version, parent=None, created_at=NOW, files={})


def test_an_approval_binds_the_manifest_and_what_was_shown(tmp_path: Path) -> None:
    approval = approve(tmp_path, manifest(), "the card", "bob", "fair enough")
    check_approval(tmp_path, approval, manifest(), datetime.now(UTC))
    assert Approval.from_bytes(approval.to_bytes()) == approval
    other = approve(tmp_path, manifest(), "another card", "bob", "fair enough")
    assert other.statement.shown != approval.statement.shown


def test_the_author_cannot_approve_and_nobody_without_a_reason(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="ann asked for version 1 of churn and cannot approve it"):
        approve(tmp_path, manifest(), "the card", "ann", "mine")
    with pytest.raises(RegistryError, match="needs a reason"):
        approve(tmp_path, manifest(), "the card", "bob", "  ")


def forged(approval: Approval, **changes: object) -> Approval:
    return approval.model_copy(update={"statement": approval.statement.model_copy(update=changes)})


def test_forged_replayed_and_old_approvals_are_refused_and_named(tmp_path: Path) -> None:
    approval = approve(tmp_path, manifest(), "the card", "bob", "fair enough")
    approve(tmp_path, manifest(), "the card", "eve", "me too")
    refused = {
        "was not signed by them": forged(approval, reason="excellent"),
        "by 'eve' was not signed by them": forged(approval, approver="eve"),
        "by 'mallory' was not signed by them": forged(approval, approver="mallory"),
        "is by its author": forged(approval, approver="ann"),
        "is about version 2": forged(approval, version=2),
        "held from": forged(approval, until=NOW - timedelta(days=1)),
        "by '../bob' was not signed": forged(approval, approver="../bob"),
    }
    for said, document in refused.items():
        with pytest.raises(IntegrityError, match=said):
            check_approval(tmp_path, document, manifest(), datetime.now(UTC))
    with pytest.raises(IntegrityError, match="other content of it"):
        check_approval(tmp_path, approval, manifest(author="carol"), datetime.now(UTC))
    with pytest.raises(IntegrityError, match="held from"):
        check_approval(tmp_path, approval, manifest(), NOW + timedelta(days=31))


def test_the_first_approval_that_holds_counts_and_the_others_are_explained(tmp_path: Path) -> None:
    good = approve(tmp_path, manifest(), "the card", "bob", "fair enough")
    documents = [b"{}", forged(good, reason="x").to_bytes(), good.to_bytes()]
    found, refused = first_valid(tmp_path, documents, manifest(), datetime.now(UTC))
    assert found == good
    assert len(refused) == 2


def test_where_only_the_public_key_is_nobody_signs(tmp_path: Path) -> None:
    approve(tmp_path / "hers", manifest(), "the card", "bob", "fair enough")
    public = tmp_path / "server" / "people" / "bob"
    public.mkdir(parents=True)
    shutil.copy(tmp_path / "hers" / "people" / "bob" / "signing.pub.pem", public)
    with pytest.raises(RegistryError, match=r"signing\.pem is missing"):
        approve(tmp_path / "server", manifest(), "the card", "bob", "fair enough")


@pytest.mark.parametrize("name", ["", "../x", "/etc", "--help", ".", "a/b", "a\0", "Ann", "a..b", "x" * 300])
def test_a_person_s_name_is_no_path(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegistryError, match="is no name of a person"):
        check_person(name)
    monkeypatch.setenv("ATTUNE_PERSON", "Ann.Lee@example.com")
    assert this_person() == "ann.lee@example.com"
