"""A message to a chat: what a team should hear at once, posted as JSON to the address that it configured."""

import json
import os
import urllib.request
from collections.abc import Iterable
from urllib.error import URLError

from attune.errors import ConfigError
from attune.progress import say
from attune.retraining.decide import Happening, Said

WEBHOOK_VARIABLE = "ATTUNE_CHAT_WEBHOOK"
TIMEOUT_S = 5.0
NEWS: frozenset[Happening] = frozenset(
    {
        "incident",
        "confirmed",
        "harmless",
        "triggered",
        "given up",
        "promoted",
        "rejected",
        "waiting",
        "failed",
        "rolled back",
        "paused",
        "resumed",
    }
)


def tell_chat(model: str, said: Iterable[Said]) -> bool:
    """Post what is news to the chat, where one is configured.

    A chat that does not answer is said and holds nothing up: the record is elsewhere.

    Returns:
        Whether something was posted.

    Raises:
        ConfigError: The configured address is none of HTTP.
    """
    address = os.environ.get(WEBHOOK_VARIABLE)
    news = [f"{model}: {each.event}. {each.cause}" for each in said if each.event in NEWS]
    if not address or not news:
        return False
    if not address.startswith(("https://", "http://")):
        raise ConfigError(f"{WEBHOOK_VARIABLE} is no address of HTTP; wanted https://...")
    body = json.dumps({"text": "\n".join(news)}).encode()
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        address, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return True
    except (URLError, TimeoutError) as error:
        say(f"the chat was not told ({error}); see {WEBHOOK_VARIABLE}")
        return False
