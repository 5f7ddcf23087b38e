"""Addresses as other programs want them: our own host name, and e-mail addresses in the letters of the wire."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import idna

from webapp.core.settings import settings

_LOCAL_PART = re.compile(r'[^\s"(),:;<>@\[\]\\]+')
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def public_host() -> str:
    """Return the host of PUBLIC_URL in ASCII, for names that must be ours: calendar UIDs, Message-IDs, EHLO."""
    return ascii_domain(urlsplit(settings().public_url).hostname or "localhost")


def ascii_domain(domain: str) -> str:
    """Return `domain` as the DNS spells it (IDNA 2008); raises ValueError when it cannot be one."""
    if domain.isascii():
        return domain
    return idna.encode(domain, uts46=True).decode()  # its IDNAError is a ValueError


def wire_address(address: str) -> str:
    """Return the e-mail address with an ASCII domain; its local part stays as it is, letters beyond ASCII included.

    Raises ValueError when it is no address, or one that only quotation marks make one.
    """
    local, _, domain = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local) or not local.isprintable():
        raise ValueError(f"{address!r} is not an e-mail address; write it like name@example.com")
    name = ascii_domain(domain)
    if not _DOMAIN.fullmatch(name):
        raise ValueError(f"{address!r} is not an e-mail address: {domain!r} cannot be the name of a server")
    return f"{local}@{name}"
