"""Settings that refuse what they do not know, the parameter file, and where a workspace keeps its things."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.composer import ComposerError

from attune.errors import ConfigError

HOME_VARIABLE = "ATTUNE_HOME"


class Settings(BaseModel):
    """A frozen group of parameters; a misspelt key is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Make the settings from plain values, as they arrive from YAML or through KFP.

        KFP turns whole numbers inside a dict into floats; the typed fields turn them back.

        Raises:
            ConfigError: A key is unknown or a value does not fit; the message names each.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or cls.__name__}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            )
            misspelt = [problem["loc"] for problem in error.errors() if problem["type"] == "extra_forbidden"]
            owner, known = _known(cls, misspelt[0][:-1] if misspelt else ())
            raise ConfigError(
                f"{cls.__qualname__} does not accept these parameters ({problems}); {owner} knows: {known}"
            ) from error


def _known(settings: type[BaseModel], path: Sequence[int | str]) -> tuple[str, str]:
    """What the settings at a path within others are called, and the keys that they know."""
    owner, choices = "it", [settings]
    for part in map(str, path):
        named = [each for each in choices if each.__name__ == part]  # one choice of several
        fields = [each.model_fields[part].annotation for each in choices if part in each.model_fields]
        inner = [each for field in fields for each in (field, *get_args(field)) if _are_settings(each)]
        if not named and not inner:
            break
        owner, choices = (owner if named else part), named or inner
    return owner, ", ".join(choices[0].model_fields)


def _are_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class _EachKeyOnce(yaml.SafeLoader):
    """YAML in which no key stands twice: the second would replace the first without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ComposerError(None, None, f"the key {key.value!r} stands there twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
        return node


def load_params(path: Path, what: str = "parameter file") -> dict[str, Any]:
    """Read a parameter file (YAML), or another one like it, which messages call by `what` it is.

    Raises:
        ConfigError: The file is missing, cannot be read, is not YAML, says something twice or holds no
            mapping.
    """
    try:
        loader = _EachKeyOnce(path.read_text(encoding="utf-8"))
        values = loader.get_single_data()
    except FileNotFoundError as error:
        raise ConfigError(f"no {what} {path}; run from the project's folder or name one") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); name a {what} (YAML)") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 ({error.reason}); save the {what} as UTF-8") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        found = "nothing" if values is None else f"a {type(values).__name__}"
        raise ConfigError(f"{path} holds {found}, not a mapping of sections")
    return values


class Workspace(Settings):
    """Where one project keeps its tables, features, models and reports."""

    root: Path

    @classmethod
    def here(cls) -> Self:
        """The workspace that ATTUNE_HOME names, or `data` below the current folder."""
        return cls(root=Path(os.environ.get(HOME_VARIABLE, "data")).absolute())

    @property
    def tables(self) -> Path:
        """Contract tables, one Parquet file or folder of months each."""
        return self.root / "tables"

    @property
    def features(self) -> Path:
        """Feature rows, one folder a feature view: what Feast's offline store reads."""
        return self.root / "features"

    @property
    def feast(self) -> Path:
        """Feast's registry and the online store of a laptop."""
        return self.root / "feast"

    @property
    def models(self) -> Path:
        """Registered model versions: `models/<name>/<version>/`."""
        return self.root / "models"

    @property
    def registry(self) -> Path:
        """The registry of record of a laptop (SQLite)."""
        return self.root / "registry.db"

    @property
    def runs(self) -> Path:
        """What pipeline runs write: artifacts, logs and the step cache."""
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        """Pages for people."""
        return self.root / "reports"

    @property
    def searches(self) -> Path:
        """What was tried for which model, and the database of searches on a laptop."""
        return self.root / "searches"

    @property
    def predictions(self) -> Path:
        """The prediction log."""
        return self.root / "predictions"

    @property
    def keys(self) -> Path:
        """Secrets made on first use, readable by their owner alone."""
        return self.root / "keys"

    @property
    def pseudonym_key(self) -> Path:
        """The key that turns customer ids into pseudonyms."""
        return self.keys / "pseudonym.key"
