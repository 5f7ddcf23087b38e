"""Links that open a web calendar with the meeting filled in, for guests whose mail program knows no invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarLinks:
    """One link per calendar: Google, Outlook.com (personal) and Microsoft 365 (work or school)."""

    google: str
    outlook: str
    microsoft365: str


def links(*, title: str, start: datetime, end: datetime, description: str, location: str) -> CalendarLinks:
    """Return the links to a meeting from `start` to `end`, both in UTC."""
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{start:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}",
        "details": description,
        "location": location,
    }
    microsoft = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "body": description,
        "location": location,
    }
    return CalendarLinks(
        google=f"https://calendar.google.com/calendar/render?{_query(google)}",
        outlook=f"https://outlook.live.com/calendar/0/deeplink/compose?{_query(microsoft)}",
        microsoft365=f"https://outlook.office.com/calendar/0/deeplink/compose?{_query(microsoft)}",
    )


def _query(parameters: dict[str, str]) -> str:
    return urlencode(parameters, quote_via=quote)  # Outlook shows a `+` as it stands
