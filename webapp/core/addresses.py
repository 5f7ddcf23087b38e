"""Addresses as other programs want them: e-mail addresses and domains in the letters of the wire."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from webapp.core.words import say

_LOCAL_PART = re.compile(r'[^\s"(),:;<>@\[\]\\]+')
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")

# An installation of one's own may well serve people at `name@company.local`, and rehearsals use `.test`. The library's
# documentation names this list as the place to say so.
SPECIAL_USE_DOMAIN_NAMES.clear()


def email_address(text: str) -> str:
    """Return the e-mail address in its normal form; raises ValueError when it cannot be one. Nothing is looked up.

    A domain of one label, such as `localhost`, is none that a guest could mean.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(say("This is not an e-mail address; please write it like name@example.com.")) from None
    return checked.normalized


def ascii_domain(domain: str) -> str:
    """Return `domain` as the DNS spells it (IDNA 2008); raises ValueError when it cannot be one."""
    if domain.isascii():
        return domain
    return idna.encode(domain, uts46=True).decode()  # its IDNAError is a ValueError


def is_host(name: str) -> bool:
    """Tell whether this can be the name of a host, or its IP address (without brackets).

    Names may have underscores, as those of containers do. What ends in a number is an IPv4 address or nothing.
    """
    if ":" in name or name.rpartition(".")[2].isdigit():
        return _is_ip(name)
    with suppress(ValueError):
        spelled = ascii_domain(name).removesuffix(".")
        return len(spelled) < 254 and all(map(_LABEL.fullmatch, spelled.split(".")))
    return False


def _is_ip(text: str) -> bool:
    address, is_scoped, scope = text.partition("%")
    with suppress(ValueError):
        ip_address(address)
        return not is_scoped or bool(_LABEL.fullmatch(scope))
    return False


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
