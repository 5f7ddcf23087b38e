"""A mail server that delivers nothing: every message becomes a file that people and tests can read.

`python -m devserver.mail --port 2525 --dir var/mail`
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import threading
import weakref
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
_SMALLEST_STEP = timedelta(microseconds=1)
_UNSAFE_IN_FILE_NAMES = re.compile(r"[^\w@.+-]+", re.ASCII)


class MailCatcher:
    """An SMTP server on the loopback address that writes each message into `folder`; runs in a thread of its own.

    A file is named for its arrival in UTC and its first recipient, so that names sort by time, and is complete from the
    moment it has its name: `20261122T101500.123456Z-guest@example.com.eml`. All recipients are in `X-RcptTo`.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder.absolute()
        self.port = port
        self._last = datetime.min.replace(tzinfo=UTC)
        self._sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event

    @property
    def url(self) -> str:
        """`smtp://…`, known once the catcher has started."""
        return f"smtp://{HOST}:{self.port}"

    def start(self) -> None:
        """Take mail from now on; `port` 0 becomes a free one. Raises OSError when the port is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), name="mail", daemon=True)
        self._thread.start()
        self.port = listening.result()

    def stop(self) -> None:
        """Hang up on everybody and stop listening. Harmless when it does not run."""
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, listening: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            server = await self._loop.create_server(self._session, HOST, self.port)
        except OSError as error:
            listening.set_exception(error)
            return
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        server.close()  # without wait_closed(), which waits for clients that keep their connection
        for session in self._sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()

    def _session(self) -> SMTP:
        session = SMTP(self, hostname="localhost", enable_SMTPUTF8=True)  # its own idea of a host name asks the DNS
        self._sessions.add(session)
        return session

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  aiosmtpd's
        """Write one message down; what is returned is the answer to the sender."""
        if not isinstance(envelope.content, bytes):
            return "554 5.6.0 There was no message"
        try:
            self._write(envelope.content, recipients=envelope.rcpt_tos)
        except OSError as error:
            return f"452 4.3.1 The message could not be written: {error.strerror}"
        return "250 2.0.0 Written down"

    def _write(self, content: bytes, *, recipients: list[str]) -> None:
        self._last = max(datetime.now(UTC), self._last + _SMALLEST_STEP)  # no two alike, whatever the clock does
        recipient = _UNSAFE_IN_FILE_NAMES.sub("_", recipients[0])[:100]
        path = self.folder / f"{self._last:%Y%m%dT%H%M%S.%fZ}-{recipient}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(f"X-RcptTo: {', '.join(recipients)}\r\n".encode() + content)
        unfinished.rename(path)


def main() -> None:
    """Catch mail until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m devserver.mail", description="Write mail to files.")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--dir", type=Path, required=True, help="folder that gets the messages, one .eml file each")
    options = parser.parse_args()
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)  # before the thread exists, which inherits it
    with MailCatcher(options.dir, port=options.port) as catcher:
        print(f"Mail for {catcher.url} goes to {catcher.folder}", flush=True)  # noqa: T201  a program's own output
        signal.sigwait(stop_signals)


if __name__ == "__main__":
    main()
