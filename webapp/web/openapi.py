"""What every JSON endpoint shares: its input checked, its answer written, both described at /api/v1/openapi.json.

    @blueprint.post("/things")
    @endpoint(answers=ThingOut, status=201, body=ThingIn, problems=(409,), tag="Things")
    def create_thing(body: ThingIn) -> ThingOut: ...

The view takes its checked input as `query`, `body` and `headers`, and returns the model that is the answer. SpecTree
writes the description; the checking is done here, since every refusal has to be a problem document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import update_wrapper, wraps
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from spectree import Response as Answers
from spectree import SpecTree
from werkzeug.exceptions import UnsupportedMediaType

from webapp.core.errors import DomainError
from webapp.core.validation import FieldError, InvalidInput, sentence
from webapp.core.words import say

Model = TypeVar("Model", bound=BaseModel)

# Any endpoint can answer so; the rest is said by each.
_ALWAYS = (429, 503)
_WITH_BODY = (400, 413, 415)
_WITH_TOKEN = (401, 403)


class In(BaseModel):
    """A body that programs send: JSON types are taken at their word, and a field that nobody knows is refused.

    Else a misspelt field would pass for one that was left out, and what was to happen to one thing happen to all.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class GuestIn(In):
    """A body that guests' programs send, too: from those, fields that nobody knows are passed over.

    They are strangers', and may send more than they need to. A token's holder is held to the fields there are, too.
    """

    model_config = ConfigDict(extra="ignore")


class Query(BaseModel):
    """What stands behind the question mark; of a name given twice, the first counts."""

    model_config = ConfigDict(frozen=True)


class Written(NamedTuple):
    """An answer that has been written out as JSON already."""

    json: bytes


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class IdempotencyHeaders(BaseModel):
    """The header with which a creating POST may be sent again without creating twice."""

    key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="A fresh random value for each thing to create; the same request sent again within 24 hours creates"
        " nothing more, and is answered with what it made.",
    )


class ProblemField(Out):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(Out):
    """A problem document (RFC 9457); `code` is stable and for programs."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[ProblemField] | None = None


class MalformedJson(DomainError):
    """The body is no JSON."""

    code: ClassVar[str] = "malformed_json"
    status: ClassVar[int] = 400
    message: ClassVar[str] = say("The body is not valid JSON; please send a JSON object in UTF-8.")


blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")

# What operations that answer a file answer with, by their ids.
_files: dict[str, str] = {}


class _Spec(SpecTree):
    """SpecTree, which here describes the models when somebody reads the description: no process starts later for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._to_describe: dict[tuple[type[BaseModel], Literal["validation", "serialization"]], None] = {}
        super().__init__(*args, **kwargs)

    def _add_model(self, model: Any, mode: Literal["validation", "serialization"] = "validation") -> str:
        self._to_describe[model, mode] = None
        return str(self.naming_strategy(model))

    def _generate_spec(self) -> dict[str, Any]:
        for model, mode in self._to_describe:
            super()._add_model(model=model, mode=mode)
        description: dict[str, Any] = super()._generate_spec()
        return description


_spec = _Spec(
    "flask",
    title="Almanac",
    version="1",
    mode="strict",
    annotations=False,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_model=Problem,
    security_schemes=[
        {
            "name": "token",
            "data": {"type": "http", "scheme": "bearer", "description": "A personal token, made under Account."},
        }
    ],
)


def endpoint(
    *,
    answers: type[BaseModel] | None,
    tag: str,
    status: int = 200,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
    problems: Iterable[int] = (),
    needs_token: bool = False,
) -> Callable[[Callable[..., BaseModel | Written | None]], Callable[..., Response]]:
    """Check a view's input, write its answer with `status`, and describe both under `tag`.

    `answers` is None, and so is what the view returns, where there is nothing to say (status 204); of what is `Written`
    it is the model that would be written so.
    `problems` are the statuses of the problem documents it may answer with, beside those that follow from the rest.
    `body` may be left out by the caller when all of its fields may. Raises InvalidInput, MalformedJson, 413 and 415.
    """

    def decorate(view: Callable[..., BaseModel | Written | None]) -> Callable[..., Response]:
        @wraps(view)
        def answered(*args: Any, **kwargs: Any) -> Response:
            return json_response(view(*args, **kwargs), status=status)

        return _described(
            answered,
            success={f"HTTP_{status}": answers},
            inputs=_Inputs(query, body, headers),
            problems=problems,
            needs_token=needs_token,
            tag=tag,
        )

    return decorate


def download(
    *,
    media: str,
    tag: str,
    query: type[BaseModel] | None = None,
    problems: Iterable[int] = (),
    needs_token: bool = False,
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Check a view's input and describe it like `endpoint`; it answers a file of the type `media` itself."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        _files[view.__name__] = media
        inputs = _Inputs(query, None, None)
        described = _described(
            view, success={"HTTP_200": None}, inputs=inputs, problems=problems, needs_token=needs_token, tag=tag
        )

        # It carries the description; but to call it would read the whole file into memory.
        streamed: Callable[..., Response] = update_wrapper(_with_input(view, inputs), described)
        return streamed

    return decorate


class _Inputs(NamedTuple):
    """The models of what an endpoint is sent."""

    query: type[BaseModel] | None
    body: type[BaseModel] | None
    headers: type[BaseModel] | None


def _described(
    view: Callable[..., Response],
    *,
    success: Mapping[str, type[BaseModel] | None],
    inputs: _Inputs,
    problems: Iterable[int],
    needs_token: bool,
    tag: str,
) -> Callable[..., Response]:
    """Return the view with its input checked, and everything about it written into the description."""
    refusals = {*problems, *_ALWAYS, *(_WITH_BODY if inputs.body else ()), *(_WITH_TOKEN if needs_token else ())}
    if any(inputs):
        refusals.add(422)
    described: Callable[..., Response] = _spec.validate(
        query=inputs.query,
        json=inputs.body,
        headers=inputs.headers,
        resp=Answers(**success, **{f"HTTP_{code}": Problem for code in refusals}),
        tags=(tag,),
        security=[{"token": []}] if needs_token else None,
        operation_id=view.__name__,
        skip_validation=True,
        validation_error_status=429,  # it would add one to every endpoint; this one is there anyway
    )(_with_input(view, inputs, exact=needs_token))
    return described


def _with_input(view: Callable[..., Response], inputs: _Inputs, *, exact: bool = False) -> Callable[..., Response]:
    """Return the view with what it takes read from the request and checked; an `exact` body has known fields only."""
    given = zip(_Inputs._fields, inputs, (_query, _exact_body if exact else _body, _headers), strict=True)
    readers = {name: (model, read) for name, model, read in given if model is not None}

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Response:
        read_input = {name: read(model) for name, (model, read) in readers.items()}
        return view(*args, **kwargs, **read_input)

    return checked


def json_response(answer: BaseModel | Written | None, *, status: int = 200) -> Response:
    """Return `answer` as JSON; None as no body at all."""
    if answer is None:
        return current_app.response_class(status=status)
    text = answer.json if isinstance(answer, Written) else answer.model_dump_json()
    return current_app.response_class(text, status=status, mimetype="application/json")


def _query(model: type[Model]) -> Model:
    return _checked(lambda: model.model_validate(request.args.to_dict()))


def _headers(model: type[Model]) -> Model:
    return _checked(lambda: model.model_validate(dict(request.headers)))


def _exact_body(model: type[Model]) -> Model:
    return _body(model, extra="forbid")  # whatever the models say, those in it included


def _body(model: type[Model], *, extra: Literal["forbid"] | None = None) -> Model:
    raw = request.get_data()
    if not raw and not request.content_type:
        raw = b"{}"
    elif not request.is_json:
        raise UnsupportedMediaType(say("Send JSON, with the header Content-Type: application/json."))
    return _checked(lambda: model.model_validate_json(raw, extra=extra))


def _checked(validate: Callable[[], Model]) -> Model:
    """Return what `validate` returns, its complaints as problems: MalformedJson, or InvalidInput field by field."""
    try:
        return validate()
    except ValidationError as error:
        details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        raise MalformedJson
    raise InvalidInput(FieldError(_field(fault), _sentence(fault)) for fault in details)


def _field(fault: ErrorDetails) -> str:
    return ".".join(str(part) for part in fault["loc"] if part != "[key]") or "body"


_SENTENCES = {
    "missing": say("This is required."),
    "model_type": say("This must be an object."),
    "string_type": say("This must be a text."),
    "extra_forbidden": say("There is no such field; please leave it out."),
}


def _sentence(fault: ErrorDetails) -> str:
    ours = fault.get("ctx", {}).get("error")  # what a check of our own said, which can be translated
    return _SENTENCES.get(fault["type"]) or sentence(str(ours) if ours else fault["msg"])


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the description of every endpoint (OpenAPI 3.1)."""
    return jsonify(document())


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the current application's endpoints."""
    description: dict[str, Any] = _spec.spec
    for operations in description["paths"].values():
        for operation in operations.values():
            if media := _files.get(operation["operationId"]):
                operation["responses"]["200"]["content"] = {media: {"schema": {"type": "string"}}}
            for status, answer in operation["responses"].items():
                if status >= "400" and "application/json" in answer.get("content", {}):
                    answer["content"]["application/problem+json"] = answer["content"].pop("application/json")
    return description
