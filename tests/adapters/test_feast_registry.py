import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from feast.protos.feast.core.DataSource_pb2 import DataSource
from feast.protos.feast.core.FeatureViewVersion_pb2 import FeatureViewVersionRecord
from feast.protos.feast.core.InfraObject_pb2 import InfraObject
from feast.protos.feast.core.Registry_pb2 import Registry

from attune.adapters.feast import FeastStore
from attune.adapters.feast_registry import pin_of, publish_registry, require_pinned
from attune.config import Workspace
from attune.errors import FeatureError


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> bytes:
    """The registry that the feature repository makes."""
    workspace = Workspace(root=tmp_path_factory.mktemp("workspace"))
    FeastStore(workspace).apply()
    return (workspace.feast / "registry.pb").read_bytes()


@pytest.fixture
def registry(applied: bytes, tmp_path: Path) -> Path:
    (tmp_path / "staged.pb").write_bytes(applied)
    publish_registry(tmp_path / "staged.pb", tmp_path / "registry.pb")
    return tmp_path / "registry.pb"


def test_what_was_published_is_opened(registry: Path):
    require_pinned(registry)
    assert pin_of(registry).read_text().strip() == hashlib.sha256(registry.read_bytes()).hexdigest()


def test_a_changed_registry_is_refused_before_feast_sees_it(registry: Path, applied: bytes):
    registry.write_bytes(applied + b"\x00")
    with pytest.raises(FeatureError, match="is not what was written last"):
        require_pinned(registry)


def test_a_registry_without_a_digest_is_refused(registry: Path):
    pin_of(registry).unlink()
    with pytest.raises(FeatureError, match="is not what was written last"):
        require_pinned(registry)


def test_no_registry_is_no_matter_here(tmp_path: Path):
    require_pinned(tmp_path / "registry.pb")


def with_function(declared: Registry) -> None:
    view = declared.on_demand_feature_views.add()
    view.spec.name = "evil"


def with_stream_function(declared: Registry) -> None:
    declared.stream_feature_views.add().spec.name = "evil"


def with_transformation(declared: Registry) -> None:
    declared.feature_views[0].spec.feature_transformation.user_defined_function.body = b"code"


def with_older_function(declared: Registry) -> None:
    record = FeatureViewVersionRecord(feature_view_name="evil", feature_view_type="on_demand_feature_view")
    declared.feature_view_version_history.records.append(record)


def with_foreign_source(declared: Registry) -> None:
    declared.data_sources.append(
        DataSource(name="evil", type=DataSource.CUSTOM_SOURCE, data_source_class_type="os.Evil")
    )


def with_foreign_class_of_a_file(declared: Registry) -> None:
    declared.feature_views[0].spec.batch_source.data_source_class_type = "evil.Source"


def with_foreign_infrastructure(declared: Registry) -> None:
    declared.infra.infra_objects.append(InfraObject(infra_object_class_type="evil.Table"))


def with_profiler(declared: Registry) -> None:
    declared.validation_references.add().name = "evil"


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (with_function, "objects of the kind on_demand_feature_views"),
        (with_stream_function, "objects of the kind stream_feature_views"),
        (with_transformation, "with a transformation"),
        (with_older_function, "the feature view 'evil' with a transformation"),
        (with_foreign_source, "the data source 'evil' of a kind"),
        (with_foreign_class_of_a_file, "of a kind that is not plain files"),
        (with_foreign_infrastructure, "the class 'evil.Table'"),
        (with_profiler, "objects of the kind validation_references"),
    ],
)
def test_what_can_run_code_is_refused_even_with_the_right_digest(
    registry: Path, applied: bytes, plant: Callable[[Registry], None], message: str
):
    declared = Registry.FromString(applied)
    plant(declared)
    registry.write_bytes(declared.SerializeToString())
    pin_of(registry).write_text(hashlib.sha256(registry.read_bytes()).hexdigest())
    with pytest.raises(FeatureError, match=message):
        require_pinned(registry)


def test_bytes_that_are_no_registry_are_refused(registry: Path):
    registry.write_bytes(b"\xff" * 64)
    pin_of(registry).write_text(hashlib.sha256(registry.read_bytes()).hexdigest())
    with pytest.raises(FeatureError, match="is damaged"):
        require_pinned(registry)


def test_a_kill_between_the_digest_and_the_move_leaves_a_registry_that_opens(registry: Path):
    old = hashlib.sha256(registry.read_bytes()).hexdigest()
    pin_of(registry).write_text(f"{old}\n{'0' * 64}\n")
    require_pinned(registry)
