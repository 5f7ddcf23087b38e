"""Tests that share what is slow to start go to one process: a pytest that xdist does not know yet forgets it."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="all tests run in one process here")
@pytest.mark.xdist_group("shared_out")
def test_the_groups_of_tests_reach_xdist(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@shared_out")
    groups = {item.nodeid: item.get_closest_marker("xdist_group") for item in request.session.items}
    assert [test for test, mark in groups.items() if mark and not test.endswith(f"@{mark.args[0]}")] == []
