"""The command line: its commands, their options, and what becomes of an error."""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from retrain import __version__
from retrain.doors import (
    approval_commands,
    commands,
    deploy_commands,
    doctor_commands,
    file_commands,
    forecast_commands,
    landing_commands,
    performance_commands,
    replay_commands,
    service_commands,
    sweep_commands,
    whatif_commands,
)
from retrain.doors.output import complain, refuse
from retrain.doors.service_commands import NO_NAME
from retrain.errors import RetrainError, UsageError
from retrain.ports import DEPLOY, REGISTER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_RUNS = 10_000


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if not message.startswith("argument --set:"):  # what is out of place may be a setting that holds a secret
            message = re.sub("=.*", "=***", message, flags=re.DOTALL)
        raise UsageError(f"{message}; `retrain --help` lists the commands and their options")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says who must act: 2 usage, 3 data, 4 configuration, 5 service."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = execute(words)
    except KeyboardInterrupt:
        complain("interrupted; if a run was asked for, it is stored, and `retrain tick` continues it")
        return 130
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RetrainError as error:
        return refuse(error.as_json(), as_json="--json" in words)
    return code


def execute(words: Sequence[str]) -> int:
    """Run one command. Returns: its exit code. Raises: RetrainError, for who asks what kind it is."""
    options = _parser().parse_args(words)
    code: int = options.command(options)
    sys.stdout.flush()
    return code


def entry() -> NoReturn:
    """The command line as a process.

    It ends without the interpreter's own end: a thread of Arrow that is still starting would abort it then.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="retrain", description="Retrain a daily forecast; promote the new model only if it is better."
    )
    parser.add_argument("--version", action="version", version=__version__)
    common = _Parser(add_help=False)
    common.add_argument("--root", metavar="DIR", help="keep data, runs and models in this folder")
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
    added_to = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Any, text: str, *parents: _Parser) -> _Parser:
        added = added_to.add_parser(name, help=text, description=text, parents=[common, *parents])
        added.set_defaults(command=run)
        return added

    land = command(
        "land", file_commands.land, "take files in and retrain after each, as the blob trigger does", evaluation
    )
    land.add_argument("files", nargs="+", type=Path, metavar="FILE")
    _add_landing_commands(command)
    approval_commands.add_approval_commands(command, _run)
    check = command("check", file_commands.check, "say how a file would be read; it changes nothing")
    check.add_argument("file", type=Path, metavar="FILE")
    run = command("run", commands.run, "retrain on what is there, as the HTTP trigger does", evaluation)
    run.add_argument("--force", action="store_true", help="evaluate even if nothing has changed; it opens no gate")
    run.add_argument("--note", help="why; kept with the run")
    command("tick", commands.tick, "do what the timer does")
    runs = command("runs", commands.runs, "list the newest runs")
    runs.add_argument("--newest", type=_count, default=20, metavar="N")
    show = command("show", commands.show, "show one run")
    show.add_argument("run_id", type=_run, metavar="RUN")
    show.add_argument("--slices", action="store_true", help="also the scores by weekday, calendar and days ahead")
    show.add_argument("--page", type=Path, metavar="FILE", help="also write it as a page of HTML, with plots")
    replayed = command("replay", replay_commands.replay, "reach the verdict of a run again, from what it recorded")
    replayed.add_argument("run_id", type=_run, metavar="RUN", nargs="?")
    replayed.add_argument("--all", action="store_true", help="every run that has reached a verdict")
    champion = command("champion", commands.champion, "say which version is champion, or was on a day")
    champion.add_argument("--on", type=_day, metavar="DAY", help="YYYY-MM-DD, in UTC")
    _add_forecasts(command)
    worth = command(
        "performance", performance_commands.performance, "compare issued forecasts with the actual amounts"
    )
    worth.add_argument(
        "--since", type=_day, metavar="DAY", help="only forecasts whose last known day is DAY or later"
    )
    worth.add_argument(
        "--series", default="", metavar="KEY", help="of this series; the key of the only one is empty"
    )
    whatif_commands.add(command, _day)
    promote = command("promote", commands.promote, "continue a promotion that was killed or failed")
    promote.add_argument("--run", dest="run_id", type=_run, metavar="RUN", required=True)
    promote.add_argument("--report", type=Path, metavar="DIR", help="also write the run's report into this folder")
    promote.add_argument("--step", choices=(REGISTER, DEPLOY), help="the half that a job makes; both by default")
    rollback = command("rollback", commands.rollback, "make an earlier version champion again")
    rollback.add_argument("--to", metavar="VERSION", help="default: the champion before the present one")
    rebuild = command("rebuild", commands.rebuild, "make the store anew from the files in its inbox")
    rebuild.add_argument("--yes", action="store_true", help="do it; without this, only say what would be done")
    rebuild.add_argument(
        "--read-anew", action="store_true", help="read the files with the settings in force, not as they were read"
    )
    command("subscribe", deploy_commands.subscribe, "let Event Grid tell the Function App of new files, on Azure")
    command(
        "release",
        deploy_commands.release,
        "register what promotion jobs are made of: once for each state of the code, on Azure",
    )
    _add_services(command)
    swept = command("sweep", sweep_commands.sweep_now, "remove what no version and no run needs any more")
    swept.add_argument("--dry-run", action="store_true", help="only list it")
    command("doctor", doctor_commands.doctor, "look at everything that a deployment needs, and say what to do")
    command("settings", commands.settings, "list every setting with its value, unit and source; secrets are masked")
    command("events", commands.events, "list the events that not every listener has taken yet")
    command(
        "acquire",
        file_commands.acquire,
        "download the transaction history, and land it year by year",
        evaluation,
    )
    return parser


def _add_forecasts(command: Callable[..., _Parser]) -> None:
    """What the champion forecasts, and why."""
    asked = command("forecast", forecast_commands.forecast, "ask the champion's service for the days to come")
    asked.add_argument("--days", type=int, default=7, metavar="N", help="1 to 365; 7 by default")
    asked.add_argument("--csv", type=Path, metavar="FILE", help="also write it as CSV")
    asked.add_argument("--plot", type=Path, metavar="FILE", help="also draw it as SVG, after the last eight weeks")
    asked.add_argument(
        "--out", type=Path, metavar="DIR", help="also write forecast.csv, .parquet and .svg into this folder"
    )
    why = command("explain", forecast_commands.explain, "say what the champion's forecast of one day is made of")
    why.add_argument("--day", type=_day, metavar="DAY", help="YYYY-MM-DD; the day after the newest known one")


def _add_services(command: Callable[..., _Parser]) -> None:
    """What runs, and what a person does about it."""
    added = command("services", service_commands.services, "list the services and their state, or act on one")
    added.add_argument(
        "--stop", nargs="?", const=NO_NAME, metavar="NAME", help="stop it; no trigger starts it again"
    )
    added.add_argument("--all", action="store_true", help="with --stop: all of them")
    added.add_argument("--restart", metavar="NAME", help="start it again, whatever its state is")
    added.add_argument(
        "--rotate",
        nargs="?",
        const=NO_NAME,
        metavar="NAME",
        help="give it a new key; default: the champion's service",
    )
    added.add_argument(
        "--curl", action="store_true", help="print a call of the champion's service; it holds no key"
    )
    added.add_argument("--key", metavar="NAME", help="print its key, to be put into a variable")


def _add_landing_commands(command: Callable[..., _Parser]) -> None:
    """What has landed, and what a person decides about it."""
    command("landings", landing_commands.landings, "list every landed file, and what has become of it")
    history = command("history", landing_commands.history, "show the days that count")
    history.add_argument("--from", dest="first", type=_day, metavar="DAY", help="from this day on")
    history.add_argument("--to", dest="last", type=_day, metavar="DAY", help="up to this day")
    history.add_argument("--as-of", type=_day, metavar="DAY", help="as it was at the end of this day, in UTC")
    history.add_argument("--csv", action="store_true", help="as CSV: date, series, amount, rows")
    for name, run, text in (
        ("accept", landing_commands.accept, "let the held days of a run count, and retrain"),
        ("drop", landing_commands.drop, "leave the held days of a run out for good"),
    ):
        added = command(name, run, text)
        added.add_argument("run_id", type=_run, metavar="RUN")
        added.add_argument("--day", type=_day, action="append", metavar="DAY", help="only this day; repeatable")
    retract = command("retract", landing_commands.retract, "take a landed file out of the history, and retrain")
    retract.add_argument("file", metavar="FILE", help="its name, or the run that landed it")
    retract.add_argument("--note", help="why; kept with the run")
    quarantine = command("quarantine", file_commands.quarantine, "list the refused files, or show one")
    quarantine.add_argument("run_id", type=_run, metavar="RUN", nargs="?")
    quarantine.add_argument("--all", action="store_true", help="list also those that have landed since")
    quarantine.add_argument("--land", action="store_true", help="land the copy of this run's file again")


def _assignment(text: str) -> tuple[str, str]:
    from retrain.doors.settings_table import assignment

    return assignment(text)


def _run(text: str) -> str:
    from retrain.records.request import named_run

    return named_run(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_RUNS:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a number from 1 to {MOST_RUNS}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write YYYY-MM-DD") from None
