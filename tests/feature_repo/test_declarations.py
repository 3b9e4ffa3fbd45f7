"""What feature_repo declares is what the library computes: names, types, lifetimes, owners, services."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from feast import Entity, FeatureService, FeatureView
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.types import Array, Float64, Int64, String

from attune.adapters.feast import FEATURE_REPO
from attune.adapters.feast_definitions import load_definitions
from attune.config import Workspace
from attune.features.schema import SERVICES, VIEWS

TYPES = {
    "string": String,
    "int64": Int64,
    "float64": Float64,
    "list[string]": Array(String),
    "list[int64]": Array(Int64),
}


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    return load_definitions(FEATURE_REPO, Workspace(root=tmp_path_factory.mktemp("workspace")))


def test_every_view_is_declared(declared):
    assert {view.name for view in declared if isinstance(view, FeatureView)} == set(VIEWS)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_declares_what_is_computed(declared, name):
    (view,) = (view for view in declared if isinstance(view, FeatureView) and view.name == name)
    wanted = VIEWS[name]
    fields = {field.name: field.dtype for field in view.schema if field.name != wanted.key}
    assert fields == {feature.name: TYPES[feature.type] for feature in wanted.features}
    assert (view.ttl, view.online, view.owner) == (wanted.ttl, wanted.online, wanted.features[0].owner)
    (entity,) = (entity for entity in declared if isinstance(entity, Entity) and entity.name in view.entities)
    assert entity.join_key == wanted.key


def test_services_serve_the_declared_features(declared):
    services = {
        service.name: {
            projection.name: {feature.name for feature in projection.features}
            for projection in service.feature_view_projections
        }
        for service in declared
        if isinstance(service, FeatureService)
    }
    assert services == {
        name: {view: set(names) for view, names in views.items()} for name, views in SERVICES.items()
    }


def test_what_happens_now_can_be_pushed_to_the_views_that_follow_it(declared):
    views = [view for view in declared if isinstance(view, FeatureView)]
    pushed = {view.name: view.stream_source.name for view in views if view.stream_source}
    assert pushed == {
        name: f"{name}_pushes" for name in ("customer_activity", "customer_history", "item_popularity")
    }


def test_loading_leaves_no_bare_module_and_no_path_behind(tmp_path):
    before = dict(os.environ), list(sys.path)
    load_definitions(FEATURE_REPO, Workspace(root=tmp_path))
    assert (dict(os.environ), sys.path) == before
    assert not {"entities", "sources", "feature_services", "feature_views"} & set(sys.modules)


def test_two_workspaces_read_their_own_snapshots(tmp_path):
    paths = []
    for name in ("one", "two"):
        definitions = load_definitions(FEATURE_REPO, Workspace(root=tmp_path / name))
        views = [view for view in definitions if isinstance(view, FeatureView)]
        paths.append({view.batch_source.path for view in views})
    assert paths[0] == {str(tmp_path / "one/features" / view) for view in VIEWS}
    assert not paths[0] & paths[1]


def test_feast_apply_works_by_hand(tmp_path):
    """The command a Feast user knows; one process, for it costs seconds."""
    feast = Path(sys.executable).with_name("feast")
    environment = {**os.environ, "ATTUNE_HOME": str(tmp_path)}
    done = subprocess.run([feast, "apply"], cwd=FEATURE_REPO, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = Registry.FromString((tmp_path / "feast/registry.pb").read_bytes())
    assert {view.spec.name for view in written.feature_views} == set(VIEWS)
    assert {service.spec.name for service in written.feature_services} == set(SERVICES)
