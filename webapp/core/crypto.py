"""Tokens that people hold: drawn at random or derived from the secret key, and stored as digests only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

from webapp.core.settings import settings


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
