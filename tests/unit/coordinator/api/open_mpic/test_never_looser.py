"""Whatever a request of Open MPIC's API says, the question made of it is never looser than ours.

The requests are drawn at random: honest ones, wrong ones, and those that ask for less. What is
valid here must be approved, or corroborated, by the gRPC face for a question that demands no less.
"""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coordinator.api.open_mpic.refusal import RefusedError
from coordinator.checks import request_checks
from coordinator.checks.addresses import is_looser
from coordinator.checks.check import CheckSubject, JudgingRules
from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import required_by_policy
from mpic.names import parse_name
from mpic.v1 import corroboration_pb2 as c
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION, TOKEN
from tests.world.open_mpic import AGAINST, GOOD, ISSUERS, LAB, PARAMETERS, Asked, ask
from tests.world.samples import ISSUER, NAME, NOVEMBER, RULES, addresses, caa

VALUES = st.sampled_from(
    ["", "1", ".*", ";", "x" * 19, "5f0c2a9d7b3e41f6a8d0c7", "a@b.example", "+81-3-1", ISSUER,
     TOKEN, KEY_AUTHORIZATION, DIGEST.decode(), "00" * 32, "../x", "*", "_x", "http://a.example/1"]
)  # fmt: skip
TEXTS = VALUES | st.text(max_size=30)
COUNTS = st.none() | st.integers(-3, 9) | st.sampled_from(["4", "x", 4.0, True, 10**30])
NAMES = (
    st.just(NAME)
    | st.sampled_from([f"*.{NAME}", "WWW.Example.com", "jp", "*.co.jp", "127.0.0.1", "a..b"])
    | TEXTS
)
METHODS = st.sampled_from(
    ["website-change", "dns-change", "dns-persistent", "acme-http-01", "acme-dns-01",
     "acme-tls-alpn-01", "contact-email-txt", "contact-phone-txt", "contact-email-caa",
     "contact-phone-caa", "ip-address", "reverse-address-lookup", "dns-account-01"]
)  # fmt: skip
ORCHESTRATION = (
    st.none()
    | st.just({"quorum_count": 5})
    | st.fixed_dictionaries(
        {},
        optional={
            "perspective_count": COUNTS,
            "quorum_count": COUNTS,
            "max_attempts": COUNTS,
            "cohort_for_single_attempt": st.sampled_from([None, 1, 2]),
        },
    )
)
CAA = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "certificate_type": st.sampled_from(["tls-server", "s-mime"]),
        "caa_domains": st.none() | st.lists(st.sampled_from([ISSUER, ISSUER.upper()]) | TEXTS),
        "allow_lookup_failure": st.booleans(),
        "account_uri": st.none() | TEXTS,
        "validation_method": st.sampled_from(["dns-01", "x", ""]),
    },
)
DCV = st.fixed_dictionaries(
    {"validation_method": METHODS},
    optional={
        "challenge_value": TEXTS,
        "http_token_path": TEXTS,
        "url_scheme": st.sampled_from(["http", "https", "ftp"]),
        "http_headers": st.sampled_from([None, {}, {"Host": "a"}]),
        "match_regex": st.sampled_from([None, "", ".*"]),
        "require_exact_case": st.booleans(),
        "require_exact_match": st.booleans(),
        "dns_record_type": st.sampled_from(["TXT", "CNAME", "CAA", "A", "PTR"]),
        "dns_name_prefix": st.none() | TEXTS,
        "issuer_domain_names": st.lists(st.sampled_from([ISSUER, "other.example"])),
        "expected_account_uri": TEXTS,
        "token": TEXTS,
        "key_authorization": TEXTS,
        "key_authorization_hash": TEXTS,
    },
)


@st.composite
def nearly_good(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters that are good but for one field, at most."""
    method = draw(st.sampled_from(sorted(GOOD)))
    parameters = {"validation_method": method, **GOOD[method]}
    if draw(st.booleans()):
        parameters[draw(st.sampled_from(sorted(GOOD[method])))] = draw(TEXTS)
    return parameters


GOOD_BUT_ONE = nearly_good()
ROWS = st.builds(
    replace,
    st.just(RULES.row),
    checks=st.sampled_from([("caa", "addresses"), ("addresses",), ("caa", "domain_control")]),
    minimum_corroborating=st.integers(0, 5),
    address_agreement=st.sampled_from(
        [c.ADDRESS_AGREEMENT_EXACT, c.ADDRESS_AGREEMENT_OVERLAP, c.ADDRESS_AGREEMENT_RESOLVES]
    ),
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["caa", "dcv", "good"]))
    body: dict[str, Any] = {"domain_or_ip_target": NAME if kind == "good" else draw(NAMES)}
    if orchestration := draw(ORCHESTRATION):
        body["orchestration_parameters"] = orchestration
    if draw(st.booleans()):
        body["trace_identifier"] = draw(st.none() | TEXTS)
    if kind == "caa":
        return {**body, "check_type": "caa", "caa_check_parameters": draw(CAA)}
    parameters = draw(DCV) if kind == "dcv" else draw(GOOD_BUT_ONE)
    return {**body, "check_type": "dcv", PARAMETERS: parameters}


def try_to_ask(body: dict[str, Any], row: PolicyRow) -> Asked | None:
    required = required_by_policy(row, 5)
    rules = replace(AGAINST, terms=AGAINST.terms._replace(required=required))
    try:
        return ask(body, rules, row)
    except RefusedError:
        return None


@given(bodies(), ROWS)
def test_a_question_is_never_looser_than_the_policy(body: dict[str, Any], row: PolicyRow) -> None:
    asked = try_to_ask(body, row)
    if asked is None:
        return
    question, request = asked.translated.question, asked.request
    rules = request.rules
    assert rules.row == row
    assert rules.required >= required_by_policy(row, 5)
    assert rules.attempted == 5
    assert not is_looser(rules.address_agreement, row.address_agreement)
    assert not question.tightening.address_agreement
    assert not request.dry_run
    (name,) = request.names
    checks = {check.name for check in name.checks}
    if body["check_type"] == "caa":
        assert request.may_permit
        assert checks >= {"caa", *row.checks}
        issuer = ISSUERS[question.issuer]
        wanted = {
            one.lower() for one in (body["caa_check_parameters"] or {}).get("caa_domains") or ()
        }
        judged = name.checks[0].asked.caa
        assert wanted in (set(), set(issuer.domains))
        assert set(judged.issuer_domains) == issuer.domains
        assert judged.wildcard is body["domain_or_ip_target"].startswith("*.")
        assert not judged.permit_failure_in_insecure_zone
    else:
        assert not request.may_permit
        assert checks == {"domain_control"}
    # Whatever was made of it, the gRPC face asks the very same of the same question.
    subject = CheckSubject(
        parse_name(question.names[0].name), question.names[0], question, NOVEMBER
    )
    again = request_checks(subject, JudgingRules(ISSUERS[question.issuer], rules))
    assert [check.asked for check in again] == [check.asked for check in name.checks]


@given(CAA, st.none() | st.integers(-1, 5), st.none() | st.integers(1, 6))
async def test_numbers_never_turn_a_refusal_into_a_valid_answer(
    parameters: dict[str, Any] | None, quorum: int | None, count: int | None
) -> None:
    """Only three remotes corroborate."""
    body = {
        "check_type": "caa",
        "domain_or_ip_target": NAME,
        "caa_check_parameters": parameters,
        "orchestration_parameters": {"quorum_count": quorum, "perspective_count": count},
    }
    asked = try_to_ask(body, RULES.row)
    if asked is None:
        return
    seen = addresses(bytes([203, 0, 113, 100]))
    free, forbidden = (caa(), seen), (caa(b"\x00\x05issue;"), seen)
    answer = asked.answer(free, forbidden, forbidden, free)
    assert answer["is_valid"] is False
    assert sum(one["check_response"]["check_passed"] for one in answer["perspectives"]) == 3


@given(bodies())
def test_nothing_of_a_lab_is_for_issuance(body: dict[str, Any]) -> None:
    try:
        asked = ask(body, LAB)
    except RefusedError:
        return
    assert asked.request.dry_run


def test_some_of_what_is_drawn_is_good() -> None:
    """Or the properties would hold for nothing."""
    good: set[str] = set()

    @given(bodies())
    def collect(body: dict[str, Any]) -> None:
        if asked := try_to_ask(body, RULES.row):
            control = asked.translated.question.names[0].domain_control
            good.add(control.WhichOneof("method") or "caa")

    collect()
    assert "caa" in good
    assert len(good) > 3
