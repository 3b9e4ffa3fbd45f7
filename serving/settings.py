"""What an operator may set about serving, read from the environment of the server."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, Field

from attune.config import Settings
from attune.errors import ConfigError
from attune.features.settings import FeatureSettings

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
    events_deadline_seconds: float = Field(default=10, gt=0, description="until an event is taken")
    rate_per_second: float | None = Field(
        default=None, gt=0, description="requests of one key or token in each worker; None is no limit"
    )
    burst: int = Field(default=50, ge=1, description="requests of one key at once, before the rate counts")
    canary_share: float = Field(default=0.05, ge=0, le=1, description="of the customers, while there is one")
    shadow_share: float = Field(default=1.0, ge=0, le=1, description="of the customers, while there is one")
    admin_port: int | None = Field(
        default=None, ge=1, le=65535, description="metrics, models and description alone, on this machine"
    )
    admin_host: str = Field(default="127.0.0.1", description="where the admin port listens")
    trace_share: float = Field(default=0, ge=0, le=1, description="of the requests; 0 is no traces")
    trace_exporter: str = Field(default="otlp", description="of OpenTelemetry, by name: otlp or console")
    log_requests: bool = Field(default=False, description="a line of JSON a request")
    spare: bool = Field(default=False, description="a loaded worker that waits until the first dies")
    refresh_seconds: float = Field(default=1, gt=0, description="how often a new champion is looked for")

    features: FeatureSettings = Field(
        default_factory=FeatureSettings, description="those of the build: events are computed by them"
    )

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
