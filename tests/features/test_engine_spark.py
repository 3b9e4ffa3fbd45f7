import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from attune.features.engine import open_engine
from attune.features.recipes import RECIPES
from attune.features.settings import FeatureSettings
from tests.features.computing import computed, computed_by
from tests.features.random_shop import AS_OF, random_shop

MISSING = [
    what for what, found in (("pyspark", find_spec("pyspark")), ("java", shutil.which("java"))) if not found
]
SMALL = {
    "spark.master": "local[2]",
    "spark.driver.memory": "700m",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    # For a few hundred rows, compiling a query is what takes time.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.ui.showConsoleProgress": "false",
}

if MISSING and os.environ.get("CI") == "true":
    raise RuntimeError(f"not installed: {', '.join(MISSING)}; install attune[spark] and a Java runtime")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")
    with open_engine("spark", folder, 1, SMALL) as engine:
        yield engine


@pytest.mark.parametrize("view", RECIPES)
def test_spark_gives_the_rows_that_duckdb_gives(view, spark, tmp_path: Path):
    tables = random_shop(seed=7)
    settings = FeatureSettings(history_length=5)
    rows = computed_by(spark, tmp_path, view, AS_OF, settings, tables)
    assert rows
    assert rows == computed(view, as_of=AS_OF, settings=settings, **tables)
