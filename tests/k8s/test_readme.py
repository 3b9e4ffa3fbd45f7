import re

from tests.k8s.rendered import K8S, ROOT

NAMES = re.compile(r"\b[a-z][a-z-]*\.(?:yaml|py)\b")
FOLDERS = re.compile(r"([a-z][a-z-]*)/")


def tree() -> str:
    return (K8S / "README.md").read_text().split("```")[1]


def test_what_the_readme_shows_is_there():
    files = {path.name for path in K8S.rglob("*") if path.is_file()}
    assert set(NAMES.findall(tree())) <= files


def test_every_folder_is_in_the_readme():
    folders = {path.name for path in K8S.rglob("*") if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(FOLDERS.findall(tree()))


def test_every_manifest_belongs_to_a_kustomization():
    for file in K8S.rglob("*.yaml"):
        named = (file.parent / "kustomization.yaml", file.parent.parent / "kustomization.yaml")
        text = "".join(each.read_text() for each in named if each.exists())
        assert file.name == "kustomization.yaml" or file.name in text, file.relative_to(ROOT)
