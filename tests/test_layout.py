from importlib.metadata import packages_distributions
from pathlib import Path

PROJECT = Path(__file__).parents[1]
OWN = {"components", "feature_repo", "pipelines", "serving", "monitoring", "tests", "benchmarks", "src"}
# A dependency ships its manual under this name; nothing imports it.
HARMLESS = {"docs"}


def test_no_folder_is_taken_for_a_package_that_a_dependency_would_like_to_import():
    """Commands run in the project's root: its folders answer `import name` where the package is absent."""
    folders = {path.name for path in PROJECT.iterdir() if path.is_dir()} - OWN - HARMLESS
    assert folders & packages_distributions().keys() == set()
