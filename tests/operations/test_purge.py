"""What is past its time is deleted every hour, a batch at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from jobs import operations
from tests.factories import member
from webapp.core import clock
from webapp.core.db import Base, session, transaction
from webapp.core.idempotency import earlier_answer
from webapp.core.models import IdempotentRequest
from webapp.identity.models import UserSession

pytestmark = pytest.mark.usefixtures("app")

A_DAY, A_MINUTE = timedelta(hours=24), timedelta(minutes=1)


def _keep(*kept: Base) -> None:
    with transaction():
        session().add_all(kept)


def _key(name: str, made_at: datetime) -> IdempotentRequest:
    return IdempotentRequest(scope="test", key=name, body_digest="0" * 64, answer={"id": name}, created_at=made_at)


def test_keys_of_yesterday_go_in_as_many_batches_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "PURGED_AT_ONCE", 2)
    yesterday = clock.now() - A_DAY - A_MINUTE
    _keep(*(_key(f"old-{number}", yesterday) for number in range(5)), _key("new", yesterday + 2 * A_MINUTE))
    operations.monitor_job_performance()
    assert list(session().scalars(select(IdempotentRequest.key))) == ["new"]


def test_a_key_that_has_gone_is_a_new_one() -> None:
    _keep(_key("k", clock.now() - 2 * A_DAY))
    operations.monitor_job_performance()
    with transaction():
        assert earlier_answer(scope="test", key="k", body={}) is None


def test_sessions_that_have_run_out_go_and_others_stay() -> None:
    somebody, now = member(), clock.now()
    whose = {"user_id": somebody.user_id, "organization_id": somebody.organization_id}
    ends = {"over": now - A_MINUTE, "running": now + A_MINUTE}
    _keep(*(UserSession(**whose, token_digest=name, expires_at=end) for name, end in ends.items()))
    operations.monitor_job_performance()
    assert list(session().scalars(select(UserSession.token_digest))) == ["running"]
