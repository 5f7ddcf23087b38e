"""Pages for signing in and out, one's account, and personal tokens."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import refresh
from wtforms import Form

from webapp.core import clock, crypto
from webapp.core.db import transaction
from webapp.core.errors import DomainError
from webapp.core.settings import settings
from webapp.identity import access, queries, service
from webapp.identity.access import current_member, signed_in
from webapp.identity.errors import UnfitExpiry, WrongCredentials
from webapp.identity.forms import SCOPE_LABELS, PasswordForm, ProfileForm, SignInForm, TokenForm
from webapp.identity.models import Scope
from webapp.web.extensions import limiter
from webapp.web.languages import told
from webapp.web.times import day_text

blueprint = Blueprint("identity", __name__)
blueprint.app_context_processor(lambda: {"find_member": access.find_member})


@blueprint.after_request
def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


# Signing in and out


def _sign_in_limit() -> str:
    return settings().rate_limit_sign_in


def _address_typed() -> str:
    return crypto.digest(request.form.get("email", "").strip().lower())


def _member_asking() -> str:
    return str(current_member().user_id)


@blueprint.get(access.SIGN_IN)
def sign_in() -> ResponseReturnValue:
    """Ask who it is; whoever is signed in already goes straight on."""
    wanted = access.safe_next(request.args.get("next"))
    if access.find_member():
        return redirect(wanted, 303)
    return _sign_in_page(SignInForm(data={"next": wanted}))


@blueprint.post(access.SIGN_IN)
@limiter.limit(_sign_in_limit, key_func=_address_typed, scope="address")
@limiter.limit(_sign_in_limit, scope="ip")
def open_session() -> ResponseReturnValue:
    """Sign in, under a new session whatever the browser held before, and go where the person was going."""
    form = SignInForm(request.form)
    if not form.validate():
        return _sign_in_page(form), 422
    try:
        token = _open_session(form)
    except WrongCredentials as error:
        return _sign_in_page(form, error=told(error)), error.status
    access.keep_session_token(token)
    return redirect(access.safe_next(form.next.data), 303)


def _open_session(form: SignInForm) -> str:
    earlier = access.session_token()
    with transaction():
        member = service.authenticate(email=form.email.data or "", password=form.password.data or "")
        if earlier:
            service.close_session(token=earlier)
        return service.open_session(
            membership=member, user_agent=request.user_agent.string, ip_address=request.remote_addr or ""
        )


def _sign_in_page(form: SignInForm, error: str | None = None) -> str:
    return render_template("identity/sign_in.html", form=form, errors=[error] if error else [])


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Close this browser's session for good."""
    token = access.session_token()
    if token:
        with transaction():
            service.close_session(token=token)
    access.forget_session_token()
    flash(_("You are signed out."), "success")
    return redirect(url_for("identity.sign_in"), 303)


# One's account


@blueprint.get("/account")
@signed_in
def account() -> ResponseReturnValue:
    """Show one's name, zone, language and the form for a new password."""
    return _account_page()


@blueprint.post("/account")
@signed_in
def update_profile() -> ResponseReturnValue:
    """Change one's name, zone and language."""
    user = current_member().user
    form = ProfileForm(request.form).offer_zones(user)
    if not form.validate():
        return _account_page(profile=form), 422
    try:
        with transaction():
            service.update_profile(
                user=user, name=form.name.data or "", timezone=form.timezone.data, locale=form.locale.data or ""
            )
    except DomainError as error:
        _blame(form, error)
        return _account_page(profile=form), error.status
    refresh()  # the language may be another one now
    flash(_("Your details are saved."), "success")
    return redirect(url_for("identity.account"), 303)


@blueprint.post("/account/password")
@signed_in
@limiter.limit(_sign_in_limit, key_func=_member_asking)
def change_password() -> ResponseReturnValue:
    """Take a new password, given the old one, and sign out every other browser."""
    form = PasswordForm(request.form)
    if not form.validate():
        return _account_page(password=form), 422
    try:
        with transaction():
            service.change_password(
                user=current_member().user,
                current=form.current_password.data or "",
                new=form.new_password.data or "",
                keep_session=access.session_token() or "",
            )
    except DomainError as error:
        _blame(form, error)
        return _account_page(password=form), error.status
    flash(_("Your password is changed, and every other browser is signed out."), "success")
    return redirect(url_for("identity.account"), 303)


def _account_page(profile: ProfileForm | None = None, password: PasswordForm | None = None) -> str:
    member = current_member()
    return render_template(
        "identity/account.html",
        member=member,
        profile=profile or ProfileForm(obj=member.user).offer_zones(member.user),
        password=password or PasswordForm(),
    )


# Personal tokens


@blueprint.get("/account/tokens")
@signed_in
def tokens() -> ResponseReturnValue:
    """List one's tokens, with the form for a new one."""
    return _tokens_page(TokenForm(data={"scopes": [Scope.BOOKINGS_READ]}))


@blueprint.post("/account/tokens")
@signed_in
def create_token() -> ResponseReturnValue:
    """Make a token and show its secret on this one answer."""
    member = current_member()
    form = TokenForm(request.form).offer_scopes(member.role)
    if not form.validate():
        return _tokens_page(form), 422
    try:
        with transaction():
            token, secret = service.create_api_token(
                membership=member,
                name=form.name.data or "",
                scopes=form.scopes.data or [],
                expires_at=_end_of(form.expires_on.data, ZoneInfo(member.user.timezone)),
            )
    except DomainError as error:
        _blame(form, error)
        return _tokens_page(form), error.status
    return render_template("identity/token_created.html", token=token, secret=secret), 201


@blueprint.post("/account/tokens/<uuid:token_id>/revoke")
@signed_in
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    """End one of one's own tokens at once."""
    with transaction():
        token = service.revoke_api_token(membership=current_member(), token_id=token_id)
    flash(_("The token “%(name)s” is revoked and works no more.", name=token.name), "success")
    return redirect(url_for("identity.tokens"), 303)


def _tokens_page(form: TokenForm) -> str:
    member = current_member()
    zone = ZoneInfo(member.user.timezone)
    return render_template(
        "identity/tokens.html",
        form=form.offer_scopes(member.role),
        tokens=queries.tokens_of(member),
        labels=SCOPE_LABELS,
        zone=zone,
        now=clock.now(),
        last_day=lambda end: day_text(end - timedelta(microseconds=1), zone, "medium"),
    )


def _end_of(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant at which `day` is over in `zone`, in UTC; raises UnfitExpiry at the ends of the calendar."""
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise UnfitExpiry(field="expires_on") from None


def _blame(form: Form, error: DomainError) -> None:
    """Show `error` beside the field that it names; raises it again when this form has no such field."""
    if error.field is None or error.field not in form:
        raise error
    field = form[error.field]
    field.errors = [*field.errors, told(error)]
