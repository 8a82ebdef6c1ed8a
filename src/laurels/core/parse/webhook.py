"""From entries of `webhooks` to sources whose deliveries we take."""

import re
from typing import Final, get_args

from laurels.core.filter import Path
from laurels.core.parse.node import Fields, Node, quoted, unknown
from laurels.core.source import SignatureScheme, Source, WebhookEvent
from laurels.core.webhook import DEFAULTS, variable_of

SOURCE: Final = ("source", "signature", "id", "type", "at", "participant", "properties", "events")
EVENT: Final = ("type", "event", "participant", "properties")
SIGNATURES: Final[tuple[SignatureScheme, ...]] = get_args(SignatureScheme)
WHOLE: Final = "."
SOURCE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def read_sources(node: Node) -> tuple[Source, ...]:
    """Read a list of sources whose names differ, even where they name a secret's variable."""
    seen: dict[str, str] = {}
    sources: list[Source] = []
    for child in node.items():
        source = _source(child)
        variable = variable_of(source.id)
        if source.id and variable in seen:
            child.child("source", source.id).refuse(
                f"`{source.id}` is there twice; names must differ"
                if seen[variable] == source.id
                else f"`{source.id}` would share its secret with `{seen[variable]}`; rename one"
            )
        seen[variable] = source.id
        sources.append(source)
    return tuple(sources)


def _source(node: Node) -> Source:
    fields = node.fields(SOURCE)
    name = _name(fields.need("source"))
    normal = DEFAULTS[_signature(fields, name)]
    participant = _path(fields["participant"], normal.participant)
    properties = _part(fields["properties"], normal.properties)
    return Source(
        id=name,
        signature=normal.signature,
        delivery=_path(fields["id"], normal.delivery),
        type=_path(fields["type"], normal.type),
        at=_path(fields["at"], normal.at),
        participant=participant,
        properties=properties,
        events=_events(fields["events"], participant, properties),
    )


def _name(node: Node) -> str:
    name = node.text()
    if name and not SOURCE_NAME.fullmatch(name):
        node.refuse(
            f"{quoted(name)} must be 1 to 64 of the characters a-z 0-9 - _ "
            "and begin with a letter or digit"
        )
    return name


def _signature(fields: Fields, name: str) -> SignatureScheme:
    """Read how deliveries are signed; the name of a source may say it."""
    node = fields["signature"]
    named = _as_signature(name)
    if node.is_absent:
        if name and named is None:
            fields.refuse(f"needs a `signature`, one of {', '.join(f'`{s}`' for s in SIGNATURES)}")
        return named or "stripe"
    text = node.text()
    if text and text not in SIGNATURES:
        node.refuse(unknown("signature", text, SIGNATURES))
    return _as_signature(text) or "stripe"


def _as_signature(word: str) -> SignatureScheme | None:
    return word if word in SIGNATURES else None


def _events(
    node: Node, participant: Path | None, properties: Path | None
) -> tuple[WebhookEvent, ...] | None:
    if node.is_absent:
        return None
    seen: set[str] = set()
    events: list[WebhookEvent] = []
    for child in node.items():
        fields = child.fields(EVENT)
        type_ = fields.need("type").text()
        if type_ and type_ in seen:
            fields["type"].refuse(f"`{type_}` is there twice; say once which event it is")
        seen.add(type_)
        events.append(
            WebhookEvent(
                type=type_,
                event=fields["event"].text(default=type_),
                participant=_path(fields["participant"], participant),
                properties=_part(fields["properties"], properties),
            )
        )
    return tuple(events)


def _part(node: Node, default: Path | None) -> Path | None:
    """Read which part of a body the properties are; a lone dot is all of it."""
    return None if node.value == WHOLE else _path(node, default)


def _path(node: Node, default: Path | None) -> Path | None:
    """Read where something stands in a body."""
    if node.is_absent:
        return default
    path = node.property_name()
    if path.key and "" in path.parts:
        node.refuse(f"{quoted(path.key)} is no path; write keys joined by dots, as data.object.id")
    return path
