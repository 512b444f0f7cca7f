"""Real processes from end to end: sabotaged images, a killed command, and a client that never pauses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from retrain.adapters.local.process import ProcessPlatform
from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.doors.champion_forecast import champion_forecast as forecast
from tests.builders import ONE, QUICK, THREE, TWO, World, series, weekly
from tests.functions.worker import Worker
from tests.platforms import stop_services
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from retrain.ports import Image, Service

ROOT = Path(__file__).parents[2]

MAIN = "scoring____main__.py"
NEVER_READY = b"import time\nprint('stuck on purpose', flush=True)\ntime.sleep(60)\n"
DIES = b"""
import json, os, sys, threading, time
from pathlib import Path
from scoring.genuine import main
store = Path(os.environ["SCORING_LOG"]).parents[2]
def die():
    while json.loads((store / "champion.json").read_text())["champion"]["version"] != "2":
        time.sleep(0.05)
    print("dying on purpose", flush=True)
    os._exit(9)
threading.Thread(target=die, daemon=True).start()
sys.exit(main())
"""


class Sabotaged(ProcessPlatform):
    """Builds images from a context that somebody has tampered with."""

    def __init__(self, root: Path, **tampered: bytes) -> None:
        super().__init__(root)
        self._tampered = tampered

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """The genuine files, but for those named."""
        genuine = {"scoring/genuine.py": context["scoring/__main__.py"]}
        tampered = {path.replace("__", "/", 1): data for path, data in self._tampered.items()}
        return super().build(model, version, {**context, **genuine, **tampered})

    def deploy(self, name: str, version: str, image: str) -> Service:
        """Return when the service has written its first line, if it is one that is never ready."""
        service = super().deploy(name, version, image)
        while self._tampered.get(MAIN) == NEVER_READY and not self.log(name):
            time.sleep(0.05)
        return service


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[World]:
    """Version 1 answers, from a process of its own."""
    world = World(tmp_path, platform=ProcessPlatform(tmp_path / "platform"))
    assert world.land("one.csv", ONE)["verdict"] == "promote"
    yield world
    stop_services(tmp_path)


def processes(root: Path) -> int:
    """Scoring processes that run for this store."""
    found = 0
    for process in psutil.process_iter(["cmdline", "status"]):
        if "scoring" in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            try:
                found += str(root) in process.environ().get("SCORING_INSTANCE", "")
            except psutil.Error:
                continue
    return found


def other_model() -> bytes:
    """A valid artifact, of another model."""
    return fit_pinned(Order(1, 0, 0, mean=True), series(weekly(50, seed=9)), 7).model.to_json()


type Broken = tuple[Callable[[], dict[str, bytes]], dict[str, str], str, str]
BROKEN: dict[str, Broken] = {  # what is in the image, settings, the step that fails, its last lines
    "wrong-numbers": (lambda: {"model__artifact.json": other_model()}, {}, "prove", ""),
    "never-ready": (lambda: {MAIN: NEVER_READY}, {"RETRAIN_READY_SECONDS": "1.5"}, "prove", "stuck on purpose"),
    "dies-after-the-switch": (
        lambda: {MAIN: DIES},
        {"RETRAIN_CONFIRM_SECONDS": "600"},
        "confirm",
        "dying on purpose",
    ),
}


@pytest.mark.parametrize("broken", ["wrong-numbers", *in_drills("never-ready", "dies-after-the-switch")])
def test_a_broken_deployment_leaves_or_brings_back_the_old_champion(serving: World, broken: str):
    """The run fails at its step with the last lines, nothing is left running, and the next run succeeds."""
    tampered, settings, step, log = BROKEN[broken]
    genuine = serving.platform
    serving.platform = Sabotaged(serving.root / "platform", **tampered())
    serving.overrides |= settings

    report = serving.land("two.csv", TWO)

    assert (report["status"], report["error"]["step"]) == ("failed", step)
    assert log in "\n".join(report["error"]["log"])
    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert processes(serving.root) == 1

    serving.platform = genuine
    for name in ("RETRAIN_READY_SECONDS", "RETRAIN_CONFIRM_SECONDS"):
        serving.overrides.pop(name, None)
    assert serving.run()["model"]["version"] == "2"
    assert forecast(7, serving.settings, serving.context)["version"] == "2"


KILLED = """
import os, signal, sys
from retrain.adapters.local.folder import FolderStore
from retrain.doors.cli import main
before, real = sys.argv[1], FolderStore.write
def write(self, name, *args, **options):
    if name.startswith(before):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, name, *args, **options)
FolderStore.write = write
main(sys.argv[2:])
"""


@pytest.mark.parametrize("before", ["champion.json", *in_drills("promotions/")])  # the switch; the submission
def test_a_command_killed_in_the_middle_of_a_promotion_is_gone_on_with(serving: World, tmp_path: Path, before: str):
    """SIGKILL, then `promote`, or a plain rerun where nothing had been submitted: one version, one service."""
    two = tmp_path / "two.csv"
    two.write_bytes(TWO)
    environment = {**os.environ, **QUICK}
    words = ["land", str(two), "--root", str(tmp_path)]

    killed = subprocess.run([sys.executable, "-c", KILLED, before, *words], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    run_id = serving.ledger.requests()[0].run_id
    again = ["promote", "--run", run_id] if before == "champion.json" else ["tick"]
    done = subprocess.run(
        [sys.executable, "-m", "retrain", *again, "--root", str(tmp_path)],
        env=environment,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert [entry.version for entry in serving.ledger.pointer().champions] == ["1", "2"]
    assert len(list((tmp_path / "models").rglob("*.json"))) == 2
    assert processes(tmp_path) == 2
    assert forecast(7, serving.settings, serving.context)["version"] == "2"
    assert serving.ledger.run(run_id).verdict == "promote"


KEEPING = {**QUICK, "RETRAIN_KEEP_SERVICES": "1"}
COMMANDS = """
import json, sys
import statsmodels.tsa.statespace.sarimax
from retrain.doors.cli import main
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    print(json.dumps(main(json.loads(line))), flush=True)
"""


@pytest.fixture
def command() -> Iterator[Callable[..., int]]:
    """Commands in a process of their own, which has imported everything; their exit codes."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMANDS],
        cwd=ROOT,
        env={**os.environ, **KEEPING},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asking, answers = process.stdin, process.stdout

    def told() -> Any:
        """What the process says itself, after what the commands print."""
        return next(said for line in answers if isinstance(said := json.loads(line), int | str))

    def run(*words: str) -> int:
        asking.write(json.dumps(words) + "\n")
        asking.flush()
        return int(told())

    assert told() == "ready"
    yield run
    process.communicate()


def test_no_request_fails_while_champions_change(
    serving: World, command: Callable[..., int], monkeypatch: pytest.MonkeyPatch
):
    """A client calls the stable route of the Function App without pause through two promotions and a rollback."""
    for name, value in {**KEEPING, "RETRAIN_ROOT": str(serving.root)}.items():
        monkeypatch.setenv(name, value)
    answers: list[tuple[int, Any]] = []
    stop = threading.Event()

    def call(worker: Worker) -> None:
        while not stop.is_set():
            answer = worker.http("forecast", "GET", days="7")
            answers.append((answer.status, answer.body.get("version", answer.body)))

    three = serving.root / "three.csv"
    three.write_bytes(THREE)
    two = serving.root / "two.csv"
    two.write_bytes(TWO)
    with Worker(ROOT) as worker:
        client = threading.Thread(target=call, args=(worker,))
        client.start()
        for words, version in ((["land", str(two)], "2"), (["land", str(three)], "3"), (["rollback"], "2")):
            assert command(*words, "--root", str(serving.root), "--json") == 0
            while answers[-1][0] == 200 and answers[-1][1] != version:
                time.sleep(0.05)
        stop.set()
        client.join()

    versions = [version for _, version in answers]
    assert [answer for answer in answers if answer[0] != 200] == []
    assert len(answers) > 50
    assert [version for at, version in enumerate(versions) if at == 0 or versions[at - 1] != version] == [
        "1",
        "2",
        "3",
        "2",
    ]


def test_the_command_line_tells_the_whole_story(serving: World, tmp_path: Path):
    """Services, forecast, rollback, and who was champion today."""
    assert serving.land("two.csv", TWO)["verdict"] == "promote"

    def retrain(*words: str) -> Any:
        command = [sys.executable, "-m", "retrain", *words, "--root", str(tmp_path), "--json"]
        done = subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ, **QUICK}
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert [(service["version"], service["state"], service["champion"]) for service in retrain("services")] == [
        ("1", "answers", False),
        ("2", "answers", True),
    ]
    assert retrain("forecast", "--days", "3")[0]["version"] == "2"
    assert retrain("rollback")[0]["model"]["version"] == "1"
    assert retrain("forecast", "--days", "3")[0]["version"] == "1"
    today = retrain("champion")[0]["champion"]["since"][:10]
    assert retrain("champion", "--on", today)[0]["champion"]["version"] == "1"
