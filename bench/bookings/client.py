"""Guests' programs: one connection each, kept open, and as little work as can be between a question and its answer."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from threading import Thread
from typing import Any

from bench.report import BenchError


class Guest:
    """A connection to the web server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def get(self, path: str) -> bytes:
        """Return the body; raises BenchError when the answer is no 2xx."""
        return self._ask(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """Return the body; raises BenchError when the answer is no 2xx."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        return self._ask(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _ask(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        head = self._until(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        while len(self._rest) < length:
            self._rest += self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        if not head.startswith(b"HTTP/1.1 2"):
            raise BenchError(f"the web server answers {head.splitlines()[0].decode()}: {body[:300].decode()}")
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._rest += self._more()
        head, _, self._rest = self._rest.partition(mark)
        return head

    def _more(self) -> bytes:
        received = self._socket.recv(65536)
        if not received:
            raise BenchError("the web server has hung up")
        return received


def read_for(port: int, paths: Sequence[str], *, seconds: float, guests: int) -> tuple[float, list[float]]:
    """Have so many guests ask for the paths in turn, each as soon as it has its answer.

    Returns the answers a second and how long each took, in milliseconds.
    """
    taken: list[float] = []
    until = time.monotonic() + seconds

    def ask(first: int) -> None:
        guest, number = Guest(port), first
        while time.monotonic() < until:
            began = time.perf_counter()
            guest.get(paths[number % len(paths)])
            taken.append((time.perf_counter() - began) * 1000)
            number += guests
        guest.close()

    threads = [Thread(target=ask, args=(number,)) for number in range(guests)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken) / (time.monotonic() - began), taken


def book_at_a_rate(port: int, orders: Sequence[tuple[str, dict[str, Any]]], *, rate: float, guests: int) -> list[float]:
    """Send the bookings at a steady rate, whether or not the ones before are answered; return the milliseconds each
    took from when it was due, so that a server that falls behind does not look fast.
    """
    taken: list[float] = []
    start = time.monotonic() + 0.5

    def book(first: int) -> None:
        guest = Guest(port)
        for number in range(first, len(orders), guests):
            due = start + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            path, body = orders[number]
            guest.post(path, body)
            taken.append((time.monotonic() - due) * 1000)
        guest.close()

    threads = [Thread(target=book, args=(number,)) for number in range(guests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken
