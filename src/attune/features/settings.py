"""What is tunable about the features; read by commands that compute none, so no engine is imported here."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field

from attune.config import Settings

EngineName = Literal["duckdb", "spark"]
FEATURES_SECTION = "features"


class FeatureSettings(Settings):
    """What is tunable about the features; what a window is called in a feature's name is not.

    Attributes:
        engine: Where features are computed; their values do not depend on it.
        memory_gib: What DuckDB may use before it goes to disk.
        spark: Spark's own settings, such as `spark.master`.
    """

    history_length: int = Field(default=200, ge=1, description="purchases kept of a customer")
    engine: EngineName = "duckdb"
    memory_gib: float = Field(default=4, gt=0)
    spark: Mapping[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """The settings in all of the parameter file, where a section gives any.

        Raises:
            ConfigError: The section does not parse.
        """
        return cls.parse(params.get(FEATURES_SECTION) or {})

    @property
    def of_values(self) -> dict[str, int]:
        """The settings that values depend on."""
        return {"history_length": self.history_length}
