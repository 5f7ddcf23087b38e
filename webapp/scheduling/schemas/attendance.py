"""What is said of who came."""

from __future__ import annotations

from webapp.scheduling.models import Attendance
from webapp.web.openapi import In


class AttendanceIn(In):
    """Whether the guest was there; `unknown` takes back what was said."""

    attendance: Attendance
