"""Whose request it is: what a program brings, and where a visitor comes from without keeping who it was."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

from webapp.core.crypto import derive_token

_ONE_HOME = 64  # bits of an IPv6 address; the rest of it a visitor can choose at will


def caller() -> str:
    """Return a name for where this request comes from, which nobody can turn back into the address."""
    return derive_token("caller", _network(request.remote_addr or ""))


def bearer_token() -> str:
    """Return what the request brings as `Authorization: Bearer`, empty when it brings none."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return text  # a Unix socket's client has none
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(ip_network((address, _ONE_HOME), strict=False))
    return text
