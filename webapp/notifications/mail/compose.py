"""Mails from their templates: `templates/email/<name>/` holds `subject.txt`, `body.txt` and `body.html`.

The HTML gets the one `templates/email/style.css` written into its tags, since many mail programs ignore style sheets;
what cannot be written there (dark mode, narrow screens) stays in the head for those that read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from css_inline import CSSInliner
from flask import current_app
from flask_babel import force_locale
from jinja2 import Environment, StrictUndefined

from webapp.notifications.mail.message import single_line

_inliner = CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The words of a mail, three times: a line, plain text, and HTML with its styles in place."""

    subject: str
    text: str
    html: str


def write(template: str, context: Mapping[str, object], *, locale: Locale) -> Written:
    """Return the mail called `template` filled from `context`; needs an application context, and no request.

    It is in the language of `locale`, its reader's, whoever happens to make the request. What people typed is escaped
    in the HTML. Raises jinja2.UndefinedError when the template names something that `context` lacks, so that no mail
    goes out with a hole in it.
    """
    environment = _environment(current_app.jinja_env)
    with force_locale(locale):
        subject, text, html = (
            environment.get_template(f"email/{template}/{part}").render(context)
            for part in ("subject.txt", "body.txt", "body.html")
        )
    return Written(subject=single_line(subject), text=_tidy(text), html=_inliner.inline(html))


def _tidy(text: str) -> str:
    """Return the text with no more than one empty line in a row, so that templates may be generous with them."""
    return re.sub(r"\n(\s*\n){2,}", "\n\n", text.replace("\r\n", "\n")).strip() + "\n"


@lru_cache(maxsize=1)
def _environment(base: Environment) -> Environment:
    """Return the application's templates, with its translations, under the stricter rules of mails."""
    return base.overlay(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
