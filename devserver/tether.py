"""Run a program that cannot outlive the process that started it.

As a program (`python -I -S devserver/tether.py PARENT SIGNAL USER COMMAND...`) it ties itself to PARENT and becomes
COMMAND. It is a program of its own because such settings are not safe between fork and exec in a process that has
threads, and it imports nothing beyond the standard library because every server waits for it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def command(*arguments: str, on_death: signal.Signals = signal.SIGTERM, user: str = "") -> list[str]:
    """Return the command line that runs `arguments` tied to this process.

    When this process dies, however it dies, the program gets `on_death` (Linux; elsewhere nothing happens).
    With `user`, which only root may give, the program runs as that user but reaches files as root does.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(on_death)), user, *arguments]


def die_with_parent(on_death: signal.Signals) -> None:
    """Have the kernel send `on_death` to this process when its parent dies (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(on_death), 0, 0, 0)


def _become(user: str) -> None:
    """Leave root for `user`, who keeps root's way into folders that nobody else may enter.

    PostgreSQL refuses to run as root, and a project in /root must work without opening /root to everybody.
    Where the capability is withheld (a locked-down container), ordinary permissions have to do.
    """
    account = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc:
        # Without this bit the capability is lost with the change of user, and access() does not count it.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if libc:
        kept = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0))  # effective, permitted, inheritable
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def main() -> None:
    """Become the program named on the command line, tied to the process named there."""
    parent, on_death, user, *program = sys.argv[1:]
    if user:
        _become(user)
    die_with_parent(signal.Signals(int(on_death)))  # after the change of user, which would clear it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # what the parent ignores would be ignored by the program, too
    if os.getppid() != int(parent):  # it died before we were tied to it
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606  a list of arguments, no shell


if __name__ == "__main__":
    main()
