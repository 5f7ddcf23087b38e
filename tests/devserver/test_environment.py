"""What `make run` tells the parts of Almanac, and what it says when it cannot start."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from devserver.environment import Place, check_port, development_environment, place, write_for_shells
from devserver.files import write_private
from devserver.servers import ServerError, free_port
from webapp.core.settings import Settings

SERVERS = {"DATABASE_URL": "postgresql://ours", "SMTP_URL": "smtp://127.0.0.1:2525"}


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(var=tmp_path, host="127.0.0.1", port=8000)


def test_without_a_word_it_is_port_8000_of_this_machine_and_the_folder_var() -> None:
    assert place({}) == place({"PORT": "", "HOST": "", "ALMANAC_VAR": ""})
    assert place({}) == Place(var=Path("var").absolute(), host="127.0.0.1", port=8000)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "80 ", "٨٠٠٠"])
def test_a_port_that_makes_no_sense_is_named(port: str) -> None:
    with pytest.raises(ServerError, match=r"^PORT makes no sense: "):
        place({"PORT": port})


def test_a_port_in_use_is_said_so_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"^Port {port} is in use: .* such as PORT={port % 65535 + 1}\\.$"):
            check_port(Place(var=tmp_path, host="127.0.0.1", port=port))


def test_a_host_that_is_elsewhere_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"^HOST makes no sense: "):
        check_port(Place(var=tmp_path, host="192.0.2.1", port=free_port()))


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],
)
def test_the_address_shown_is_one_that_can_be_typed(tmp_path: Path, host: str, url: str) -> None:
    assert Place(var=tmp_path, host=host, port=8000).url == url


def test_what_the_caller_sets_wins_and_what_is_empty_does_not_count(here: Place) -> None:
    given = {"LOG_FORMAT": "json", "RATE_LIMIT_PUBLIC": ""}
    environment = development_environment(given=given, here=here, servers=SERVERS)
    assert environment["LOG_FORMAT"] == "json"
    assert environment["RATE_LIMIT_PUBLIC"] == "100000 per minute"
    assert environment["DATABASE_URL"] == "postgresql://ours"


def test_the_secret_is_drawn_once_and_is_nobody_elses_to_read(here: Place) -> None:
    first, second = (development_environment(given={}, here=here, servers=SERVERS)["SECRET_KEY"] for _ in range(2))
    assert first == second
    assert len(first) >= 32
    assert (here.var / "secrets").stat().st_mode & 0o077 == 0


def test_a_file_that_could_not_be_written_to_its_end_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    for _ in range(2):
        with pytest.raises(UnicodeEncodeError):
            write_private(file, "SECRET_KEY=\ud800")  # which no file can hold
        assert not file.exists()
    write_private(file, "SECRET_KEY=whole")
    assert file.read_text() == "SECRET_KEY=whole"
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "SECRET_KEY=\ud800")
    assert file.read_text() == "SECRET_KEY=whole"


def test_no_limit_by_address_is_in_the_way_where_everybody_has_the_same(here: Place) -> None:
    environment = development_environment(given={}, here=here, servers=SERVERS)
    limits = [name.upper() for name in Settings.model_fields if name.startswith("rate_limit_")]
    assert {environment[name] for name in limits} == {"100000 per minute"}
    assert environment["HOLDS_PER_ADDRESS"] == "1000"


def test_the_page_of_all_mail_is_for_our_own_catcher_in_development(here: Place) -> None:
    ours = development_environment(given={}, here=here, servers=SERVERS)
    assert ours["MAIL_CATCHER_DIR"] == str(here.var / "mail")
    for given, servers in (({"ENVIRONMENT": "production"}, SERVERS), ({"SMTP_URL": "smtp://mail.example"}, {})):
        assert "MAIL_CATCHER_DIR" not in development_environment(given=given, here=here, servers=servers)


def test_a_shell_that_reads_the_file_has_the_same_environment(here: Place) -> None:
    given = {"PATH": "/usr/bin:/bin", "MAIL_FROM": 'It\'s "us" <us@example.com>', "LOG_LEVEL": "debug"}
    environment = development_environment(given=given, here=here, servers=SERVERS)
    file = here.var / "env"
    write_for_shells(environment, given=given, path=file)
    assert file.stat().st_mode & 0o077 == 0
    seen = subprocess.run(
        ["/bin/sh", "-c", f". '{file}' && env"], env=given, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {f"{name}={value}" for name, value in environment.items()} <= set(seen)
