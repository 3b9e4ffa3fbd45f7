"""`import_all.py PACKAGE...`: import every module once, while an image is built.

A package that the image lacks then fails the build and not a pod, and the bytecode of what is imported is in
the image: pods have a read-only file system, and would compile it at every start. Of the rest there is none.
"""

import importlib
import pkgutil
import sys

# They need extras that no pod has: Spark, Kafka's client, and what our attributions are compared with.
LEFT_OUT = {
    "attune.adapters.kafka_topic",
    "attune.explain.integrated_gradients",
    "attune.features.engine_spark",
}


def import_all(package: str) -> None:
    """Import a package and every module below it, but for those that run as programs or are left out."""
    path = getattr(importlib.import_module(package), "__path__", [])
    for module in pkgutil.walk_packages(path, f"{package}."):
        if module.name not in LEFT_OUT and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_all(name)
