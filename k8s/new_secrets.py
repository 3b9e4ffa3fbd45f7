"""`python k8s/new_secrets.py | kubectl create -f -`: every Secret that k8s/base asks for, newly made.

For a cluster of one's own. `create` refuses to replace them: another signing key would not be believed. In
production a vault keeps them, and the overlay's ExternalSecrets bring them.
"""

import hashlib
import secrets
import sys

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "attune"
# What attune.adapters.online_redis uses, and the greeting of a connection: no scripts, no KEYS, no FLUSHALL.
COMMANDS = "get mget mset set watch unwatch multi exec unlink scan hset hgetall select ping"


def redis_users(password: str, project: str = "attune") -> str:
    """The access list of Redis: our user on our keys, a user of the probes, and nobody else.

    Args:
        password: Our user's; the list holds its digest.
        project: Stands before every key.
    """
    digest = hashlib.sha256(password.encode()).hexdigest()
    commands = " ".join(f"+{command}" for command in COMMANDS.split())
    return (
        "user default off\n"
        f"user attune on #{digest} ~{project}:* resetchannels -@all {commands}\n"
        "user probe on nopass resetkeys resetchannels -@all +ping\n"
    )


def new_secrets() -> dict[str, dict[str, str]]:
    """Secret -> its entries, each one new."""
    redis, postgres = secrets.token_hex(32), secrets.token_hex(32)
    return {
        "online-store": {"url": f"redis://attune:{redis}@redis:6379/0"},
        "redis-acl": {"users.acl": redis_users(redis)},
        "postgres": {"password": postgres},
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
