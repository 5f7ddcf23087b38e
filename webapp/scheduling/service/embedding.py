"""Which sites may show an organisation's booking pages in a frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from webapp.core.addresses import ascii_domain
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.identity.models import Organization

MOST_SITES = 50
LONGEST_SITE = 255

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def set_sites(*, organization: Organization, sites: Sequence[str]) -> Organization:
    """Replace the sites that may show booking pages; none at all lets any.

    Raises InvalidInput naming `sites` when one of them is no origin, or there are too many.
    """
    faults, origins = FieldErrors(), []
    for site in sites:
        with faults.of("sites"):
            origins.append(site_origin(site))
    if len(origins) > MOST_SITES:
        faults.add("sites", say("Please name at most %(most)d sites.", most=MOST_SITES))
    faults.refuse()
    organization.embed_origins = list(dict.fromkeys(origins))
    return organization


def site_origin(text: str) -> str:
    """Return the origin that somebody means, such as `https://www.example.com`; raises ValueError.

    Without a scheme it is https, and `*.example.com` stands for all sites below. Nothing else may be in it, since it
    ends in a header.
    """
    refused = say("“%(site)s” is not a site; please write it like https://www.example.com.", site=text.strip()[:80])
    written = text.strip().lower()
    try:
        parts = urlsplit(written if "://" in written else f"https://{written}")
        port, host = parts.port, ascii_domain((parts.hostname or "").removeprefix("*."))
    except ValueError:
        raise ValueError(refused) from None
    below = "*." if (parts.hostname or "").startswith("*.") else ""
    is_origin = parts.path.strip("/") == "" and not parts.query and not parts.fragment and "@" not in parts.netloc
    if (
        parts.scheme not in {"http", "https"}
        or not is_origin
        or not _HOST.fullmatch(host)
        or len(written) > LONGEST_SITE
    ):
        raise ValueError(refused)
    return f"{parts.scheme}://{below}{host}" + (f":{port}" if port else "")
