"""What hosts look at most: today and what comes next, all bookings, and one booking with what can be done about it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from jobs.bookings import send_booking_confirmation_to_invitee
from webapp.core import clock
from webapp.core.db import transaction, uuid7
from webapp.core.errors import Conflict
from webapp.core.pagination import Cursor
from webapp.core.settings import settings
from webapp.identity.access import current_member, signed_in
from webapp.identity.models import Membership
from webapp.notifications.queries import deliveries
from webapp.scheduling import queries
from webapp.scheduling.answered import answered
from webapp.scheduling.forms.booking import CancelForm, DeclineForm
from webapp.scheduling.forms.notes import NoteForm
from webapp.scheduling.models import Attendance, Booking, Side
from webapp.scheduling.places import place_of_booking
from webapp.scheduling.queries import Selection, When
from webapp.scheduling.service.access import has_link
from webapp.scheduling.service.attendance import can_say
from webapp.scheduling.service.booking import cancel
from webapp.scheduling.service.notes import can_delete
from webapp.scheduling.service.policy import can_cancel, can_reschedule
from webapp.scheduling.service.series import cancel_rest
from webapp.scheduling.service.standing import can_change
from webapp.scheduling.views.history import history_lines
from webapp.scheduling.views.sent import mail_words
from webapp.web.languages import told
from webapp.web.times import reader_locale

blueprint = Blueprint("host", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead to the dashboard, which asks strangers to sign in."""
    return redirect(url_for("host.today"))


@blueprint.get("/app")
@signed_in
def today() -> str:
    """Show the host's day and what comes next, in the host's zone."""
    member = current_member()
    zone = clock.find_zone(member.user.timezone)
    return render_template(
        "scheduling/host/today.html",
        member=member,
        zone=zone,
        now=clock.now(),
        agenda=queries.today_and_next(
            organization_id=member.organization_id,
            host_id=member.user_id,
            zone=zone,
            first_weekday=reader_locale().first_week_day,
        ),
        six_days=timedelta(days=6),
        event_types=queries.event_types(organization_id=member.organization_id, host_id=member.user_id),
        public_url=settings().public_url,
    )


@blueprint.get("/app/bookings")
@signed_in
def bookings() -> str:
    """List bookings: the member's own, or everybody's for those who manage the organisation."""
    member, chosen = current_member(), selection()
    return render_template(
        "scheduling/host/bookings.html",
        member=member,
        zone=clock.find_zone(member.user.timezone),
        page=queries.bookings_page(**chosen._asdict(), after=read_cursor(request.args.get("after", ""))),
        when=chosen.when,
        search=chosen.search,
        everybody=chosen.host_id is None,
        is_first=not request.args.get("after"),
    )


def selection() -> Selection:
    """Return which bookings the address asks for: the member's own, or everybody's for who manages the organisation."""
    member = current_member()
    everybody = member.role.administers and request.args.get("host") == "all"
    return Selection(
        organization_id=member.organization_id,
        host_id=None if everybody else member.user_id,
        when=_when(request.args.get("when", "")),
        search=request.args.get("q", "")[:100],
    )


@blueprint.get("/app/bookings/<uuid:booking_id>")
@signed_in
def booking(booking_id: UUID) -> str:
    """Show one booking."""
    return booking_page(own_booking(booking_id))


@blueprint.post("/app/bookings/<uuid:booking_id>/cancel")
@signed_in
def cancel_booking(booking_id: UUID) -> ResponseReturnValue:
    """Cancel a booking in the host's name; the guest is told the reason."""
    found, form = own_booking(booking_id), CancelForm(request.form)
    if not form.validate():
        return booking_page(found, cancelling=form), 422
    try:
        with transaction():
            reason = (form.reason.data or "").strip()
            if form.rest.data:
                cancel_rest(booking=found, by=Side.HOST, reason=reason, host_id=visible_host(current_member()))
            else:
                cancel(booking=found, by=Side.HOST, reason=reason)
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("The booking is cancelled, and %(guest)s is being told.", guest=found.guest_name), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


@blueprint.post("/app/bookings/<uuid:booking_id>/send-again")
@signed_in
def send_again(booking_id: UUID) -> ResponseReturnValue:
    """Send the guest one more copy of the confirmation."""
    found = own_booking(booking_id)
    if found.is_confirmed:
        with transaction():
            send_booking_confirmation_to_invitee.enqueue(booking_id=found.id, resend=uuid7())
        flash(_("The confirmation is on its way to %(email)s again.", email=found.guest_email), "success")
    else:
        flash(_("This booking does not stand, so there is nothing to confirm."), "error")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


def visible_host(member: Membership) -> UUID | None:
    """Return whose bookings and event types the member may see: their own, or everybody's (None) as administrator."""
    return None if member.role.administers else member.user_id


def own_booking(booking_id: UUID) -> Booking:
    """Return a booking that the member may see; raises NotFound."""
    member = current_member()
    return queries.get_booking(member.organization_id, booking_id, host_id=visible_host(member))


def booking_page(
    found: Booking,
    *,
    cancelling: CancelForm | None = None,
    declining: DeclineForm | None = None,
    note_form: NoteForm | None = None,
) -> str:
    """Return the page of one booking, with what was typed into one of its forms."""
    member = current_member()
    return render_template(
        "scheduling/host/booking.html",
        booking=found,
        form=cancelling or CancelForm(),
        decline_form=declining or DeclineForm(),
        zone=clock.find_zone(member.user.timezone),
        guest_zone=clock.find_zone(found.guest_timezone),
        place=place_of_booking(found, to=Side.HOST),
        can_change=can_change(found),
        can_say={said.value: can_say(found, said) for said in Attendance},
        answers=answered(found),
        notes=queries.notes(found),
        note_form=note_form or NoteForm(),
        has_link=has_link(found),
        guest_can={"move": can_reschedule(found), "cancel": can_cancel(found)},
        can_delete=partial(can_delete, by=member),
        history=history_lines(found, clock.find_zone(member.user.timezone)),
        series=_series(found, visible_host(member)),
        mail_words=mail_words,
        deliveries=deliveries(
            organization_id=found.organization_id, key_prefix=f"booking:{found.id}:", since=found.created_at
        ),
    )


def _series(found: Booking, host_id: UUID | None) -> list[tuple[Booking, str | None]]:
    """Return the meetings of the booking's series, each with the address of its page if that is for the member."""

    def address(each: Booking) -> str | None:
        theirs = host_id is not None and host_id not in {host.id for host in each.hosts}
        return None if theirs else url_for("host.booking", booking_id=each.id)

    return [(each, address(each)) for each in queries.series_of(found)]


def _when(text: str) -> When:
    return When(text) if text in set(When) else When.UPCOMING


def read_cursor(text: str) -> Cursor | None:
    """Return where the page begins; at the start when the address was mangled."""
    try:
        return Cursor.decode(text) if text else None
    except ValueError:
        return None
