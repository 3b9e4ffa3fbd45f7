from collections.abc import Iterator

import pytest

from tests.redis_server import running_redis


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for all tests that take keys of their own."""
    with running_redis(tmp_path_factory.mktemp("redis")) as (url, _):
        yield url
