"""A proxy on loopback that loses answers: the request arrives and is carried out, and who has sent it never hears."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Self

HOST = "127.0.0.1"
CHUNK = 65536
# So long a request is held back at most.
HOLD_SECONDS = 30.0


@dataclass(eq=False)
class Catch:
    """Waits for the first `text` to come by; `caught` is set when it has, and `released` lets go what is held."""

    text: bytes
    caught: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)


@dataclass(eq=False)
class _Link:
    """A client's connection and ours to the server; `losing` is why the next answer is to get lost."""

    client: socket.socket
    server: socket.socket
    losing: Catch | None = None

    def close(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class CuttingProxy:
    """Passes everything on between its clients and the server at `target`, the port on loopback, until told not to."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: set[_Link] = set()
        self._lock = Lock()
        self._answers_to: list[Catch] = []
        self._answers: list[Catch] = []
        self._holds: list[Catch] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.forget()
        self.cut_all()

    def lose_answer_to(self, text: bytes) -> Catch:
        """Pass the next request on that contains `text`, and close the connection in place of an answer."""
        return self._watch(self._answers_to, text)

    def lose_answer(self, text: bytes) -> Catch:
        """Close the connection in place of the next answer that contains `text`."""
        return self._watch(self._answers, text)

    def hold(self, text: bytes) -> Catch:
        """Keep the next request that contains `text` until it is `released`."""
        return self._watch(self._holds, text)

    def forget(self) -> None:
        """Pass everything on from now, also what is held."""
        with self._lock:
            for catches in (self._answers_to, self._answers, self._holds):
                for catch in catches:
                    catch.released.set()
                catches.clear()

    def cut_all(self) -> None:
        """Close every connection that there is."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.close()

    def _watch(self, catches: list[Catch], text: bytes) -> Catch:
        catch = Catch(text)
        with self._lock:
            catches.append(catch)
        return catch

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:  # closed, it is over
                return
            try:
                server = socket.create_connection((HOST, self._target()), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            link = _Link(client, server)
            with self._lock:
                self._links.add(link)
            for pump in (self._pass_requests, self._pass_answers):
                threading.Thread(target=self._run, args=(pump, link), daemon=True).start()

    def _run(self, pump: Callable[[_Link], None], link: _Link) -> None:
        with suppress(OSError):
            pump(link)
        link.close()
        with self._lock:
            self._links.discard(link)

    def _pass_requests(self, link: _Link) -> None:
        while data := link.client.recv(CHUNK):
            held = self._find(self._holds, data)
            if held is not None:
                held.caught.set()
                held.released.wait(HOLD_SECONDS)
            link.losing = self._find(self._answers_to, data) or link.losing
            link.server.sendall(data)

    def _pass_answers(self, link: _Link) -> None:
        while data := link.server.recv(CHUNK):
            lost = link.losing or self._find(self._answers, data)
            if lost is not None:
                lost.caught.set()
                return
            link.client.sendall(data)

    def _find(self, catches: list[Catch], data: bytes) -> Catch | None:
        """Return the first catch whose text is in `data`, which is then done with; requests come in one piece."""
        with self._lock:
            for catch in catches:
                if catch.text in data:
                    catches.remove(catch)
                    return catch
        return None
