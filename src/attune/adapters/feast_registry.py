"""The registry file of Feast, judged before Feast opens it: by its digest, and by what it declares.

Feast imports the classes that a registry names and unpickles the functions that it holds, so whoever can
change the file can run code in every process that opens it. Here the bytes are compared with what `apply`
wrote, and the declarations are parsed as plain data.
"""

import hashlib
from pathlib import Path

from feast.protos.feast.core.DataSource_pb2 import DataSource
from feast.protos.feast.core.FeatureView_pb2 import FeatureView, FeatureViewSpec
from feast.protos.feast.core.FeatureViewVersion_pb2 import FeatureViewVersionRecord
from feast.protos.feast.core.Registry_pb2 import Registry
from google.protobuf.message import DecodeError

from attune.errors import FeatureError

# Plain declarations; whatever else a registry can hold is refused, for it may bring functions or classes.
PLAIN_KINDS = frozenset(
    {
        *("entities", "feature_views", "data_sources", "feature_services", "infra", "projects"),
        *("project_metadata", "registry_schema_version", "version_id", "last_updated"),
        "feature_view_version_history",
    }
)
PLAIN_SOURCES = frozenset({DataSource.BATCH_FILE, DataSource.PUSH_SOURCE})
OWN_PACKAGES = ("feast.", "attune.")


def pin_of(registry: Path) -> Path:
    """Where the digest of a registry file is kept: beside it."""
    return registry.with_name(f"{registry.name}.sha256")


def publish_registry(staged: Path, registry: Path) -> None:
    """Put a registry file that was written beside in its place, and its digest with it.

    The digest is written before the file is moved, beside the old one: a kill at any point leaves a
    registry whose digest is on record.

    Raises:
        FeatureError: The staged registry holds what no registry of ours may hold.
    """
    content = staged.read_bytes()
    _require_plain(content, staged)
    new = hashlib.sha256(content).hexdigest()
    _write_pin(registry, sorted({new, *_pinned(registry)}))
    staged.replace(registry)
    _write_pin(registry, [new])


def require_pinned(registry: Path) -> None:
    """Refuse a registry file that is not what was published; one that is not there yet is no matter.

    Raises:
        FeatureError: Its digest is another, or it declares something that can run code.
    """
    if not registry.exists():
        return
    content = registry.read_bytes()
    if hashlib.sha256(content).hexdigest() not in _pinned(registry):
        raise FeatureError(
            f"the feature registry {registry} is not what was written last: its digest is not the one in "
            f"{pin_of(registry).name}; find out who changed it, then run the features pipeline"
        )
    _require_plain(content, registry)


def _require_plain(content: bytes, registry: Path) -> None:
    try:
        declared = Registry.FromString(content)
        found = [*_kinds(declared), *_sources(declared), *_views(declared), *_classes(declared)]
    except DecodeError as error:
        raise FeatureError(
            f"the feature registry {registry} is damaged; run the features pipeline to write it anew"
        ) from error
    if found:
        raise FeatureError(
            f"the feature registry {registry} holds {'; '.join(found)}: opening it could run code that "
            "nobody reviewed; remove that from the feature repository and compute it in the library"
        )


def _kinds(declared: Registry) -> list[str]:
    kinds = sorted(field.name for field, _ in declared.ListFields())
    return [f"objects of the kind {kind}" for kind in kinds if kind not in PLAIN_KINDS]


def _sources(declared: Registry) -> list[str]:
    inner = [
        source
        for view in declared.feature_views
        for source in (view.spec.batch_source, view.spec.stream_source)
        if source.ByteSize()
    ]
    pushed = [
        source.batch_source for source in (*declared.data_sources, *inner) if source.HasField("batch_source")
    ]
    return [
        f"the data source {source.name!r} of a kind that is not plain files or pushes"
        for source in (*declared.data_sources, *inner, *pushed)
        if source.type not in PLAIN_SOURCES or not _own(source.data_source_class_type)
    ]


def _views(declared: Registry) -> list[str]:
    history = declared.feature_view_version_history.records
    odd = [record.feature_view_name for record in history if record.feature_view_type != "feature_view"]
    specs = [*(view.spec for view in declared.feature_views), *map(_earlier, history)]
    transforming = [spec.name for spec in specs if _transforms(spec)]
    return [f"the feature view {name!r} with a transformation" for name in sorted({*odd, *transforming})]


def _earlier(record: FeatureViewVersionRecord) -> FeatureViewSpec:
    spec: FeatureViewSpec = FeatureView.FromString(record.feature_view_proto).spec
    return spec


def _transforms(spec: FeatureViewSpec) -> bool:
    return spec.HasField("feature_transformation") or bool(spec.source_views)


def _classes(declared: Registry) -> list[str]:
    named = [each.infra_object_class_type for each in declared.infra.infra_objects]
    return [f"the class {name!r}" for name in named if not _own(name)]


def _own(class_name: str) -> bool:
    return not class_name or class_name.startswith(OWN_PACKAGES)


def _pinned(registry: Path) -> list[str]:
    pin = pin_of(registry)
    return pin.read_text(encoding="ascii").split() if pin.exists() else []


def _write_pin(registry: Path, digests: list[str]) -> None:
    pin = pin_of(registry)
    unfinished = pin.with_name(f".{pin.name}.unfinished")
    unfinished.write_text("\n".join(digests) + "\n", encoding="ascii")
    unfinished.replace(pin)
