"""Forms that people send: small, plain, and each field once."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from attune.errors import ConfigError

MOST_BYTES = 16_384
MOST_FIELDS = 16
REASON_CHARACTERS = 1000


async def form(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        ConfigError: It is too large, or no form of ours.
    """
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise ConfigError(f"the form is larger than {MOST_BYTES:,} bytes; say it in fewer words")
    try:
        fields = parse_qsl(
            content.decode(), keep_blank_values=True, strict_parsing=bool(content), max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise ConfigError(f"that is no form of the console ({error}); go back and send it again") from error
    if len(dict(fields)) != len(fields):
        raise ConfigError("the form says something twice; go back and send it again")
    return dict(fields)


def reason_of(fields: dict[str, str]) -> str:
    """The reason that a decision needs, on one line.

    Raises:
        ConfigError: There is none, or it is too long.
    """
    reason = " ".join(fields.get("reason", "").split())
    if not reason:
        raise ConfigError("a decision needs a reason in words; go back and write one")
    if len(reason) > REASON_CHARACTERS:
        raise ConfigError(
            f"the reason has {len(reason):,} characters, at most {REASON_CHARACTERS:,} are kept; shorten it"
        )
    return reason
