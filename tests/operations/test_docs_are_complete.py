"""What the documentation lists is what there is: settings, metrics, log fields, files, what make can do."""

from __future__ import annotations

import re
import subprocess
from enum import StrEnum
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic_core import PydanticUndefined

from tests import factories
from tests.operations.conftest import ROOT
from webapp.core import measures
from webapp.core.logs import bind_job, bind_request, bind_user, get_logger
from webapp.core.settings import Settings


def section(document: str, title: str) -> str:
    text = (ROOT / "docs" / document).read_text()
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(document: str, title: str) -> dict[str, str]:
    """The tables of one section of a document: what is in code type in the first column, and the second column."""
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", section(document, title), flags=re.MULTILINE))


def default_of(name: str) -> str:
    value = Settings.model_fields[name].default
    if value is PydanticUndefined:
        return "**required**"
    if value in {None, ()}:
        return "none"
    return f"`{value.value if isinstance(value, StrEnum) else value}`"


def test_every_setting_is_explained_with_its_default() -> None:
    documented = rows("configure.md", "Almanac")
    assert documented == {name.upper(): default_of(name) for name in Settings.model_fields}


def test_every_file_of_make_run_is_explained() -> None:
    documented = set(
        re.findall(r"^\| `(devserver/\w+\.py)` \|", section("develop.md", "Where things are"), re.MULTILINE)
    )
    assert documented == {f"devserver/{file.name}" for file in (ROOT / "devserver").glob("*.py") if file.stat().st_size}


def test_make_lists_what_it_can_do_in_two_columns() -> None:
    names = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([a-z]+) +\S", listed, re.MULTILINE)) == names


def test_every_metric_is_explained(client: FlaskClient) -> None:
    families = text_string_to_metric_families(client.get("/metrics").text)
    there = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families
        if not family.name.endswith("_created")
    }
    documented = {name for name in rows("operate.md", "Metrics") if name.isidentifier()}
    assert documented == there


def test_every_measure_says_its_labels() -> None:
    labels = {f"almanac_{name}_total": counter.labels for name, counter in measures.COUNTERS.items()}
    labels |= {f"almanac_{name}": histogram.labels for name, histogram in measures.HISTOGRAMS.items()}
    labels |= {f"almanac_{name}": gauge.labels for name, gauge in measures.GAUGES.items()}
    documented = rows("operate.md", "Metrics")
    assert {name: documented[name] for name in labels} == {
        name: ", ".join(f"`{label}`" for label in names) for name, names in labels.items()
    }


def test_every_field_of_a_line_is_explained(client: FlaskClient, lines: Any) -> None:
    member = factories.member()
    with bind_request(request_id="request-1"), bind_job(run_id=uuid4(), name="a.b", attempt=1):
        bind_user(user_id=member.user_id, organization_id=member.organization_id)
        try:
            raise ValueError
        except ValueError:
            get_logger("tests").exception("failed")
    client.get("/no/such/page")
    written = {field for line in lines() for field in line}
    first_column = re.findall(r"^\| (`.*?`) \|", section("operate.md", "Logs"), flags=re.MULTILINE)
    assert written == set(re.findall(r"`(\w+)`", " ".join(first_column)))
