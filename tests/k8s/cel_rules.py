"""The rules of custom resource definitions in CEL, as an API server holds a new object to them."""

from collections.abc import Iterator
from typing import Any

import cel

from tests.k8s.resource_definitions import Schema

RULES = "x-kubernetes-validations"
Fault = tuple[str, str]


def faults(schema: Schema, value: Any, where: str = "") -> Iterator[Fault]:
    """Where an object breaks a rule, and what the definition says then.

    Args:
        schema: Of this part of the definition.
        value: This part of the object.
        where: Its path, for the message.
    """
    for rule in rules_of_new(schema):
        if cel.evaluate(rule["rule"], {"self": value}) is not True:
            yield where, rule.get("message", rule["rule"])
    if isinstance(value, dict):
        for key, part in value.items():
            below = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if isinstance(below, dict):
                yield from faults(below, part, f"{where}.{key}")
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for place, part in enumerate(value):
            yield from faults(schema["items"], part, f"{where}[{place}]")


def rules_of_new(schema: Schema) -> list[dict[str, str]]:
    """Those that say something of an object that is new; the others compare it with what it was."""
    return [rule for rule in schema.get(RULES, []) if "oldSelf" not in rule["rule"]]


def count(schema: Any) -> int:
    """How many rules of new objects a definition has, at every depth."""
    if isinstance(schema, list):
        return sum(map(count, schema))
    if not isinstance(schema, dict):
        return 0
    here = len(rules_of_new(schema)) if isinstance(schema.get(RULES), list) else 0
    return here + sum(count(part) for key, part in schema.items() if key != RULES)
