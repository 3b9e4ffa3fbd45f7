import os
import stat

import pandas as pd
import pytest

from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key, pseudonymise, workspace_key
from attune.errors import DataError


def test_a_pseudonym_is_the_hmac_of_the_id():
    ids = pd.Series(["ann", "bob", None, "ann"], index=[3, 4, 5, 6])
    names = pseudonymise(b"k" * 32, ids)
    # printf ann | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert names[3] == names[6] == "c_8adee30bc7f03373ea62a78320e36f1b"
    assert names[4].startswith("c_")
    assert names[4] != names[3]
    assert names.isna().tolist() == [False, False, True, False]


def test_another_key_gives_other_pseudonyms():
    ids = pd.Series(["ann"])
    assert pseudonymise(b"k" * 32, ids)[0] != pseudonymise(b"l" * 32, ids)[0]


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "keys" / "pseudonyms.key"
    key = load_or_make_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_make_key(path) == key
    assert [each.name for each in path.parent.iterdir()] == ["pseudonyms.key"]


def test_tables_without_their_key_are_refused_before_a_new_key_makes_strangers_of_all(tmp_path):
    workspace = Workspace(root=tmp_path)
    first = workspace_key(workspace)
    workspace.tables.mkdir()
    (workspace.tables / "customers.parquet").touch()
    assert workspace_key(workspace) == first
    workspace.pseudonym_key.unlink()
    with pytest.raises(DataError, match=r"pseudonym key .* is gone; restore it"):
        workspace_key(workspace)
    assert not workspace.pseudonym_key.exists()


def test_processes_that_start_at_once_share_one_key(tmp_path):
    path = tmp_path / "key"
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            (tmp_path / f"seen-{number}").write_bytes(load_or_make_key(path))
            os._exit(0)
        children.append(child)
    assert all(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 for child in children)
    assert {seen.read_bytes() for seen in tmp_path.glob("seen-*")} == {path.read_bytes()}


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "key"
    load_or_make_key(path)
    path.chmod(0o640)
    with pytest.raises(DataError, match="mode 0640, so others can read it; run chmod 600"):
        load_or_make_key(path)


def test_a_short_key_is_refused(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(DataError, match="5 bytes, at least 32 are needed"):
        load_or_make_key(path)
