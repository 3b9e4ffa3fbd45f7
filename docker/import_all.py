"""`import_all.py PACKAGE...`: import every module once, while an image is built.

A package that the image lacks then fails the build and not a pod, and the bytecode of what is imported is in
the image: pods have a read-only file system, and would compile it at every start. Of the rest there is none.
"""

import importlib
import pkgutil
import sys

# Packages of extras that no pod has: what imports them is for developers, or for who installs them.
LEFT_OUT = {"captum", "implicit", "pyspark"}


def import_all(package: str) -> None:
    """Import a package and every module below it, but for those that run as programs."""
    path = getattr(importlib.import_module(package), "__path__", [])
    for module in pkgutil.walk_packages(path, f"{package}."):
        if not module.name.endswith("__main__"):
            _import(module.name)


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in LEFT_OUT:
            raise


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_all(name)
