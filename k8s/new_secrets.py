"""`python k8s/new_secrets.py | kubectl create -f -`: every Secret that the manifests ask for, newly made.

For a cluster of one's own. `create` refuses to replace them: another signing key would not be believed. In
production a vault keeps them, and the overlay's ExternalSecrets bring them.
"""

import hashlib
import json
import secrets
import sys

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "attune"
# What attune.adapters.online_redis uses, and the greeting of a connection: no scripts, no KEYS, no FLUSHALL.
ROWS = "get mget mset set watch unwatch multi exec unlink scan hset hgetall select ping"
# What attune.adapters.redis_stream uses, and what an application needs that writes interactions.
CONSUMING = "xgroup|create xreadgroup xautoclaim xadd xack multi exec select"
PRODUCING = "xadd xlen select ping"
STREAM = "interactions"


def redis_users(rows: str, consumer: str, producer: str, project: str = "attune") -> str:
    """The access list of Redis: each user on its own keys, one of the probes, and nobody else.

    Args:
        rows: The password of who reads and writes online rows; the list holds digests.
        consumer: Of who takes interactions from the stream.
        producer: Of the applications that write them.
        project: Stands before every key of the online store.
    """
    users = (
        ("attune", rows, f"~{project}:*", ROWS),
        ("consumer", consumer, f"~{STREAM} ~{STREAM}:refused", CONSUMING),
        ("producer", producer, f"~{STREAM}", PRODUCING),
    )
    lines = ["user default off", "user probe on nopass resetkeys resetchannels -@all +ping"]
    for name, password, keys, commands in users:
        digest = hashlib.sha256(password.encode()).hexdigest()
        allowed = " ".join(f"+{command}" for command in commands.split())
        lines.append(f"user {name} on #{digest} {keys} resetchannels -@all {allowed}")
    return "\n".join(lines) + "\n"


def object_store_users(access_key: str, secret_key: str) -> str:
    """The one user of the object store, which is ours alone."""
    keys = {"accessKey": access_key, "secretKey": secret_key}
    return json.dumps({"identities": [{"name": "attune", "credentials": [keys], "actions": ["Admin"]}]})


def new_secrets() -> dict[str, dict[str, str]]:
    """Secret -> its entries, each one new."""
    rows, consumer, producer, postgres, objects = (secrets.token_hex(32) for _ in range(5))
    access = secrets.token_hex(10)
    return {
        "online-store": {"url": f"redis://attune:{rows}@redis:6379/0"},
        "stream": {
            "url": f"redis://consumer:{consumer}@redis:6379/0",
            "producer-url": f"redis://producer:{producer}@redis.{NAMESPACE}:6379/0",
        },
        "redis-acl": {"users.acl": redis_users(rows, consumer, producer)},
        "postgres": {"password": postgres},
        "object-store": {
            "access-key": access,
            "secret-key": objects,
            "users.json": object_store_users(access, objects),
        },
        "registry": {"url": f"postgresql+psycopg://attune:{postgres}@postgres:5432/attune"},
        "signing-key": {"signing.pem": _signing_key()},
        "serving-api-keys": {
            "api-keys": f"# one a line\n{secrets.token_urlsafe(32)}\n",
            "metrics-key": secrets.token_urlsafe(32),
        },
    }


def manifests(entries: dict[str, dict[str, str]]) -> list[dict[str, object]]:
    """The Secrets as Kubernetes wants them."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "stringData": values,
        }
        for name, values in entries.items()
    ]


def _signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


if __name__ == "__main__":
    yaml.safe_dump_all(manifests(new_secrets()), sys.stdout, sort_keys=False)
