"""Records from before names had their checks: read as they were meant, and never changed."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from coordinator.api.response import fill_late, fill_whole_answer
from coordinator.checks.caa.issuer import Issuer, Issuers
from coordinator.commands.record.export import COLUMNS, to_json, to_rows
from coordinator.commands.record.query import RecordCriteria
from coordinator.commands.record.read import _select
from coordinator.commands.record.terminal import print_list, print_record
from coordinator.record.basis import Basis, find_basis
from coordinator.record.chain import seal_batch
from coordinator.record.determination import blame_name, is_determination
from coordinator.record.entries import RecordEntries, read_entries, record_of
from coordinator.record.idempotency import Idempotency, Memory, RequestKey
from coordinator.record.index_terms import find_terms
from coordinator.record.older import renew_late, renew_record
from coordinator.record.reader import Reader
from coordinator.record.replay import ReplayRules, replay
from coordinator.record.stores.base import Entry
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.verify import verify_store
from coordinator.rules.policy import Policy
from coordinator.rules.responsibility import Responsible
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.older import (
    FAILED,
    FORBIDDEN,
    NOT_AWAITED,
    USUAL,
    OlderName,
    OlderReply,
    older_late,
    older_late_reply,
    older_record,
)
from tests.world.places import PLACES
from tests.world.records import CALLER, START, fill, sample_record
from tests.world.samples import (
    ADDRESS,
    ISSUER,
    NAME,
    addresses,
    caa,
    failed_addresses,
    failed_caa,
)

FORBIDS = OlderReply(1, (caa(b"\x00\x05issueother.example"), USUAL[1]), FORBIDDEN)
CAA_FAILED = OlderReply(2, (failed_caa(), USUAL[1]), FAILED)
DIFFERS = OlderReply(3, (USUAL[0], addresses(bytes(4))))
ADDRESSES_FAILED = OlderReply(4, (USUAL[0], failed_addresses()))
SILENT = OlderReply(6, None)
NO_PRIMARY = OlderReply(11)
_NO_TLD = caa()
_NO_TLD.caa_walk.levels[-1].absence = o.ABSENCE_NAME_ERROR
NOT_PUBLIC = OlderReply(5, (_NO_TLD, USUAL[1]), FAILED)
_BUSY = o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_OVERLOADED, detail="busy"))
_BLIND = o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_RESOLVER_UNAVAILABLE, detail="down"))
OVERLOADED = OlderReply(13, (_BUSY, _BUSY), FAILED)
NOT_LOOKED = OlderReply(12, (_BLIND, _BLIND), FAILED)

Dissents = list[tuple[int, str]]
CASES: list[tuple[OlderName, c.Reason.ValueType, str, Dissents]] = [
    (OlderName(), c.REASON_CORROBORATED, "", [(0, "")] * 6),
    (
        OlderName(1, {5: OlderReply(NOT_AWAITED, None)}, quorum="4/5"),
        c.REASON_CORROBORATED,
        "",
        [(0, "")] * 5 + [(c.DISSENT_NOT_AWAITED, "")],
    ),
    (
        OlderName(2, {1: FORBIDS, 2: CAA_FAILED, 3: DIFFERS, 4: ADDRESSES_FAILED, 5: NOT_PUBLIC}),
        c.REASON_QUORUM_NOT_MET,
        "",
        [
            (0, ""),
            (c.DISSENT_FORBIDS, "caa"),
            (c.DISSENT_FAILED, "caa"),
            (c.DISSENT_DIFFERS, "addresses"),
            (c.DISSENT_FAILED, "addresses"),
            (c.DISSENT_NOT_IN_PUBLIC_DNS, "caa"),
        ],
    ),
    (OlderName(5, {0: FORBIDS, 1: NO_PRIMARY}), c.REASON_PRIMARY_FORBIDS, "caa", []),
    (OlderName(6, {0: CAA_FAILED}), c.REASON_PRIMARY_FAILED, "caa", []),
    (
        OlderName(7, {0: ADDRESSES_FAILED}),
        c.REASON_PRIMARY_FAILED,
        "addresses",
        [(c.DISSENT_FAILED, "addresses")] + [(0, "")] * 5,
    ),
    (OlderName(8, {0: NOT_PUBLIC}), c.REASON_NOT_IN_PUBLIC_DNS, "caa", []),
    (OlderName(9, {0: SILENT}), c.REASON_PRIMARY_UNAVAILABLE, "", [(6, "")] + [(0, "")] * 5),
    (OlderName(9, {0: NOT_LOOKED}), c.REASON_PRIMARY_UNAVAILABLE, "", []),
    (OlderName(10, {0: OVERLOADED}), c.REASON_CUT_SHORT, "", []),
]
RULES = ReplayRules(Policy(), {"example": Issuer(frozenset({ISSUER}))})


def read(content: bytes, *others: bytes) -> tuple[RecordEntries, r.Record]:
    entries = read_entries([content, *others], record_of(r.RecordEntry.FromString(content)))
    assert not entries.flaws
    assert entries.question is not None
    return entries, entries.question


def answer(record: r.Record) -> c.CorroborateResponse:
    response = c.CorroborateResponse()
    fill_whole_answer(response, record)
    return response


@pytest.mark.parametrize(("name", "reason", "check", "dissents"), CASES)
def test_a_verdict_is_that_of_its_check_and_judged_again_it_is_the_same(
    name: OlderName, reason: c.Reason.ValueType, check: str, dissents: Dissents
) -> None:
    entries, record = read(older_record(name))
    (told,) = record.names
    assert (told.reason, told.check) == (reason, check)
    if dissents:
        assert [(one.dissent, one.check) for one in told.replies] == dissents
    assert [one.WhichOneof("kind") for one in told.checks] == ["caa", "addresses"]
    assert list(replay(entries, RULES)) == []


@pytest.mark.parametrize(("name", "reason", "check", "_dissents"), CASES)
def test_it_is_answered_exported_and_shown(
    name: OlderName, reason: c.Reason.ValueType, check: str, _dissents: Dissents
) -> None:
    entries, record = read(older_record(name))
    (verdict,) = answer(record).names
    assert (verdict.reason, verdict.check) == (reason, check)
    assert verdict.approved == (reason == c.REASON_CORROBORATED)
    exported = json.loads(to_json(entries))["verdict"]["names"][0]
    assert exported["reason"] == c.Reason.Name(reason)
    assert exported.get("check", "") == check
    (row,) = to_rows(entries)
    cells = dict(zip(COLUMNS, row, strict=True))
    assert (cells["reason"], cells["check"]) == (c.Reason.Name(reason), check)
    page = io.StringIO()
    console = Console(file=page, width=1000)
    print_list([entries], console)
    print_record(entries, console)
    assert f"{c.Reason.Name(reason).removeprefix('REASON_')} {check}".strip() in page.getvalue()


def test_what_the_domain_or_we_failed_in_is_told_as_before() -> None:
    _, of_domain = read(older_record(OlderName(2, {1: ADDRESSES_FAILED, 2: DIFFERS})))
    assert blame_name(of_domain, of_domain.names[0]) is Responsible.DOMAIN
    assert is_determination(of_domain)
    _, of_primary = read(older_record(OlderName(7, {0: ADDRESSES_FAILED})))
    assert answer(of_primary).names[0].responsible == c.RESPONSIBLE_DOMAIN
    report = answer(of_primary).names[0].perspectives[0]
    assert (report.dissent, report.check) == (c.DISSENT_FAILED, "addresses")
    assert report.responsible == c.RESPONSIBLE_DOMAIN
    _, ours = read(older_record(OlderName(2, {1: ADDRESSES_FAILED, 2: SILENT})))
    assert not is_determination(ours)


def test_what_was_said_once_is_said_of_every_name() -> None:
    """What CAA was judged by, and until when it may be used (BR 4.2.2.1)."""
    wild = [f"*.{NAME.title()}", f"*\u3002{NAME}"]
    names = [OlderName(usable_for=timedelta(hours=9))]
    names += [OlderName(asked=one, usable_for=timedelta(hours=8)) for one in wild]
    _, record = read(
        older_record(
            *names,
            account_uri="https://acme.test/1",
            validation_method="dns-01",
            understood_critical_tags=["contactemail"],
        )
    )
    for name in record.names:
        asked = name.checks[0].caa
        assert list(asked.issuer_domains) == [ISSUER]
        assert list(asked.understood_critical_tags) == ["contactemail"]
        assert (asked.account_uri, asked.validation_method) == ("https://acme.test/1", "dns-01")
        assert not asked.permit_failure_in_insecure_zone
        assert name.checks[1].addresses.agreement == c.ADDRESS_AGREEMENT_EXACT
    assert [name.checks[0].caa.wildcard for name in record.names] == [False, True, True]
    response = answer(record)
    assert response.approved
    assert list(response.issuer_domains) == [ISSUER]
    assert response.caa_usable_until.ToDatetime(UTC) == START + timedelta(hours=8)
    for hours, verdict in zip((9, 8, 8), response.names, strict=True):
        (told,) = verdict.determinations
        assert (told.check, told.outcome) == ("caa", c.OUTCOME_PASSED)
        assert told.usable_until.ToDatetime(UTC) == START + timedelta(hours=hours)
        assert all(
            [one.check for one in report.determinations] == ["caa"]
            for report in verdict.perspectives
        )


@pytest.mark.parametrize("agreement", [c.ADDRESS_AGREEMENT_OVERLAP, c.ADDRESS_AGREEMENT_RESOLVES])
def test_what_the_policy_said_then_is_what_was_asked(
    agreement: c.AddressAgreement.ValueType,
) -> None:
    """BR 4.2.2.1: whether a failure may be permission; and how closely addresses must agree."""
    policy = c.PolicyApplied(permit_caa_failure_in_insecure_zone=True, address_agreement=agreement)
    _, record = read(older_record(policy=policy))
    (name,) = record.names
    assert name.checks[0].caa.permit_failure_in_insecure_zone
    assert name.checks[1].addresses.agreement == agreement


def test_where_nothing_was_permitted_nothing_may_be_used() -> None:
    for content in (older_record(OlderName(2)), older_record(dry_run=True)):
        _, record = read(content)
        assert not record.names[0].usable_until_us
        response = answer(record)
        assert not response.HasField("caa_usable_until")
        (told,) = response.names[0].determinations
        assert not told.HasField("usable_until")


@pytest.mark.parametrize(
    ("seconds", "basis"), [(3600, Basis.APPROVED), (3601, Basis.LATE), (7200, Basis.LATE)]
)
def test_a_certificate_is_held_against_the_earliest_end(seconds: int, basis: Basis) -> None:
    hours = [OlderName(usable_for=timedelta(hours=n), asked=f"*.{NAME}") for n in (2, 1)]
    _, record = read(older_record(*hours))
    issuance = c.Issuance()
    issuance.reported_at.FromDatetime(START + timedelta(seconds=seconds))
    assert find_basis(record, issuance) is basis


@pytest.mark.parametrize(
    ("fields", "findings"),
    [
        ({"account_uri": "https://acme.test/1"}, "; accounturi=https://acme.test/1"),
        ({"validation_method": "dns-01"}, "; validationmethods=dns-01"),
    ],
)
def test_it_is_judged_again_by_what_was_asked(fields: dict[str, str], findings: str) -> None:
    bound = OlderReply(
        findings=(caa(b"\x00\x05issue" + f"{ISSUER}{findings}".encode()), addresses(ADDRESS))
    )
    name = OlderName(replies=dict.fromkeys(range(6), bound))
    assert list(replay(read(older_record(name, **fields))[0], RULES)) == []
    (change,) = replay(read(older_record(name))[0], RULES)
    assert (change.reason, change.check) == (c.REASON_PRIMARY_FORBIDS, "caa")


def test_an_issuer_that_is_gone_is_judged_by_what_was_recorded() -> None:
    issues = OlderReply(findings=(caa(b"\x00\x05issueold.example"), addresses(ADDRESS)))
    critical = OlderReply(findings=(caa(b"\x80\x0ccontactemailx@example.test"), USUAL[1]))
    gone: Issuers = {
        "one": Issuer(frozenset({"x.example"})),
        "two": Issuer(frozenset({"y.example"})),
    }
    rules = ReplayRules(Policy(), gone)
    for reply, fields in (
        (issues, {"issuer_domains": ["old.example"]}),
        (critical, {"understood_critical_tags": ["contactemail"]}),
    ):
        name = OlderName(replies=dict.fromkeys(range(6), reply))
        assert list(replay(read(older_record(name, **fields))[0], rules)) == []
        assert [one.reason for one in replay(read(older_record(name))[0], rules)] == [
            c.REASON_PRIMARY_FORBIDS
        ]


def test_what_came_late_is_told_with_its_check() -> None:
    content = older_record(OlderName(replies={5: OlderReply(NOT_AWAITED, None)}))
    _, record = read(content)
    late = older_late(
        record.id,
        older_late_reply(1, 4, determination=1),
        older_late_reply(2, 3, determination=1),
        older_late_reply(3, 1, determination=0, outcome=FORBIDDEN),
        older_late_reply(4, 7, determination=1),
        older_late_reply(5, 0, determination=1),
    )
    entries, record = read(content, late)
    reports = []
    for one in entries.late:
        told = c.LateReport()
        fill_late(told, one, record)
        reports.append(told.report)
    assert [(one.perspective_id, one.dissent, one.check) for one in reports] == [
        (PLACES[1].id, c.DISSENT_FAILED, "addresses"),
        (PLACES[2].id, c.DISSENT_DIFFERS, "addresses"),
        (PLACES[3].id, c.DISSENT_FORBIDS, "caa"),
        (PLACES[4].id, c.DISSENT_LATE, ""),
        (PLACES[5].id, c.DISSENT_UNSPECIFIED, ""),
    ]
    permitted, forbidden = ("caa", c.OUTCOME_PASSED), ("caa", c.OUTCOME_FORBIDDEN)
    came_to = [[(one.check, one.outcome) for one in report.determinations] for report in reports]
    assert came_to == [[permitted], [permitted], [forbidden], [permitted], [permitted]]
    page = io.StringIO()
    print_record(entries, Console(file=page, width=1000))
    assert "FAILED addresses" in page.getvalue()


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_is_as_a_new_one_and_stays_so(
    case: tuple[OlderName, c.Reason.ValueType, str, Dissents],
) -> None:
    """Nothing is filled in twice, nor into a record that has its checks."""
    _, record = read(older_record(case[0]))
    again = r.Record.FromString(record.SerializeToString())
    renew_record(again)
    assert again == record
    for reason in (c.REASON_CORROBORATED, c.REASON_PRIMARY_FAILED, c.REASON_QUORUM_NOT_MET):
        new = sample_record(reason=reason, dissenting=["frankfurt"])
        new.names[0].check = ""
        before = new.SerializeToString(deterministic=True)
        renew_record(new)
        assert new.SerializeToString(deterministic=True) == before
    late = r.LateReply(reply=r.RecordedReply(dissent=c.DISSENT_FAILED, check="addresses"))
    late.determinations.add(check="caa")
    late.determinations.add(check="addresses")
    before = late.SerializeToString(deterministic=True)
    renew_late(late)
    assert late.SerializeToString(deterministic=True) == before


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "record.sqlite3").open()
    yield opened
    opened.close()


def keep(store: SqliteStore, content: bytes) -> bytes:
    """Store an entry as the program before did; returns its record's id."""
    entry = r.RecordEntry.FromString(content)
    record = record_of(entry)
    at = entry.question.asked_at_us
    batch = seal_batch(store.head("main.0"), [content], at)
    store.append(batch, [Entry(record, content, find_terms(entry))])
    return record


def find(store: SqliteStore, *, newest_first: bool, **criteria: object) -> list[str]:
    found = _select(store, RecordCriteria(**criteria), newest_first=newest_first)
    return [one.question.request_id for one in found if one.question is not None]


@pytest.mark.parametrize("is_paged", [False, True])
def test_old_and_new_are_found_together_each_once_and_in_order(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, *, is_paged: bool
) -> None:
    if is_paged:
        monkeypatch.setattr("coordinator.record.stores.sqlite.store._PAGE", 1)
    failed, addresses_failed = OlderName(6, {0: CAA_FAILED}), OlderName(7, {0: ADDRESSES_FAILED})
    keep(store, older_record(failed, number=0))
    keep(store, older_record(addresses_failed, number=1))
    keep(store, older_record(OlderName(5, {0: FORBIDS}), number=2))
    keep(store, older_record(addresses_failed, failed, addresses_failed, number=3))
    # While a coordinator of before still runs beside one of now.
    fill(store, [sample_record(4, reason=c.REASON_PRIMARY_FAILED)])
    keep(store, older_record(addresses_failed, number=5))
    fill(store, [sample_record(6), sample_record(7, reason=c.REASON_PRIMARY_FORBIDS)])
    assert list(verify_store(store)) == []
    expected = ["older-0", "older-1", "older-3", "request-4", "older-5"]
    wanted: dict[str, object] = {"reason": c.REASON_PRIMARY_FAILED}
    for more in ({}, {"caller": CALLER}, {"name": NAME}, {"perspective": PLACES[0].id}):
        old = [one for one in expected if "perspective" not in more or one.startswith("older")]
        assert find(store, newest_first=False, **wanted, **more) == old
        assert find(store, newest_first=True, **wanted, **more) == old[::-1]
    forbidden = find(store, newest_first=True, reason=c.REASON_PRIMARY_FORBIDS)
    assert forbidden == ["request-7", "older-2"]
    at = START + timedelta(seconds=3)
    assert find(store, newest_first=True, since=at, **wanted) == ["older-5", "request-4", "older-3"]
    assert find(store, newest_first=False, until=at, **wanted) == ["older-0", "older-1"]


def test_what_is_stored_stays_octet_for_octet(store: SqliteStore) -> None:
    content = older_record(OlderName(7, {0: ADDRESSES_FAILED}))
    record = keep(store, content)
    for _ in range(2):
        stored = store.read(record)
        assert stored is not None
        assert list(stored.contents) == [content]
        read_entries(stored.contents, record)


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        (OlderName(), True),
        (OlderName(7, {0: ADDRESSES_FAILED}), True),
        (OlderName(9, {0: SILENT}), False),
    ],
)
async def test_the_same_request_again_is_told_what_was_recorded_before(
    store: SqliteStore, tmp_path: Path, name: OlderName, *, is_told: bool
) -> None:
    record = keep(store, older_record(name))
    reader = Reader(SqliteStore(tmp_path / "record.sqlite3"))
    memory = Memory(reader, timedelta(minutes=10), is_shared=True, clock=lambda: START)
    async with Idempotency(memory).claim(RequestKey(CALLER, "older-0", bytes(32))) as claim:
        found = claim.record
    await reader.close()
    assert (found is not None) == is_told
    if found is not None:
        assert found.id == record
        assert answer(found).names[0].checks
