"""What programs are told about themselves."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict

from webapp.identity.models import ApiToken, Membership, Role, Scope
from webapp.identity.service import effective_scopes
from webapp.web.openapi import Out


class MyselfOut(Out):
    """The person a token belongs to."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    email: str
    timezone: str
    locale: str


class MyOrganizationOut(Out):
    """The organisation a token works in."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    slug: str
    name: str
    timezone: str


class MeOut(Out):
    """Who a token speaks for, and what it may do at present."""

    user: MyselfOut
    organization: MyOrganizationOut
    role: Role
    scopes: list[Scope]

    @classmethod
    def of(cls, *, token: ApiToken, membership: Membership) -> MeOut:
        """Return what `token` stands for; its scopes in the order of their declaration."""
        granted = effective_scopes(token=token, membership=membership)
        return cls(
            user=MyselfOut.model_validate(membership.user),
            organization=MyOrganizationOut.model_validate(membership.organization),
            role=membership.role,
            scopes=[scope for scope in Scope if scope in granted],
        )
