"""What an operator may set about serving, read from the environment of the server."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, Field

from attune.config import Settings
from attune.errors import ConfigError

SETTINGS_VARIABLE = "ATTUNE_SERVING"


class ServingSettings(Settings):
    """Limits and deadlines of one server; the environment variable ATTUNE_SERVING holds them as JSON."""

    now: AwareDatetime | None = Field(
        default=None, description="the moment every request counts as, to replay a past; None is the clock"
    )
    body_limit_bytes: int = Field(default=1024 * 1024, ge=1)
    buffer_limit_bytes: int = Field(default=64 * 1024 * 1024, ge=1, description="all bodies being read")
    body_deadline_seconds: float = Field(default=5, gt=0)
    request_deadline_seconds: float = Field(default=2, gt=0)
    concurrency: int = Field(default=32, ge=1, description="requests being answered at once")
    refresh_seconds: float = Field(default=1, gt=0, description="how often a new champion is looked for")

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The settings that the environment holds, or the defaults.

        Raises:
            ConfigError: The variable holds no JSON object, or one with unknown or wrong settings.
        """
        text = environment.get(SETTINGS_VARIABLE, "{}")
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{SETTINGS_VARIABLE} is not JSON ({error}); unset it or correct it") from error
        if not isinstance(values, dict):
            raise ConfigError(
                f"{SETTINGS_VARIABLE} holds a {type(values).__name__}, not an object of settings"
            )
        return cls.parse(values)

    def moment(self, clock: datetime) -> datetime:
        """The time that a request counts as."""
        return self.now or clock
