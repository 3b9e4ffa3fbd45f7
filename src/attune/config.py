"""Settings that refuse what they do not know, the parameter file, and where a workspace keeps its things."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

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
            known = ", ".join(cls.model_fields)
            raise ConfigError(
                f"{cls.__qualname__} does not accept these parameters ({problems}); it knows: {known}"
            ) from error


def load_params(path: Path) -> dict[str, Any]:
    """Read a parameter file (YAML).

    Raises:
        ConfigError: The file is missing, is not YAML or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no parameter file {path}; run from the project's folder or name one") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds {type(values).__name__}, not a mapping of sections")
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
