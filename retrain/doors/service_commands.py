"""The command `retrain services`: a list, and what a person does about one of them."""

from __future__ import annotations

import json
import shlex
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.doors.asking import connected, finished, holding_the_lock
from retrain.doors.output import printable, say
from retrain.errors import NotFound, UsageError
from retrain.ports import Service
from retrain.promotion.look import look
from retrain.records.registry import service_name
from retrain.records.request import Repair
from retrain.records.service_state import ServiceState, ServiceStates, State
from retrain.runs.asking import ask

if TYPE_CHECKING:
    import argparse

    from retrain.records.champion import Pointer
    from retrain.records.context import Context

CHAMPION = ""
"""The name that stands for the champion's service."""
NO_NAME = object()
"""What an option is without a name: an empty one, as of a variable that is not set, is none."""
VARIABLE = "SCORING_KEY"


def services(options: argparse.Namespace) -> int:
    """List the services and their state, or do to one what an option says."""
    actions = {"stop": _stop, "restart": _restart, "rotate": _rotate, "curl": _curl, "key": _key}
    chosen = [name for name in actions if getattr(options, name) not in (None, False)]
    if options.all and "stop" not in chosen:
        raise UsageError("--all is for --stop: `retrain services --stop --all`")
    if len(chosen) > 1:
        raise UsageError(f"--{' and --'.join(chosen)} exclude each other; give one of them")
    return actions[chosen[0]](options) if chosen else _list(options)


def _list(options: argparse.Namespace) -> int:
    _, context = connected(options)
    pointer = context.ledger.pointer()
    for service in _known(pointer, context):
        facts = _facts(service, pointer, context)
        since = f"since {facts['since'][:10]} {facts['since'][11:16]} UTC" if facts["since"] else ""
        restarts = f"  restarts: {facts['restarts']}" if facts["restarts"] else ""
        role = "champion" if facts["champion"] else "kept"
        line = f"{service.name:<28}{role:<10}{facts['state']:<12}  {since}  {service.url}{restarts}"
        if options.json:
            print(json.dumps(facts))
        else:
            say(line, *([f"{'':<28}{facts['reason']}"] if facts["reason"] else []))
    return 0


def _known(pointer: Pointer, context: Context) -> list[Service]:
    """What runs, and the champion's service also if it is only on record, or nowhere."""
    found = context.platform.services()
    if pointer.champion is None or pointer.champion.version in {service.version for service in found}:
        return found
    version = pointer.champion.version
    none = Service(service_name(context.registry.name, version), version, "", "")
    return [*found, context.platform.find(version) or none]


def _facts(service: Service, pointer: Pointer, context: Context) -> dict[str, Any]:
    seen = look(service.version, None, context.platform)
    state, _ = ServiceStates(context.state).read(service.name, service.version)
    is_champion = pointer.champion is not None and service.version == pointer.champion.version
    shown = State.STOPPED if state.is_stopped and seen.state is not State.ANSWERS else seen.state
    return {
        "name": service.name,
        "version": service.version,
        "url": service.url,
        "state": str(shown),
        "champion": is_champion,
        "since": _since(state, shown, service.version, pointer),
        "restarts": state.restarts,
        "reason": state.trouble or (seen.reason if shown is seen.state else ""),
    }


def _since(state: ServiceState, shown: State, version: str, pointer: Pointer) -> str:
    """When it got into this state, as far as that is on record; empty where it is not."""
    if state.since is not None and state.state is shown:
        return state.since.isoformat()
    if shown is not State.ANSWERS or state.since is not None:
        return ""
    return next((entry.since.isoformat() for entry in reversed(pointer.champions) if entry.version == version), "")


def _named(name: str, context: Context) -> Service:
    """A service by its name, or the champion's. Raises: NotFound."""
    pointer = context.ledger.pointer()
    for service in _known(pointer, context):
        if service.name == name or (
            name == CHAMPION and pointer.champion is not None and service.version == pointer.champion.version
        ):
            return service
    what = "service of a champion" if name == CHAMPION else f"service {name[:80]!r}"
    raise NotFound(f"there is no {what}; `retrain services` lists them")


def _must_be_named(name: str, option: str) -> None:
    """An empty name, as of a variable that is not set, is not the champion's. Raises: UsageError."""
    if not name:
        raise UsageError(f"{option} needs the name of a service; `retrain services` lists them")


def _stop(options: argparse.Namespace) -> int:
    """Written down first, so that no trigger starts again what is being stopped."""
    if options.stop is not NO_NAME:
        _must_be_named(options.stop, "--stop")
    if (options.stop is NO_NAME) != options.all:
        raise UsageError("--stop needs the name of a service, or --all and no name")
    with holding_the_lock(options) as (_, context):
        chosen = _known(context.ledger.pointer(), context) if options.all else [_named(options.stop, context)]
        states = ServiceStates(context.state)
        for service in chosen:
            state, etag = states.read(service.name, service.version)
            states.write(state.evolve(state=State.STOPPED, since=context.now(), trouble=""), etag)
            context.platform.stop(service.name)
            told = f"{service.name} is stopped; `retrain services --restart {service.name}` starts it"
            print(
                json.dumps({"name": service.name, "state": str(State.STOPPED)}) if options.json else printable(told)
            )
    return 0


def _restart(options: argparse.Namespace) -> int:
    _must_be_named(options.restart, "--restart")
    settings, context = connected(options)
    version = _named(options.restart, context).version
    request = ask(lambda run_id: Repair(run_id=run_id, version=version, by_person=True), context)
    return finished(request, options, settings, context)


def _rotate(options: argparse.Namespace) -> int:
    if options.rotate is not NO_NAME:
        _must_be_named(options.rotate, "--rotate")
    with holding_the_lock(options) as (settings, context):
        hours = settings.platform.key_overlap_hours
        service = _named(CHAMPION if options.rotate is NO_NAME else options.rotate, context)
        rotated = context.platform.rotate(service.name, context.now() + timedelta(hours=hours))
    until = datetime.fromisoformat(rotated.before_until)
    facts = {"name": rotated.name, "key_before_until": rotated.before_until}
    did = "has a new key" if rotated.key != service.key else "keeps its key, because a rotation is under way"
    told = f"{rotated.name} {did}; the one before is accepted until {until:%Y-%m-%d %H:%M:%S} UTC"
    print(json.dumps(facts) if options.json else printable(told))
    return 0


def _key(options: argparse.Namespace) -> int:
    _must_be_named(options.key, "--key")
    _, context = connected(options)
    service = _named(options.key, context)
    print(json.dumps({"name": service.name, "key": service.key}) if options.json else service.key)
    return 0


def _curl(options: argparse.Namespace) -> int:
    """The key is neither printed nor in the list of processes: curl reads it from its input."""
    _, context = connected(options)
    service = _named(CHAMPION, context)
    where = [word for assigned in options.assigned for word in ("--set", "=".join(assigned))]
    where += ["--root", str(options.root)] if options.root else []
    words = ["curl", "--fail-with-body", "--silent", "--show-error", "--header", "@-"]
    words += ["--header", "Content-Type: application/json"]
    if service.deployment:
        words += ["--header", f"azureml-model-deployment: {service.deployment}"]
    if service.certificate:
        words += ["--insecure", "--pinnedpubkey", _pin(service.certificate)]  # the pin says more than a chain
    words += ["--data", '{"horizon_days": 7}', f"{service.url}/forecast"]
    lines = (
        f"export {VARIABLE}=$({shlex.join(['retrain', 'services', '--key', service.name, *where])})",
        f'{shlex.join(words)} <<< "Authorization: Bearer ${VARIABLE}"',
    )
    print(json.dumps({"name": service.name, "lines": lines}) if options.json else "\n".join(lines))
    return 0


def _pin(certificate: str) -> str:
    """The public key of a PEM certificate as curl compares it."""
    import base64
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_pem_x509_certificate

    key = load_pem_x509_certificate(certificate.encode()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return f"sha256//{base64.b64encode(digest).decode()}"
