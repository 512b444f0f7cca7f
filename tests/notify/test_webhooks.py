"""Webhooks: what they get, how it is signed, and what becomes of an event that they do not take."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.notify.listeners import listeners
from retrain.adapters.notify.posting import post
from retrain.errors import ConfigError, ServiceUnavailable
from retrain.records.outbox import MOST_REFUSALS, Kind
from retrain.records.request import Trigger
from retrain.runs.dispatch import deliver
from retrain.settings.notify import KINDS
from tests.builders import NEW_YEAR, ONE, TWO, World, ask, csv_file, level_days, made
from tests.listening import Listener
from tests.notify.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.notify.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(b"a key for tests").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


@pytest.fixture
def told(world: World, receiver: Receiver) -> World:
    """A world whose events go to the receiver."""
    world.overrides |= {"RETRAIN_NOTIFY_URL": f"{receiver.url}/hook?token=abc", "RETRAIN_NOTIFY_SECRET": SECRET}
    return world


def tell(world: World) -> None:
    deliver(replace(world.context, listeners=listeners(world.settings)))


def make(world: World, name: str, data: bytes) -> dict[str, Any]:
    """Land a file, and tell of it."""
    context = replace(world.context, listeners=listeners(world.settings))
    world.put(name, data)
    return made(ask(Trigger.BLOB, context, file=name), world.settings, context)


def test_a_promotion_is_a_cloud_event(told: World, receiver: Receiver):
    """With the id of its event; what is in it names the version and holds no amount."""
    report = make(told, "one.csv", ONE)

    [post] = receiver.posts
    assert post.path == "/hook?token=abc"
    assert post.headers["content-type"] == "application/cloudevents+json"
    event = post.json
    assert {name: event[name] for name in ("specversion", "id", "type", "source", "subject")} == {
        "specversion": "1.0",
        "id": f"{report['run_id']}-1",
        "type": "retrain.promotion",
        "source": "/retrain/daily-transactions",
        "subject": report["run_id"],
    }
    assert event["data"]["version"] == "1"
    assert "reason" not in event["data"]
    assert str(report["challenger"]["rmse"])[:6] not in post.body.decode()


def test_it_is_signed_so_that_the_receiver_can_tell_who_sent_it(told: World, receiver: Receiver):
    """Over id, time and body."""
    make(told, "one.csv", ONE)

    [post] = receiver.posts
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    expected = base64.b64encode(hmac.new(b"a key for tests", signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert post.headers["webhook-id"] == post.json["id"]


def test_amounts_are_sent_if_they_are_asked_for(told: World, receiver: Receiver):
    """The reason and the scores."""
    told.overrides |= {"RETRAIN_NOTIFY_AMOUNTS": "send"}

    report = make(told, "one.csv", ONE)

    assert receiver.posts[0].json["data"]["reason"] == report["reason"]
    assert receiver.posts[0].json["data"]["challenger"]["rmse"] == report["challenger"]["rmse"]


def test_only_the_kinds_that_are_wanted_are_told(told: World, receiver: Receiver):
    """By default a verdict that changes nothing is not."""
    make(told, "one.csv", ONE)
    make(told, "held.csv", csv_file(level_days(60, seed=2, level=160) * 100, NEW_YEAR))
    told.run()
    told.overrides |= {"RETRAIN_NOTIFY_KINDS": "verdict"}
    make(told, "two.csv", csv_file(level_days(7, seed=2, level=200), NEW_YEAR))

    assert [post.json["type"] for post in receiver.posts] == [
        "retrain.promotion",
        "retrain.held",
        "retrain.verdict",
    ]


@pytest.mark.parametrize("status", [503, 429])
def test_a_receiver_that_is_away_gets_the_event_later_under_the_same_id(
    told: World, receiver: Receiver, status: int
):
    """The later ones wait for it: their order is kept."""
    receiver.answers = [status, status]
    make(told, "one.csv", ONE)
    make(told, "two.csv", TWO)

    tell(told)

    ids = [post.json["id"] for post in receiver.posts]
    assert ids == [ids[0], ids[0], ids[0], ids[-1]]
    assert ids[0] < ids[-1]
    assert told.ledger.outbox.waiting() == []


@pytest.mark.parametrize("status", [302, 404, 410])
def test_a_receiver_that_refuses_again_and_again_loses_that_event_alone(
    told: World, receiver: Receiver, status: int
):
    """It is kept with the reason, which does not show the address; a redirection is not followed."""
    receiver.answers = [status] * MOST_REFUSALS
    make(told, "one.csv", ONE)
    for _ in range(MOST_REFUSALS - 1):
        tell(told)
    make(told, "two.csv", TWO)

    [kept] = told.ledger.outbox.undelivered()
    assert f"127.0.0.1 answers {status}; see that RETRAIN_NOTIFY_URL is right" in kept.trouble
    assert "token" not in kept.trouble
    assert {post.path for post in receiver.posts} == {"/hook?token=abc"}
    assert receiver.posts[-1].json["data"]["version"] == "2"


def test_cards_show_the_same_sentence(told: World, receiver: Receiver):
    """In the form that each of them takes."""
    told.overrides |= {"RETRAIN_NOTIFY_URL": f"slack:{receiver.url}/s teams:{receiver.url}/t"}

    make(told, "one.csv", ONE)

    cards = {post.path: post.json for post in receiver.posts}
    text = cards["/s"]["text"]
    assert text.startswith("daily-transactions: version 1 is champion.")
    [attachment] = cards["/t"]["attachments"]
    assert attachment["content"]["body"][0]["text"] == text


def test_nobody_who_listens_is_named_by_an_address(told: World):
    """The outbox remembers names, and an address may hold a secret."""
    [listener] = listeners(told.settings)

    assert listener.name.startswith("cloudevents-")
    assert len(listener.name) == len("cloudevents-") + 12


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"RETRAIN_NOTIFY_URL": "http://example.com/hook?sig=abc"}, "plain http:// is for this machine alone"),
        ({"RETRAIN_NOTIFY_URL": "ftp://example.com"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "mailto:nobody"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "mailto:a@example.com"}, "RETRAIN_SMTP_URL is not set"),
        (
            {"RETRAIN_NOTIFY_URL": "mailto:a@example.com", "RETRAIN_SMTP_URL": "smtps://example.com"},
            "RETRAIN_NOTIFY_FROM must be the address",
        ),
        ({"RETRAIN_NOTIFY_URL": "https://user:sig=abc@ho\u2100st/hook"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "https://[host?sig=abc"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "https://host:sig=abc/"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_SECRET": "whsec_sig=abc"}, "base64 of a key does not follow"),
        ({"RETRAIN_NOTIFY_SECRET": "whsec_"}, "base64 of a key does not follow"),
        (
            {
                "RETRAIN_NOTIFY_URL": "mailto:a@example.com",
                "RETRAIN_NOTIFY_FROM": "b@example.com",
                "RETRAIN_SMTP_URL": "smtps://user:sig=abc@ho\u2100st",
            },
            "RETRAIN_SMTP_URL is no mail server",
        ),
        ({"RETRAIN_NOTIFY_URL": "https://a..b.com/sig=abc"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "slack:https://*.x/sig=abc"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "https://host/\udcffsig=abc"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_URL": "mailto:ä@sig=abc.com"}, "an entry that cannot be read"),
        ({"RETRAIN_NOTIFY_KINDS": "promotion lunch"}, "RETRAIN_NOTIFY_KINDS.*write some of verdict promotion"),
    ],
    ids=[
        *("plain", "scheme", "no-address", "no-server", "no-sender", "host", "bracket", "port"),
        *("key", "no-key", "mail-host", "empty-label", "star", "not-utf-8", "not-ascii", "kind"),
    ],
)
def test_what_is_no_target_is_refused_without_repeating_it(world: World, values: dict[str, str], says: str):
    """It may hold a secret."""
    world.overrides |= values

    with pytest.raises(ConfigError, match=says) as refused:
        _ = world.settings
    assert "sig=abc" not in str(refused.value)
    assert refused.value.__context__ is None or "sig=abc" not in str(refused.value.__context__)


def test_the_kinds_that_can_be_wanted_are_those_that_there_are():
    """The settings may not know the records."""
    assert set(KINDS) == {kind.value for kind in Kind}


def test_an_answer_that_comes_in_drops_ends(receiver: Receiver):
    """Although each read of it gets something in time."""
    receiver.drips = True

    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1 does not answer"):
        post(f"{receiver.url}/hook", b"{}", {}, seconds=1.0)


def test_of_a_long_answer_only_the_status_is_read(receiver: Receiver):
    """It would fill the memory of the app."""
    receiver.bytes = 1 << 40

    post(f"{receiver.url}/hook", b"{}", {})

    assert len(receiver.posts) == 1


def test_a_name_of_a_file_calls_nobody_and_breaks_no_line(told: World, receiver: Receiver):
    """Slack would take it for a mention; a mail cannot have it in its subject."""
    told.overrides |= {"RETRAIN_NOTIFY_URL": f"slack:{receiver.url}/s", "RETRAIN_NOTIFY_AMOUNTS": "send"}
    make(told, "one.csv", ONE)
    make(told, "<!channel>\n.csv", csv_file(level_days(60, seed=2, level=160) * 100, NEW_YEAR))

    card = receiver.posts[-1].json
    fields = [field["text"] for field in card["blocks"][1]["fields"]]
    assert "&lt;!channel&gt;?.csv" in card["text"]
    assert "<" not in card["text"] + "".join(fields)
    assert max(map(len, fields)) <= 2000


def test_a_process_that_knows_fewer_listeners_keeps_the_event_for_the_others(told: World, receiver: Receiver):
    """A job has no secret, so it does not know who is notified; after a week nobody else comes."""
    job = replace(told.context, listeners=(Listener("catalogue"),), hears_all=False)
    told.put("one.csv", ONE)
    made(ask(Trigger.BLOB, job, file="one.csv"), told.settings, job)
    tell(told)

    assert [post.json["type"] for post in receiver.posts] == ["retrain.promotion"]
    assert told.ledger.outbox.waiting() == []
    made(ask(Trigger.TIMER, job), told.settings, job)
    told.clock.now += timedelta(days=8)
    deliver(job)
    assert told.ledger.outbox.waiting() == []
