"""What programs say and learn of the sites that show booking pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from webapp.web.openapi import In, Out

Site = Annotated[str, StringConstraints(max_length=255)]


class SitesIn(In):
    """The sites that may show booking pages in a frame, each written like `https://www.example.com`; none for any."""

    sites: Annotated[list[Site], Field(max_length=50, examples=[["https://www.example.com"]])]


class SitesOut(Out):
    """The sites that may show booking pages in a frame; none means any."""

    sites: list[str]
