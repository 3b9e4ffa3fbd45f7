import multiprocessing
import stat
from pathlib import Path

import pytest

from attune.errors import IntegrityError, RegistryError
from attune.governance.signing import (
    PRIVATE_KEY_FILE,
    PUBLIC_KEY_FILE,
    check_signature,
    sign,
    sign_for_workspace,
)

CONTENT = b"version 3 of churn"


def test_what_was_signed_is_accepted_and_signing_is_deterministic(tmp_path: Path) -> None:
    signature = sign(tmp_path, CONTENT)
    check_signature(tmp_path, CONTENT, signature)
    assert sign(tmp_path, CONTENT) == signature


def test_the_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    sign(tmp_path / "keys", CONTENT)
    assert stat.S_IMODE((tmp_path / "keys" / PRIVATE_KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("forged", [b"", b"\0" * 64, b"\0" * 63, b"\xff" * 64, b"00" * 64], ids=repr)
def test_a_forged_signature_is_refused(tmp_path: Path, forged: bytes) -> None:
    sign(tmp_path, CONTENT)
    with pytest.raises(IntegrityError, match="the signature does not fit"):
        check_signature(tmp_path, CONTENT, forged)


def test_another_content_and_another_key_are_refused(tmp_path: Path) -> None:
    signature = sign(tmp_path / "ours", CONTENT)
    with pytest.raises(IntegrityError):
        check_signature(tmp_path / "ours", CONTENT + b"!", signature)
    sign(tmp_path / "theirs", CONTENT)
    with pytest.raises(IntegrityError):
        check_signature(tmp_path / "theirs", CONTENT, signature)


def test_without_a_key_nothing_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no public key can be read"):
        check_signature(tmp_path, CONTENT, b"00" * 64)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    sign(tmp_path, CONTENT)
    (tmp_path / PRIVATE_KEY_FILE).chmod(0o644)
    with pytest.raises(RegistryError, match="has mode 0644, others can read it; wanted 0600"):
        sign(tmp_path, CONTENT)


def test_a_lost_private_key_is_never_silently_replaced(tmp_path: Path) -> None:
    sign(tmp_path, CONTENT)
    (tmp_path / PRIVATE_KEY_FILE).unlink()
    with pytest.raises(RegistryError, match="put back the key"):
        sign(tmp_path, CONTENT)


def test_a_lost_public_key_comes_back_with_the_next_signature(tmp_path: Path) -> None:
    signature = sign(tmp_path, CONTENT)
    (tmp_path / PUBLIC_KEY_FILE).unlink()
    sign(tmp_path, CONTENT)
    check_signature(tmp_path, CONTENT, signature)


def test_the_workspace_s_key_may_come_from_the_environment_and_is_always_the_same_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(tmp_path / "made", CONTENT)
    monkeypatch.setenv("ATTUNE_SIGNING_KEY", (tmp_path / "made" / PRIVATE_KEY_FILE).read_text())
    signature = sign_for_workspace(tmp_path / "pod", CONTENT)
    check_signature(tmp_path / "made", CONTENT, signature)
    check_signature(tmp_path / "pod", CONTENT, signature)
    assert [path.name for path in (tmp_path / "pod").iterdir()] == [PUBLIC_KEY_FILE]
    sign(tmp_path / "other", CONTENT)
    with pytest.raises(RegistryError, match="holds another key than"):
        sign_for_workspace(tmp_path / "other", CONTENT)
    monkeypatch.setenv("ATTUNE_SIGNING_KEY", "secret")
    with pytest.raises(RegistryError, match="holds no private key in PEM"):
        sign_for_workspace(tmp_path / "pod", CONTENT)


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    with fork.Pool(8) as pool:
        signatures = pool.starmap(sign, [(tmp_path, CONTENT)] * 8)
        pool.close()
        pool.join()
    assert len(set(signatures)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [PRIVATE_KEY_FILE, PUBLIC_KEY_FILE]
