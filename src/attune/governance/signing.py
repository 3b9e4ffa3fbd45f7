"""Ed25519 signatures under a key of the workspace's own, made on first use."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from attune.errors import IntegrityError, RegistryError
from attune.private_files import place_first

PRIVATE_KEY_FILE = "signing.pem"
PUBLIC_KEY_FILE = "signing.pub.pem"
KEY_VARIABLE = "ATTUNE_SIGNING_KEY"


def sign(keys: Path, content: bytes) -> bytes:
    """Sign some bytes.

    Args:
        keys: The folder of the workspace's keys.
        content: What is signed.

    Returns:
        The signature, 64 bytes: no other bytes are a signature of the same content.

    Raises:
        RegistryError: The private key cannot be used, or others than its owner can read it.
    """
    return _private_key(keys).sign(content)


def sign_for_workspace(keys: Path, content: bytes) -> bytes:
    """Sign with the workspace's own key: the one that ATTUNE_SIGNING_KEY holds (PEM), or the folder's.

    Raises:
        RegistryError: The key cannot be used, or is another than the one that signed here before.
    """
    text = os.environ.get(KEY_VARIABLE)
    if not text:
        return sign(keys, content)
    public = keys / PUBLIC_KEY_FILE
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except ValueError as error:
        raise RegistryError(f"{KEY_VARIABLE} holds no private key in PEM ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise RegistryError(
            f"{KEY_VARIABLE} holds no Ed25519 key; put the key there that signed the versions"
        )
    if not public.exists():
        place_first(public, _public_text(key.public_key()))
    if public.read_bytes() != _public_text(key.public_key()):
        raise RegistryError(
            f"{KEY_VARIABLE} holds another key than {public}; put the key there that belongs to it"
        )
    return key.sign(content)


def check_signature(keys: Path, content: bytes, signature: bytes) -> None:
    """Make sure that some bytes were signed with this workspace's key.

    Raises:
        IntegrityError: They were not, or there is no key to check with.
    """
    try:
        _public_key(keys).verify(signature, content)
    except InvalidSignature as error:
        raise IntegrityError(
            f"the signature does not fit the content and the key {keys / PUBLIC_KEY_FILE}; somebody changed "
            "one of the three, restore them"
        ) from error


def _private_key(keys: Path) -> Ed25519PrivateKey:
    path, public = keys / PRIVATE_KEY_FILE, keys / PUBLIC_KEY_FILE
    # The private key is always placed first, so a public key alone means that the private one was lost.
    if public.exists() and not path.exists():
        raise RegistryError(
            f"{path} is missing, though {public.name} is there; put back the key that belongs to it"
        )
    if not path.exists():
        place_first(path, _new_key())
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise RegistryError(f"{path} has mode {mode:04o}, others can read it; wanted 0600: chmod 600 {path}")
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise RegistryError(f"{path} holds no Ed25519 key; put the key back that signed the versions")
    if not public.exists():
        place_first(public, _public_text(key.public_key()))
    return key


def _public_key(keys: Path) -> Ed25519PublicKey:
    path = keys / PUBLIC_KEY_FILE
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"no public key can be read from {path} ({error}); put the key back that signed the versions"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise IntegrityError(f"{path} holds no Ed25519 key; put the key back that signed the versions")
    return key


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_text(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
