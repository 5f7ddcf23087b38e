"""The form in which a host says what can be booked, the questions asked of guests included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import TextArea, TextInput

from webapp.core.validation import FieldError
from webapp.identity.models import User
from webapp.scheduling.forms import option, show_errors
from webapp.scheduling.models import (
    AllDayEvents,
    EventColor,
    EventKind,
    EventType,
    LocationKind,
    QuestionKind,
    Schedule,
)
from webapp.scheduling.service.event_types import EventTypeDetails
from webapp.scheduling.service.questions import Question
from webapp.scheduling.service.teams import TeamMember
from webapp.scheduling.service.texts import slug_for
from webapp.web.forms import Form
from webapp.web.languages import told
from webapp.web.times import duration_text

_NOTICES = (0, 30, 60, 120, 240, 720, 1440, 2880, 10_080)
_CHANGE_NOTICES = (0, 60, 240, 720, 1440, 2880, 10_080)
NEVER = "never"
_ROW = "questions."
KINDS = [
    option(EventKind.ONE_TO_ONE, _("One guest at a time")),
    option(EventKind.GROUP, _("A group: several guests at once")),
    option(EventKind.ROUND_ROBIN, _("A team: one of several hosts, in turn")),
    option(EventKind.COLLECTIVE, _("A team: all hosts together")),
]
_ALONE = KINDS[:2]
PLACES = [
    option(LocationKind.IN_PERSON, _("In person, at an address")),
    option(LocationKind.WE_CALL, _("By phone: you call the guest")),
    option(LocationKind.YOU_CALL, _("By phone: the guest calls you")),
    option(LocationKind.LINK, _("Online, behind a link")),
    option(LocationKind.OTHER, _("Something else, or not said")),
]
COLORS = [
    option(EventColor.GREEN, _("Green")),
    option(EventColor.BLUE, _("Blue")),
    option(EventColor.PURPLE, _("Purple")),
    option(EventColor.PINK, _("Pink")),
    option(EventColor.RED, _("Red")),
    option(EventColor.ORANGE, _("Orange")),
    option(EventColor.YELLOW, _("Yellow")),
    option(EventColor.GREY, _("Grey")),
]
ALL_DAY_EVENTS = [
    option(AllDayEvents.BLOCK, _("Close the whole day")),
    option(AllDayEvents.IGNORE, _("Leave the day open")),
]
QUESTION_KINDS = [
    option(QuestionKind.SHORT_TEXT, _("A line of text")),
    option(QuestionKind.LONG_TEXT, _("A longer text")),
    option(QuestionKind.SINGLE_CHOICE, _("One of several options")),
    option(QuestionKind.MULTIPLE_CHOICE, _("Any number of options")),
    option(QuestionKind.CHECKBOX, _("A box to tick")),
    option(QuestionKind.PHONE, _("A phone number")),
    option(QuestionKind.NUMBER, _("A number")),
]
_PRIORITIES = [
    option("1", _("Asked first")),
    option("2", _("Asked second")),
    option("3", _("Asked third")),
]
_USUAL = {
    "kind": EventKind.ONE_TO_ONE,
    "location_kind": LocationKind.OTHER,
    "color": EventColor.GREEN,
    "seats": 1,
    "series_most": 1,
    "all_day_events": AllDayEvents.BLOCK,
    "duration": 30,
    "slot_interval": 30,
    "slot_offset": 0,
    "buffer_before": 0,
    "buffer_after": 0,
    "minimum_notice": 60,
    "horizon_days": 60,
    "most_attendees": 0,
    "cancel_notice": 0,
    "reschedule_notice": 0,
}
_NUMBER_OR_NOTHING = _("Please give a number, or 0.")


class LinesField(Field):
    """Several texts, each on a line of its own."""

    widget = TextArea()  # type: ignore[assignment]  # any field with a `_value` will do
    data: list[str] | None

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the lines that are not empty."""
        self.data = [line.strip() for line in (valuelist[0] if valuelist else "").splitlines() if line.strip()]


class QuestionForm(Form):
    """One question; its key, once it has one, names its answers."""

    key = HiddenField()
    label = StringField(_("Question"), render_kw={"maxlength": 200})
    kind = SelectField(_("Answer"), choices=QUESTION_KINDS, coerce=QuestionKind, default=QuestionKind.SHORT_TEXT)
    options = LinesField(_("Options, one a line"), render_kw={"rows": 4})
    required = BooleanField(_("Must be answered"))


class HostForm(Form):
    """One member of the organisation, who may host with others."""

    host_id = HiddenField()
    name = HiddenField()
    takes_part = BooleanField(_("Hosts it"))
    priority = SelectField(_("Priority"), choices=_PRIORITIES, coerce=int, default=1)


class MinutesField(Field):
    """Lengths of time, typed as numbers of minutes with commas between them."""

    widget = TextInput()
    data: list[int] | None

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ", ".join(map(str, self.data or []))

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take what was typed; raises ValueError, which becomes the field's error."""
        parts = [part.strip() for part in (valuelist[0] if valuelist else "").split(",") if part.strip()]
        if any(not re.fullmatch("[0-9]{1,6}", part) for part in parts):
            raise ValueError(gettext("Please write numbers of minutes with commas between them, such as 45, 60."))
        self.data = [int(part) for part in parts]


def _notice_or_never(value: object) -> int | None:
    """Return the minutes that a choice stands for; raises ValueError when it stands for none."""
    return None if value in {NEVER, None} else int(str(value))


class EventTypeForm(Form):
    """Everything about an event type. The service checks what the fields say."""

    name = StringField(_("Name"), [InputRequired(_("Please give it a name."))], render_kw={"maxlength": 120})
    kind = SelectField(_("Who comes"), choices=KINDS, coerce=EventKind)
    seats = IntegerField(_("Seats"), [InputRequired(_("Please say how many guests can come at once."))])
    schedule_id = SelectField(_("Working hours"))
    slug = StringField(_("Address"), render_kw={"maxlength": 60, "autocapitalize": "none", "spellcheck": "false"})
    description = TextAreaField(_("Description"), render_kw={"maxlength": 5000})
    location_kind = SelectField(_("Where"), choices=PLACES, coerce=LocationKind)
    location = StringField(_("Address, number or link"), render_kw={"maxlength": 255})
    is_secret = BooleanField(_("Only with its link"))
    color = RadioField(_("Colour"), choices=COLORS, coerce=EventColor)
    duration = IntegerField(_("Length in minutes"), [InputRequired(_("Please say how long it takes."))])
    slot_interval = IntegerField(_("Minutes between starts"), [InputRequired(_("Please give a number of minutes."))])
    buffer_before = IntegerField(_("Minutes kept free before"), [InputRequired(_NUMBER_OR_NOTHING)])
    buffer_after = IntegerField(_("Minutes kept free after"), [InputRequired(_NUMBER_OR_NOTHING)])
    minimum_notice = SelectField(_("Shortest notice"), coerce=int)
    horizon_days = IntegerField(_("Furthest ahead, in days"), [InputRequired(_("Please give a number of days."))])
    other_durations = MinutesField(_("Further lengths to choose from"))
    slot_offset = IntegerField(_("First start, minutes after opening"), [InputRequired(_NUMBER_OR_NOTHING)])
    buffers_among_own = BooleanField(_("Keep these minutes free of the same event type only"))
    limit_per_day = IntegerField(_("Most meetings a day"), [Optional()])
    limit_per_week = IntegerField(_("Most meetings a week"), [Optional()])
    limit_per_month = IntegerField(_("Most meetings a month"), [Optional()])
    most_attendees = IntegerField(_("Further people whom a guest can invite"), [InputRequired(_NUMBER_OR_NOTHING)])
    expects_check_in = BooleanField(_("Ask guests to check in"))
    requires_approval = BooleanField(_("I approve each booking before it counts"))
    cancel_notice = SelectField(_("Guests may cancel"), coerce=_notice_or_never)
    reschedule_notice = SelectField(_("Guests may move"), coerce=_notice_or_never)
    policy = TextAreaField(_("Your rules for changes"), render_kw={"maxlength": 2000, "rows": 3})
    waitlist_enabled = BooleanField(_("Keep a waitlist"))
    all_day_events = SelectField(
        _("All-day events in your calendar"), choices=ALL_DAY_EVENTS, coerce=AllDayEvents, default=AllDayEvents.BLOCK
    )
    series_most = IntegerField(
        _("Meetings a guest can book at once"), [InputRequired(_("Please give a number, 1 for no series."))]
    )
    people = FieldList(FormField(HostForm), _("Hosts"))
    questions = FieldList(FormField(QuestionForm), _("Questions"))

    def details(self) -> EventTypeDetails:
        """Return what a valid form describes; rows left empty are no questions; no address means the name's."""
        return EventTypeDetails(
            name=self.name.data or "",
            kind=self.kind.data,
            seats=self.seats.data or 0,
            team=[_member(row.form) for row in self.people if row.form.takes_part.data],
            slug=(self.slug.data or "").strip() or slug_for(self.name.data or ""),
            description=self.description.data or "",
            location_kind=self.location_kind.data,
            location=self.location.data or "",
            color=self.color.data,
            is_secret=self.is_secret.data,
            series_most=self.series_most.data or 0,
            all_day_events=self.all_day_events.data,
            duration=self.duration.data or 0,
            slot_interval=self.slot_interval.data or 0,
            buffer_before=self.buffer_before.data or 0,
            buffer_after=self.buffer_after.data or 0,
            minimum_notice=self.minimum_notice.data,
            horizon_days=self.horizon_days.data or 0,
            other_durations=self.other_durations.data or [],
            slot_offset=self.slot_offset.data or 0,
            buffers_among_own=self.buffers_among_own.data,
            limit_per_day=self.limit_per_day.data,
            limit_per_week=self.limit_per_week.data,
            limit_per_month=self.limit_per_month.data,
            most_attendees=self.most_attendees.data or 0,
            expects_check_in=self.expects_check_in.data,
            requires_approval=self.requires_approval.data,
            cancel_notice=self.cancel_notice.data,
            reschedule_notice=self.reschedule_notice.data,
            policy=self.policy.data or "",
            waitlist_enabled=self.waitlist_enabled.data,
            questions=[_question(row) for row in self._asked()],
        )

    def show(self, errors: tuple[FieldError, ...]) -> list[str]:
        """Put what the service refused beside its fields; return what the summary does not know of by itself."""
        general = []
        for error in errors:
            place = error.field.removeprefix(_ROW)
            if error.field.startswith(_ROW) and place.isdecimal():
                self._asked()[int(place)].form.label.errors = [told(error.message)]
                general.append(
                    gettext("Question %(number)d: %(fault)s", number=int(place) + 1, fault=told(error.message))
                )
            else:
                general += show_errors(self, [error])
        return general

    def _asked(self) -> list[FormField[QuestionForm]]:
        return [row for row in self.questions if row.form.key.data or (row.form.label.data or "").strip()]


def new_event_type_form(colleagues: Sequence[User], typed: MultiDict[str, str] | None = None) -> EventTypeForm:
    """Return the form of a new event type, with usual values or with what was typed.

    `colleagues` are those who may host together; without any, only the kinds with one host can be chosen.
    """
    people = [{"host_id": str(user.id), "name": user.name, "takes_part": False} for user in colleagues]
    form = EventTypeForm(typed, data={**_USUAL, "people": people})
    form.kind.choices = KINDS if colleagues else _ALONE
    return _with_notices(form, 60)


def event_type_form(
    event_type: EventType, colleagues: Sequence[User], typed: MultiDict[str, str] | None = None
) -> EventTypeForm:
    """Return the form that changes an event type, with its values or with what was typed."""
    hosts = {member.host_id: member for member in event_type.team}
    names = {user.id: user.name for user in colleagues} | {host_id: _name(host.host) for host_id, host in hosts.items()}
    people = [
        {
            "host_id": str(user_id),
            "name": name,
            "takes_part": user_id in hosts,
            "priority": hosts[user_id].priority if user_id in hosts else 1,
        }
        for user_id, name in names.items()
    ]
    values = {field.name: getattr(event_type, field.name, None) for field in EventTypeForm()}
    values["questions"] = [Question.of(question).to_keep() for question in event_type.questions]
    values["people"] = people if event_type.is_team else []
    form = _with_notices(EventTypeForm(typed, data=values), event_type.minimum_notice)
    form.kind.data = event_type.kind  # chosen once, so nothing that is typed changes it
    return form


def _name(host: User) -> str:
    return host.name if host.is_active else gettext("%(name)s (has left)", name=host.name)


def offer_schedules(form: EventTypeForm, schedules: Sequence[Schedule], *, chosen: UUID | None = None) -> EventTypeForm:
    """Have the form ask by which of the host's `schedules` (the default first) it is offered; returns the form."""
    choices = [option(str(schedule.id), schedule.name) for schedule in schedules]
    form.schedule_id.choices = choices or [option("", _("Monday to Friday, 9:00 to 17:00"))]
    if not form.schedule_id.raw_data:
        form.schedule_id.data = str(chosen or (schedules[0].id if schedules else ""))
    return form


def edit_rows(form: EventTypeForm, action: str) -> None:
    """Do what a button of the questions asked for: `add`, or `remove-<row>`."""
    if action == "add":
        form.questions.append_entry()
    elif action.startswith("remove-"):
        kept = [row.data for row in form.questions if row.name != f"questions-{action.removeprefix('remove-')}"]
        form.questions.process(None, kept)


def _with_notices(form: EventTypeForm, current: int) -> EventTypeForm:
    notices = sorted({*_NOTICES, current})
    form.minimum_notice.choices = [option(str(minutes), _notice(minutes)) for minutes in notices]
    for field in (form.cancel_notice, form.reschedule_notice):
        offered = sorted({*_CHANGE_NOTICES, *([field.data] if field.data else [])})
        until = [option(str(minutes), _until(minutes)) for minutes in offered]
        field.choices = [*until, option(NEVER, gettext("Not at all"))]
    return form


def _until(minutes: int) -> str:
    if minutes == 0:
        return str(gettext("Until it begins"))
    return str(gettext("Until %(length)s before", length=_notice(minutes)))


def _notice(minutes: int) -> str:
    if minutes == 0:
        return str(gettext("No notice needed"))
    days, rest = divmod(minutes, 1440)
    return duration_text(minutes) if rest or not days else str(ngettext("%(num)d day", "%(num)d days", days))


def _member(row: HostForm) -> TeamMember:
    try:
        host_id = UUID(row.host_id.data or "")
    except ValueError:
        host_id = UUID(int=0)  # nobody's, which the service says
    return TeamMember(host_id=host_id, priority=row.priority.data)


def _question(row: FormField[QuestionForm]) -> Question:
    asked = row.form
    return Question(
        key=asked.key.data or "",
        label=asked.label.data or "",
        kind=asked.kind.data,
        required=asked.required.data,
        options=asked.options.data or [],
    )
