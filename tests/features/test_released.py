import json
from pathlib import Path

import pytest

from attune.adapters.feast import FEATURE_REPO
from attune.errors import FeatureError
from attune.features.released import audit_released, released, require_released_unchanged


def recorded(folder: Path, **services: str) -> Path:
    (folder / "released.json").write_text(json.dumps(services))
    return folder


def test_what_is_released_is_as_it_was():
    assert set(released(FEATURE_REPO)) >= {"churn_v1", "recommend_v1", "popularity_v1"}
    assert audit_released(FEATURE_REPO) == []


def test_an_edited_and_a_missing_service_are_named(tmp_path):
    folder = recorded(tmp_path, churn_v1="0" * 64, gone_v1="1" * 64)
    edited, gone = audit_released(folder)
    assert "churn_v1 is released but its features are others now" in edited
    assert "gone_v1 is released but no longer declared" in gone
    with pytest.raises(FeatureError, match=r"churn_v1 .* gone_v1"):
        require_released_unchanged(folder)


def test_a_missing_record_is_refused_in_words(tmp_path):
    with pytest.raises(FeatureError, match=r"released\.json cannot be read"):
        audit_released(tmp_path)
