"""The answer of `POST /mpic`: its verdict is ours, and who counts it again comes to the same."""

import json
from dataclasses import replace
from typing import Any

import pytest

from coordinator.decision.vote import Reply
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.domain_control import DIGEST, records, txt
from tests.world.open_mpic import ACCOUNT, LAB, VALUE, ask, caa_body, dcv_body
from tests.world.samples import ADDRESS, ISSUER, NAME, WORLD, addresses, caa, failed_caa

FREE = (caa(), addresses(ADDRESS))
PARAMETERS_OF_CAA = (
    f"\x00\x05issue{ISSUER}; accounturi={ACCOUNT}; validationmethods=dns-01".encode()
)
FORBIDS = (caa(b"\x00\x05issueother.example"), addresses(ADDRESS))
ELSEWHERE = (caa(), addresses(bytes([203, 0, 113, 66])))
FAILS = (failed_caa(), addresses(ADDRESS))
PROVED, MISSING = (txt(DIGEST),), (txt(),)
DNS_01 = dcv_body("acme-dns-01")


def cname(target: str) -> o.Finding:
    labels = b"".join(bytes([len(one)]) + one.encode() for one in target.split("."))
    return records(NAME, o.RECORD_TYPE_CNAME, labels + b"\0")


def gone(dissent: c.Dissent.ValueType = c.DISSENT_UNREACHABLE) -> Reply:
    return Reply(WORLD.primary, None, None, dissent, "the connection is down")


def passes(answer: dict[str, Any]) -> list[bool]:
    return [one["check_response"]["check_passed"] for one in answer["perspectives"]]


def completes(answer: dict[str, Any]) -> list[bool]:
    return [one["check_response"]["check_completed"] for one in answer["perspectives"]]


def errors(answer: dict[str, Any], index: int = 0) -> list[tuple[str, str]]:
    found = answer["perspectives"][index]["check_response"]["errors"] or []
    return [(one["error_type"], one["error_message"]) for one in found]


def counts_again(answer: dict[str, Any]) -> bool:
    """What a caller comes to that counts by itself."""
    quorum: int = answer["actual_orchestration_parameters"]["quorum_count"]
    return sum(passes(answer)) >= quorum


async def test_the_keys_stand_in_the_order_of_open_mpic() -> None:
    parameters = {"perspective_count": 5}
    answer = ask(
        caa_body(top={"trace_identifier": "t", "orchestration_parameters": parameters})
    ).answer(FREE)
    first, *_ = answer["perspectives"]
    assert first["check_response"].pop("timestamp_ns") == 1795392000010000000
    answer["perspectives"] = [first]
    assert json.dumps(answer) == (
        '{"mpic_completed": true, "request_orchestration_parameters": {"perspective_count": 5,'
        ' "quorum_count": null, "max_attempts": null, "cohort_for_single_attempt": null},'
        ' "actual_orchestration_parameters": {"perspective_count": 5, "quorum_count": 4,'
        ' "attempt_count": 1}, "check_type": "caa", "domain_or_ip_target": "' + NAME + '",'
        ' "is_valid": true, "trace_identifier": "t", "perspectives": [{"perspective_code":'
        ' "frankfurt", "check_response": {"check_completed": true, "check_passed": true,'
        ' "errors": null, "check_type": "caa", "details": {"caa_record_present": false,'
        ' "found_at": null, "records_seen": null}}}], "caa_check_parameters": null,'
        ' "previous_attempt_results": null}'
    )


async def test_perspectives_are_the_remotes_and_not_the_primary() -> None:
    answer = ask(caa_body()).answer(FREE)
    codes = [one["perspective_code"] for one in answer["perspectives"]]
    assert codes == [one.id for one in WORLD.remotes]


@pytest.mark.parametrize(
    ("seen", "valid", "passing"),
    [
        ([FREE] * 6, True, 5),
        ([FREE, FORBIDS, *[FREE] * 4], True, 4),
        ([FREE, FORBIDS, FORBIDS, *[FREE] * 3], False, 3),
        ([FREE, FORBIDS, gone(), *[FREE] * 3], False, 3),
        ([FREE, ELSEWHERE, ELSEWHERE, *[FREE] * 3], False, 3),
        ([FORBIDS, *[FREE] * 5], False, 0),
        ([FAILS, *[FREE] * 5], False, 0),
        ([gone(), *[FREE] * 5], False, 0),
        ([ELSEWHERE, *[FREE] * 5], False, 0),
    ],
)
async def test_who_counts_the_passes_comes_to_the_verdict(
    seen: list[Any], valid: bool, passing: int
) -> None:
    answer = ask(caa_body()).answer(*seen)
    assert (answer["is_valid"], sum(passes(answer))) == (valid, passing)
    assert counts_again(answer) is valid


async def test_a_refusal_by_the_primary_is_told_with_every_remote() -> None:
    answer = ask(caa_body()).answer(FORBIDS, FREE)
    assert answer["mpic_completed"]
    assert completes(answer) == [True] * 5
    for index in range(5):
        own, verdict = errors(answer, index)
        assert own[0] == verdict[0] == "mpic_error:coordinator:primary_perspective"
        assert own[1].startswith("NO_PRIMARY: ")
        assert verdict[1].startswith("PRIMARY_FORBIDS: ")


async def test_error_338_is_named_with_those_who_do_not_pass() -> None:
    answer = ask(caa_body()).answer(FREE, FORBIDS, ELSEWHERE, *[FREE] * 3)
    (forbidden, quorum), (differs, _) = errors(answer, 0), errors(answer, 1)
    assert forbidden[0] == "mpic_error:caa_checker:forbidden"
    assert differs[0] == "mpic_error:coordinator:differs_from_primary"
    assert quorum[0] == "mpic_error:coordinator:too_many_failed_perspectives"
    assert quorum[1].startswith("338: QUORUM_NOT_MET: 3 of 5")
    assert [errors(answer, index) for index in (2, 3, 4)] == [[], [], []]


async def test_a_valid_answer_says_who_does_not_pass_and_why() -> None:
    answer = ask(caa_body()).answer(FREE, FAILS, FREE)
    assert answer["is_valid"]
    ((kind, message),) = errors(answer)
    assert kind == "mpic_error:caa_checker:lookup"
    assert message.startswith("FAILED: ")
    assert completes(answer)[0] is False
    assert answer["mpic_completed"]


@pytest.mark.parametrize(
    ("seen", "completed"),
    [
        ([FREE, gone(), FREE], True),
        ([FREE, FAILS, FAILS, FREE], False),
        ([FREE, gone(), gone(), FREE], False),
        # Who failed might have corroborated: nothing was determined about the name.
        ([FREE, FORBIDS, gone(), FREE], False),
        ([gone(), FREE], False),
        ([FAILS, FREE], False),
        ([FREE, FORBIDS, FORBIDS, FREE], True),
    ],
)
async def test_it_is_completed_if_something_was_determined(
    seen: list[Any], completed: bool
) -> None:
    assert ask(caa_body()).answer(*seen)["mpic_completed"] is completed


async def test_who_did_not_answer_has_not_completed() -> None:
    answer = ask(caa_body()).answer(FREE, gone(c.DISSENT_LATE), FREE)
    assert completes(answer) == [False, True, True, True, True]
    assert errors(answer) == [
        ("mpic_error:coordinator:remote_check", "LATE: the connection is down")
    ]


async def test_all_may_pass_and_the_answer_still_not_be_valid() -> None:
    row = replace(ask(caa_body()).request.rules.row, minimum_remotes=6)
    asked = ask(caa_body(), row=row)
    answer = asked.answer(FREE)
    assert (answer["is_valid"], passes(answer)) == (False, [True] * 5)
    ((kind, message),) = errors(answer)
    assert kind == "mpic_error:coordinator:too_many_failed_perspectives"
    assert message.startswith("338: TOO_FEW_REMOTES")


async def test_domain_control_is_valid_when_it_is_corroborated() -> None:
    answer = ask(DNS_01).answer(PROVED)
    assert answer["is_valid"]
    assert answer["check_type"] == "dcv"
    assert list(answer)[-2:] == ["dcv_check_parameters", "previous_attempt_results"]


@pytest.mark.parametrize(
    ("seen", "passing"),
    [([MISSING, PROVED], 0), ([PROVED, MISSING], 0), ([PROVED, MISSING, MISSING, PROVED], 3)],
)
async def test_domain_control_that_is_not_corroborated_is_not_valid(
    seen: list[Any], passing: int
) -> None:
    answer = ask(DNS_01).answer(*seen)
    assert (answer["is_valid"], sum(passes(answer))) == (False, passing)
    assert answer["mpic_completed"]


async def test_a_tightened_quorum_is_used_and_told() -> None:
    five = {"orchestration_parameters": {"perspective_count": 5, "quorum_count": 5}}
    answer = ask(caa_body(top=five)).answer(FREE, FORBIDS, FREE)
    assert not answer["is_valid"]
    assert answer["actual_orchestration_parameters"]["quorum_count"] == 5


async def test_a_smaller_quorum_is_told_as_it_is_used() -> None:
    small = {"orchestration_parameters": {"perspective_count": 2, "quorum_count": 1}}
    answer = ask(caa_body(top=small)).answer(FREE, FORBIDS, FORBIDS, FREE)
    assert not answer["is_valid"]
    assert answer["actual_orchestration_parameters"] == {
        "perspective_count": 5, "quorum_count": 4, "attempt_count": 1,
    }  # fmt: skip


def small(count: int | None, quorum: int | None) -> dict[str, Any]:
    parameters = {"perspective_count": count, "quorum_count": quorum}
    return caa_body(top={"orchestration_parameters": parameters})


@pytest.mark.parametrize(
    ("count", "quorum", "seen", "valid"),
    [
        (2, 1, [FREE, FORBIDS, FREE], True),
        (2, 2, [FREE, FORBIDS, FREE], False),
        (3, 2, [FREE, FREE, FORBIDS, FREE, FORBIDS], True),
        (None, 1, [FREE, *[FORBIDS] * 4, FREE], False),  # of one service region
        (None, 2, [FREE, *[FORBIDS] * 3, FREE], True),
        (2, 1, [FORBIDS, FREE], False),
        (None, None, [FREE, FORBIDS, FORBIDS, FREE], False),
    ],
)
async def test_a_lab_honours_what_is_asked_for_and_records_a_dry_run(
    count: int | None, quorum: int | None, seen: list[Any], valid: bool
) -> None:
    asked = ask(small(count, quorum), LAB)
    answer = asked.answer(*seen)
    assert answer["is_valid"] is valid
    assert len(answer["perspectives"]) == (count or 5)
    record = asked.decide(*seen)
    assert record.dry_run
    assert not any(name.usable_until_us for name in record.names)


async def test_a_name_in_unicode_is_repeated_as_it_was_sent() -> None:
    answer = ask(caa_body("*.Bücher.example.com")).answer([caa(), addresses()])
    assert answer["domain_or_ip_target"] == "*.Bücher.example.com"


async def test_what_was_seen_is_told_also_of_who_does_not_pass() -> None:
    record = f"\x00\x05issue{ISSUER}".encode()
    answer = ask(caa_body()).answer(FREE, (caa(record), addresses(bytes(4))), FREE)
    details = answer["perspectives"][0]["check_response"]["details"]
    assert details == {
        "caa_record_present": True,
        "found_at": NAME,
        "records_seen": [f'0 issue "{ISSUER}"'],
    }


async def test_garbage_is_told_as_an_error_and_never_as_a_detail() -> None:
    garbage = (caa(), o.Finding(addresses=o.AddressFinding()))
    answer = ask(caa_body()).answer(FREE, garbage, FREE)
    response = answer["perspectives"][0]["check_response"]
    assert response["details"]["caa_record_present"] is None
    assert response["errors"][0]["error_type"] == "mpic_error:coordinator:remote_check"
    assert response["errors"][0]["error_message"].startswith("GARBAGE: ")


def txt_at(label: str, *values: bytes) -> tuple[o.Finding]:
    return (txt(*values, owner=f"{label}{NAME}"),)


PERSISTENT = f"{ISSUER}; accounturi={ACCOUNT}".encode()
ANY_WILDCARD = dcv_body("dns-persistent", f"*.{NAME}")
ANY_CASE = dcv_body("dns-change", require_exact_case=False, require_exact_match=False)
CNAME = {"dns_record_type": "CNAME", "challenge_value": f"{VALUE}.ca.example"}


@pytest.mark.parametrize(
    ("body", "seen", "valid"),
    [
        (dcv_body("dns-persistent"), txt_at("_validation-persist.", PERSISTENT), True),
        (dcv_body("dns-persistent"), txt_at("_validation-persist.", PERSISTENT.upper()), False),
        (ANY_WILDCARD, txt_at("_validation-persist.", PERSISTENT), False),
        (
            ANY_WILDCARD,
            txt_at("_validation-persist.", PERSISTENT + b"; policy=wildcard"),
            True,
        ),
        (ANY_CASE, txt_at("", b"before " + VALUE.encode()), True),
        (ANY_CASE, txt_at("", VALUE.upper().encode()), False),
        (dcv_body("dns-change", require_exact_match=True), txt_at("", VALUE.encode()), True),
        (dcv_body("dns-change", require_exact_match=True), txt_at("", f" {VALUE}".encode()), False),
        (dcv_body("dns-change", **CNAME), (cname(f"{VALUE}.ca.example"),), True),
        (dcv_body("dns-change", **CNAME), (cname(f"{VALUE}.ca.example".upper()),), True),
        (dcv_body("dns-change", **CNAME), (cname(f"x.{VALUE}.ca.example"),), False),
        (caa_body(), (caa(PARAMETERS_OF_CAA), addresses(ADDRESS)), False),
        (caa_body(account_uri=ACCOUNT), (caa(PARAMETERS_OF_CAA), addresses(ADDRESS)), False),
        (
            caa_body(account_uri=ACCOUNT, validation_method="dns-01"),
            (caa(PARAMETERS_OF_CAA), addresses(ADDRESS)),
            True,
        ),
    ],
)  # fmt: skip
async def test_what_all_see_is_judged_by_our_rules(
    body: dict[str, Any], seen: tuple[o.Finding, ...], valid: bool
) -> None:
    assert ask(body).answer(seen)["is_valid"] is valid
