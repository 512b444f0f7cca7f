"""The command line: the same requests as the triggers make, worked off in this process."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from retrain import __version__
from retrain.errors import NotFound, RetrainError, ServiceUnavailable, UsageError
from retrain.ports import DEPLOY, REGISTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.ports import Ports
    from retrain.records.ledger import Reign
    from retrain.records.registry import Registry
    from retrain.records.request import Request
    from retrain.settings import Settings

EXIT_CODES = {
    "usage": 2,
    "not_found": 2,
    "data": 3,
    "model": 3,
    "configuration": 4,
    "service": 5,
    "conflict": 5,
}
POLL_SECONDS = 0.5
MOST_RUNS = 10_000


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `retrain --help` lists the commands and their options")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says who must act: 2 usage, 3 data, 4 configuration, 5 service."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _parser().parse_args(words)
        code: int = options.command(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RetrainError as error:
        return _complain(error.as_json(), as_json="--json" in words)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="retrain", description="Retrain a daily forecast; promote the new model only if it is better."
    )
    parser.add_argument("--version", action="version", version=__version__)
    common = _Parser(add_help=False)
    common.add_argument("--root", type=Path, metavar="DIR", help="keep data, runs and models in this folder")
    common.add_argument(
        "--set",
        dest="assigned",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting for this command; repeat it for more; it wins over the environment and --root",
    )
    common.add_argument("--json", action="store_true", help="print JSON objects, one a line, and nothing else")
    evaluation = _Parser(add_help=False)
    evaluation.add_argument("--dry-run", action="store_true", help="measure and decide, register nothing")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Any, text: str, *parents: _Parser) -> _Parser:
        added = commands.add_parser(name, help=text, description=text, parents=[common, *parents])
        added.set_defaults(command=run)
        return added

    land = command("land", _land, "take files in and retrain after each, as the blob trigger does", evaluation)
    land.add_argument("files", nargs="+", type=Path, metavar="FILE")
    run = command("run", _run, "retrain on what is there, as the HTTP trigger does", evaluation)
    run.add_argument("--force", action="store_true", help="evaluate even if nothing has changed; it opens no gate")
    run.add_argument("--note", help="why; kept with the run")
    command("tick", _tick, "do what the timer does")
    runs = command("runs", _runs, "list the newest runs")
    runs.add_argument("--newest", type=_count, default=20, metavar="N")
    show = command("show", _show, "show one run")
    show.add_argument("run_id", metavar="RUN")
    show.add_argument("--page", type=Path, metavar="FILE", help="also write it as a page of HTML, with plots")
    champion = command("champion", _champion, "say which version is champion, or was on a day")
    champion.add_argument("--on", type=_day, metavar="DAY", help="YYYY-MM-DD, in UTC")
    asked = command("forecast", _forecast, "ask the champion's service for the days to come")
    asked.add_argument("--days", type=int, default=7, metavar="N", help="1 to 365; 7 unless you say otherwise")
    promote = command("promote", _promote, "go on with a promotion that was killed or failed")
    promote.add_argument("--run", dest="run_id", metavar="RUN", required=True)
    promote.add_argument("--report", type=Path, metavar="DIR", help="also write the run's report into this folder")
    promote.add_argument(
        "--step", choices=(REGISTER, DEPLOY), help="the half that a job makes; both unless you say"
    )
    rollback = command("rollback", _rollback, "make an earlier version champion again")
    rollback.add_argument("--to", metavar="VERSION", help="the champion before the present one unless you say")
    command(
        "release", _release, "register what promotion jobs are made of: once for each state of the code, on Azure"
    )
    command("services", _services, "list the services and their state")
    command("settings", _settings, "list every setting with its value, unit and source; secrets are masked")
    command("acquire", _acquire, "download the transaction history, cut it by year and land each", evaluation)
    return parser


def _assignment(text: str) -> tuple[str, str]:
    from retrain.doors.settings_table import assignment

    return assignment(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number from 1 to {MOST_RUNS}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write YYYY-MM-DD") from None


def _land(options: argparse.Namespace) -> int:
    settings, ports = _connect(options)
    return max([_land_file(file, options, settings, ports) for file in options.files])


def _land_file(file: Path, options: argparse.Namespace, settings: Settings, ports: Ports) -> int:
    from retrain.records.ledger import Ledger
    from retrain.records.request import Trigger
    from retrain.runs.dispatch import ask

    run_id = Ledger(ports.state).name_run(ports.now())
    name = f"{run_id}/{file.name}"  # two files of one name are two files
    try:
        with file.open("rb") as stream:
            ports.inbox.upload(name, stream)
    except OSError as exc:
        raise NotFound(f"{file} cannot be read: {exc.strerror}; name a file that you may read") from exc
    request = ask(Trigger.BLOB, ports, run_id=run_id, file=name, dry_run=options.dry_run)
    return _work_off(request, options, settings, ports)


def _run(options: argparse.Namespace) -> int:
    from retrain.records.request import Trigger
    from retrain.runs.dispatch import ask

    settings, ports = _connect(options)
    request = ask(Trigger.HTTP, ports, force=options.force, dry_run=options.dry_run, note=options.note)
    return _work_off(request, options, settings, ports)


def _tick(options: argparse.Namespace) -> int:
    from retrain.records.request import Trigger
    from retrain.runs.dispatch import ask

    settings, ports = _connect(options)
    return _work_off(ask(Trigger.TIMER, ports), options, settings, ports)


def _runs(options: argparse.Namespace) -> int:
    from retrain.records.ledger import Ledger

    _, ports = _connect(options)
    for report in Ledger(ports.state).runs(options.newest):
        ending = report["verdict"] or report["status"]
        line = f"{report['run_id']}  {report['trigger']:<8}  {ending:<9}  {report['reason']}"
        print(json.dumps(report) if options.json else line)
    return 0


def _show(options: argparse.Namespace) -> int:
    from retrain.records.ledger import Ledger

    _, ports = _connect(options)
    ledger = Ledger(ports.state)
    report = ledger.run(options.run_id)
    if options.page is not None:
        from retrain.doors.page import page

        try:
            options.page.write_text(page(report, ledger.unseen_days(options.run_id)), encoding="utf-8")
        except OSError as exc:
            raise UsageError(f"--page {options.page}: {exc.strerror}; name a file that can be written") from exc
    return _tell(report, options)


def _champion(options: argparse.Namespace) -> int:
    from retrain.records.ledger import Ledger
    from retrain.records.registry import Registry

    settings, ports = _connect(options)
    pointer = Ledger(ports.state).pointer()
    registry = Registry(ports.state, settings.platform.model_name)
    reigns = pointer.during(options.on) if options.on else pointer.reigns
    found = pointer.on(options.on) if options.on else pointer.champion
    told = [_reign(reign, registry) for reign in reigns if reign.version]
    if options.json:
        print(json.dumps({"champion": _reign(found, registry) if found else None, "reigns": told}))
    elif not told:
        print(f"There is no champion{f' on {options.on}' if options.on else ''}.")
    for facts in [] if options.json else told:
        since = f"{facts['since']:.19}".replace("T", " ")
        mark = "champion" if found and facts["since"] == found.since.isoformat() else "        "
        print(
            f"{mark}  version {facts['version']} since {since} UTC, trained through {facts['trained_through']}, "
            f"{facts['order']}, by run {facts['run_id']}"
        )
    return 0


def _reign(reign: Reign, registry: Registry) -> dict[str, str]:
    lineage = registry.get(reign.version).lineage
    return {
        "version": reign.version,
        "order": lineage.order,
        "trained_through": lineage.trained_through.isoformat(),
        "data_sha256": lineage.data_sha256,
        "since": reign.since.isoformat(),
        "run_id": reign.run_id,
    }


def _forecast(options: argparse.Namespace) -> int:
    from retrain.doors.champion_forecast import MOST_DAYS, forecast
    from retrain.records.run import forecast_table

    if not 1 <= options.days <= MOST_DAYS:
        raise UsageError(f"--days is {options.days}; it must lie between 1 and {MOST_DAYS}")
    settings, ports = _connect(options)
    answer = forecast(options.days, settings, ports)
    print(json.dumps(answer) if options.json else forecast_table(answer))
    return 0


def _promote(options: argparse.Namespace) -> int:
    from retrain.promotion.resume import promote_run
    from retrain.runs.dispatch import work_off

    settings, ports = _connect(options)
    report: dict[str, Any] = {}
    try:
        report = promote_run(options.run_id, settings, ports, options.step)
    finally:
        if options.step == DEPLOY or (options.step and not report):
            work_off(settings, ports)  # nobody else is there to see that requests have waited for this job's end
    if options.report is not None:
        (options.report / "report.json").write_text(json.dumps(report, indent=1))
    return _tell(report, options)


def _rollback(options: argparse.Namespace) -> int:
    from retrain.promotion.resume import roll_back

    settings, ports = _connect(options)
    return _tell(roll_back(options.to, settings, ports), options)


def _release(options: argparse.Namespace) -> int:
    from retrain.wiring import releaser

    released = releaser(_chosen(options)).release(_show_progress)
    _show_progress("", "")
    width = max(map(len, released))
    lines = [f"{kind:<{width}}  {name}" for kind, name in released.items()]
    print(json.dumps(released) if options.json else "\n".join(lines))
    return 0


def _settings(options: argparse.Namespace) -> int:
    from retrain.doors.settings_table import print_settings

    print_settings(_chosen(options), as_json=options.json)
    return 0


def _services(options: argparse.Namespace) -> int:
    from retrain.records.ledger import Ledger

    _, ports = _connect(options)
    champion = Ledger(ports.state).pointer().champion
    for service in ports.platform.services():
        state = "running" if ports.platform.is_running(service.name) else "ended"
        crowned = champion is not None and service.version == champion.version
        facts = {"name": service.name, "version": service.version, "url": service.url, "state": state}
        line = f"{service.name:<28}{state:<9}{service.url}{'  champion' if crowned else ''}"
        print(json.dumps({**facts, "champion": crowned}) if options.json else line)
    return 0


def _acquire(options: argparse.Namespace) -> int:
    from retrain.doors.acquire import acquire

    settings, ports = _connect(options)
    with tempfile.TemporaryDirectory() as folder:
        files = acquire(
            settings, Path(folder), ports.now().date(), lambda detail: ports.progress("download", detail)
        )
        return max([_land_file(file, options, settings, ports) for file in files])


def _connect(options: argparse.Namespace) -> tuple[Settings, Ports]:
    from retrain.wiring import connect

    settings = _chosen(options)
    return settings, connect(settings, _show_progress)


def _chosen(options: argparse.Namespace) -> Settings:
    from retrain.doors.settings_table import chosen

    return chosen(options.assigned, options.root)


def _work_off(request: Request, options: argparse.Namespace, settings: Settings, ports: Ports) -> int:
    """Wait for the request's own run, made here or by whoever holds the lock, and print it."""
    from retrain.promotion.resume import under_way
    from retrain.records.ledger import Ledger
    from retrain.runs.dispatch import work_off

    ledger = Ledger(ports.state)
    while not work_off(settings, ports) and ledger.run(request.run_id)["status"] in {"queued", "promoting"}:
        _show_progress("waiting", "another process is retraining")
        time.sleep(POLL_SECONDS)
    report = ledger.run(request.run_id)
    if report["status"] == "queued" and not under_way(ports):
        first = ledger.run(ledger.requests()[0].run_id)
        trouble = first.get("trouble") or first.get("reason", "")
        raise ServiceUnavailable(
            f"run {request.run_id} waits behind run {first['run_id']}, which met trouble: {trouble}"
        )
    if report["status"] != "failed":
        return _tell(report, options)
    if options.json:
        print(json.dumps(report))
    return _complain(report["error"], as_json=False)


def _tell(report: dict[str, Any], options: argparse.Namespace) -> int:
    from retrain.records.run import summary

    _show_progress("", "")
    print(json.dumps(report) if options.json else summary(report) + "\n")
    return 0


def _complain(error: dict[str, Any], *, as_json: bool) -> int:
    """One sentence for people; an object too, for machines that asked for JSON."""
    _show_progress("", "")
    if as_json:
        print(json.dumps({"error": error}))
    print(f"retrain: {error['message']}", file=sys.stderr)
    return EXIT_CODES.get(error["kind"], 1)


def _show_progress(stage: str, detail: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{f'{stage}: {detail}' if detail else stage}", end="", file=sys.stderr, flush=True)
