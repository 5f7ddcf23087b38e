"""Tokens that people hold, stored as digests only; and secrets that must be read again, stored encrypted."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from webapp.core.settings import settings, split_keys


def new_token(*, prefix: str = "") -> str:
    """Return a fresh random token of 32 bytes, URL-safe, after `prefix`."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is stored of a token: its SHA-256 in hexadecimal (tokens are random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive_token(*parts: str) -> str:
    """Return a token that only this installation can make from `parts`, the same each time, 24 bytes URL-safe.

    For links that must be written again in later mails although the database keeps no more than their digest.
    """
    message = "\x1f".join(parts).encode()
    mac = hmac.new(settings().secret_key.get_secret_value().encode(), message, hashlib.sha256)
    return urlsafe_b64encode(mac.digest()[:24]).decode()


def encrypt(plain: str) -> str:
    """Return `plain` encrypted under the newest key, as text that can be kept anywhere."""
    return _keyring().encrypt(plain.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Return what `encrypt` was given; raises ValueError when none of the keys fits."""
    try:
        return _keyring().decrypt(encrypted).decode()
    except InvalidToken:
        raise ValueError("a secret cannot be decrypted: the key it was made with is not in ENCRYPTION_KEYS") from None


def renew(encrypted: str) -> str:
    """Return the same secret encrypted under the newest key; raises ValueError as `decrypt` does."""
    return encrypt(decrypt(encrypted))


def _keyring() -> MultiFernet:
    keys = settings().encryption_keys
    return _make_keyring(keys.get_secret_value() if keys else "", settings().secret_key.get_secret_value())


@lru_cache(maxsize=8)
def _make_keyring(keys: str, secret_key: str) -> MultiFernet:
    """Return the keys, the newest first; the last is made from the secret key, and the only one where none is set."""
    derived = hmac.new(secret_key.encode(), b"almanac encryption", hashlib.sha256).digest()
    return MultiFernet([Fernet(key) for key in (*split_keys(keys), urlsafe_b64encode(derived).decode())])
