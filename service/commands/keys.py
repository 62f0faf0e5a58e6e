"""`ziggurat key create`, `ziggurat key list` and `ziggurat key revoke`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from catalog.column_types import utc_now
from catalog.models import ApiKey
from catalog.repository import keys
from catalog.repository.keys import Scope
from service.commands.opening import AsJson, open_installation
from service.console import print_json, print_table, tell, tell_aside
from service.keys import issue_key

LONGEST_LABEL = 200

key_commands = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@key_commands.command("create")
def create_key(
    label: Annotated[str, typer.Argument(help="Who or what it is for.")],
    scope: Annotated[
        Scope, typer.Option(help="read, build (and read), or write (and build and read).")
    ] = Scope.WRITE,
    days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="Days it is good for; default: until it is revoked.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a key and print it. It cannot be shown again: only a hash of it is kept."""
    if not label.strip() or len(label) > LONGEST_LABEL or not label.isprintable():
        reason = f"{label[:40]!r} is not 1 to {LONGEST_LABEL} printable characters"
        raise typer.BadParameter(reason, param_hint="label")
    issued = issue_key(open_installation(), label, scope, None if days is None else timedelta(days=days))
    if json:
        print_json({"key": issued.text, **_facts(issued.key)})
        return
    until = "it is revoked" if issued.key.expires_at is None else _date(issued.key.expires_at)
    tell(issued.text)
    tell_aside(f"Key {issued.key.prefix} of scope {scope} is good until {until}. It is not shown again.")


@key_commands.command("list")
def list_keys(json: AsJson = False) -> None:
    """List keys, without their secrets."""
    with open_installation().database.read() as session:
        found = keys.list_keys(session)
    if json:
        print_json({"keys": [_facts(key) for key in found]})
        return
    columns = ("prefix", "label", "scope", "state", "expires_at", "last_used_at")
    print_table(columns, [[_shown(_facts(key)[column]) for column in columns] for key in found])


@key_commands.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The key's part before the dot.")], json: AsJson = False
) -> None:
    """Make a key useless for ever, from the next request on."""
    with open_installation().database.write() as session:
        key = keys.revoke_key(session, prefix.partition(".")[0])
    if json:
        print_json(_facts(key))
    else:
        tell(f"Key {key.prefix} ({key.label}) is revoked.")


def _facts(key: ApiKey) -> dict[str, Any]:
    """What may be told of a key; `state`: usable, expired or revoked."""
    told = ("prefix", "label", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {"state": _state(key), **{column: getattr(key, column) for column in told}}


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= utc_now() else "usable"


def _shown(value: Any) -> str:
    return _date(value) if isinstance(value, datetime) else "-" if value is None else str(value)


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
