"""Files that are written while they are being sent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from flask import Response, stream_with_context

CSV = "text/csv"


def csv_file(pieces: Iterator[str], *, name: str) -> Response:
    """Return a CSV file called `name`, sent piece by piece.

    The first piece is made before anything is sent, so that what goes wrong with it is answered like any other error.
    """
    first = next(pieces)
    return Response(
        stream_with_context(chain([first], pieces)),
        content_type=f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"},
    )
