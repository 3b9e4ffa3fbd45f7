"""Versions in object storage, behind a real S3 API on a loopback port."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.adapters.dvc import DvcStore
from attune.config import Workspace
from attune.errors import RegistryError
from attune.registry import Registry
from tests.test_registry import origin, trained

REMOTE = "s3://models/attune"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", url)
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="models")
        yield url
    server.stop()


def test_a_version_is_pushed_when_it_is_registered_and_a_changed_copy_is_refused(
    s3: str, tmp_path: Path
) -> None:
    import boto3

    root = tmp_path / "data"
    store = DvcStore(root, REMOTE)
    registry = Registry(Workspace(root=root), store)
    version = registry.register(trained(tmp_path / "model"), origin())
    objects = boto3.client("s3").list_objects_v2(Bucket="models")["Contents"]
    assert len(objects) == 10  # nine files and the folder

    forget(version.folder, root)
    registry.restore(version, store)

    weights = (version.folder / "weights.safetensors").read_bytes()
    for found in objects:
        client = boto3.client("s3")
        content = client.get_object(Bucket="models", Key=found["Key"])["Body"].read()
        if content == weights:
            client.put_object(Bucket="models", Key=found["Key"], Body=content[:-1] + b"?")
    forget(version.folder, root)
    with pytest.raises(RegistryError):
        registry.restore(version, store)


def forget(folder: Path, root: Path) -> None:
    shutil.rmtree(folder)
    shutil.rmtree(root / ".dvc" / "cache")
