import pytest

from tests.k8s.rendered import OVERLAYS, Object, rendered


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """The objects of each overlay in turn."""
    return rendered(request.param)


@pytest.fixture
def base() -> list[Object]:
    return rendered("base")
