"""What `make run` tells the parts of Almanac: settings for one machine, each only where the caller has not set it."""

from __future__ import annotations

import errno
import secrets
import shlex
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devserver.files import write_private
from devserver.servers import HOST, ServerError

ROOT = Path(__file__).resolve().parent.parent
# Everybody who tries it comes from the same address.
_GENEROUS = dict.fromkeys(
    ("RATE_LIMIT_PUBLIC", "RATE_LIMIT_HOLDS", "RATE_LIMIT_API", "RATE_LIMIT_SIGN_IN"), "100000 per minute"
) | {"HOLDS_PER_ADDRESS": "1000"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this copy of Almanac keeps its data and answers."""

    var: Path
    host: str
    port: int

    @property
    def address(self) -> str:
        """The host that reaches this copy from the same machine."""
        return HOST if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  compared, not bound

    @property
    def url(self) -> str:
        """The address to type into a browser on this machine."""
        return f"http://{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"


def place(given: Mapping[str, str]) -> Place:
    """Read ALMANAC_VAR (default `var`), HOST (127.0.0.1) and PORT (8000). Raises ServerError if one is nonsense."""
    port = given.get("PORT") or "8000"
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ServerError(f"PORT makes no sense: {port!r} is not a number from 1 to 65535.")
    var = Path(given.get("ALMANAC_VAR") or "var").expanduser().absolute()
    return Place(var=var, host=given.get("HOST") or HOST, port=int(port))


def check_port(here: Place) -> None:
    """Raise ServerError with a sentence that helps when nothing can listen at this place."""
    family = socket.AF_INET6 if ":" in here.host else socket.AF_INET
    try:
        socket.create_server((here.host, here.port), family=family).close()
    except PermissionError:
        raise ServerError(f"Port {here.port} is for root alone: choose another, such as PORT=8000.") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ServerError(f"HOST makes no sense: this machine has no address {here.host!r}.") from None
        raise ServerError(
            f"Port {here.port} is in use: stop what uses it, or choose another, such as PORT={here.port % 65535 + 1}."
        ) from None


def development_environment(*, given: Mapping[str, str], here: Place, servers: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment for the parts: what was given, and for the rest what suits one machine.

    `servers` holds the addresses of the servers that were started here, by the setting each of them answers.
    """
    programs = Path(sys.executable).parent
    defaults = {
        "ENVIRONMENT": "development",
        "LOG_FORMAT": "text",
        "PUBLIC_URL": here.url,
        **_GENEROUS,
        "PYTHONUNBUFFERED": "1",
        **_own_secrets(here.var / "secrets"),
        **servers,
    }
    environment = defaults | {name: value for name, value in given.items() if value}
    if "SMTP_URL" in servers and environment["ENVIRONMENT"] == "development":
        environment.setdefault("MAIL_CATCHER_DIR", str(here.var / "mail"))
    environment |= {"ALMANAC_VAR": str(here.var), "HOST": here.host, "PORT": str(here.port)}
    environment["PATH"] = f"{programs}:{environment.get('PATH', '/usr/bin:/bin')}"
    return environment


def write_for_shells(environment: Mapping[str, str], *, given: Mapping[str, str], path: Path) -> None:
    """Write what is new in the environment as shell commands, so that one can work beside what runs: `. var/env`."""
    new = {name: value for name, value in environment.items() if given.get(name) != value}
    write_private(path, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(new.items())))


def _own_secrets(path: Path) -> dict[str, str]:
    """The secrets of this copy, drawn once and kept."""
    if not path.exists():
        write_private(path, f"SECRET_KEY={secrets.token_urlsafe(48)}\n")
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, equals, value in lines if equals}
