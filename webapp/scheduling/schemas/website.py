"""What programs say and learn of the sites that show booking pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from webapp.scheduling.service.embedding import LONGEST_SITE, MOST_SITES
from webapp.web.openapi import In, Out

Site = Annotated[str, StringConstraints(max_length=LONGEST_SITE)]


class SitesIn(In):
    """The sites that may show booking pages in a frame, each written like `https://www.example.com`; none for any."""

    sites: Annotated[list[Site], Field(max_length=MOST_SITES, examples=[["https://www.example.com"]])]


class SitesOut(Out):
    """The sites that may show booking pages in a frame; none means any."""

    sites: list[str]
