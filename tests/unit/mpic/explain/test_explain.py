"""The explanation of an answer: what a person is told, by what the perspectives saw."""

import itertools

import pytest

from mpic.explain import explain
from mpic.explain.views import view_checks
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import LANGUAGES, Language
from tests.unit.mpic.explain.answers import (
    HERE,
    NAME,
    PRIMARY,
    REMOTES,
    ZONE,
    answer,
    approved,
    failed,
    forbidden,
    led_astray,
    records_at,
    report,
    token_not_found,
    verdict,
    walk_of,
)


def test_two_led_astray_are_told_beside_what_the_others_see() -> None:
    told = explain(led_astray(), "en")
    assert (told.error_code, told.verdict.code) == ("338", "refused")
    assert told.sentence == "The certificate is not issued."
    (name,) = told.names
    assert (name.reason.code, name.quorum, name.required) == ("QUORUM_NOT_MET", "3/5", 4)
    (problem,) = name.problems
    assert problem.code == "dissent.DIFFERS.addresses"
    assert problem.perspectives == ("frankfurt", "ashburn")
    assert "203.0.113.66 where the primary sees 203.0.113.100" in problem.message
    (difference,) = name.differences
    assert difference.what.code == "a"
    assert [one.values for one in difference.groups] == [("203.0.113.100",), ("203.0.113.66",)]
    assert difference.groups[0].has_primary
    assert difference.groups[1].perspectives == ("frankfurt", "ashburn")
    assert (name.whose.code, name.again.code) == ("dns_operator", "later")
    assert name.remedy == problem.remedy


def test_the_search_for_caa_is_told_level_by_level_with_its_end() -> None:
    (name,) = explain(forbidden(), "en").names
    (walk,) = name.caa_walks
    assert walk.perspectives == (PRIMARY, *REMOTES)
    assert [(one.name, one.state, one.stopped_here) for one in walk.levels] == [
        (NAME, "none", False),
        (ZONE, "records", True),
        ("ac.jp", "not_asked", False),
        ("jp", "not_asked", False),
    ]
    assert walk.levels[1].records == ('0 issue "other.example"',)
    assert name.problems[0].code == "caa.issuer"
    assert name.clause == "RFC 8659 section 4.2"


def test_servers_that_give_records_in_another_order_show_the_same_search() -> None:
    one, two = b"\x00\x05issueother.example", b"\x00\x05issueanother.example"
    reports = [
        report(who, (walk_of(records_at(NAME, one, two)), HERE)) for who in (PRIMARY, "nairobi")
    ]
    reports += [report("ashburn", (walk_of(records_at(NAME, two, one)), HERE))]
    (walk,) = explain(answer(verdict(c.REASON_CORROBORATED, reports)), "en").names[0].caa_walks
    assert walk.perspectives == (PRIMARY, "nairobi", "ashburn")
    assert walk.levels[0].records == ('0 issue "another.example"', '0 issue "other.example"')


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"\x00\x05issueother.example", "caa.issuer"),
        (b"\x00\x05issue;", "caa.nobody"),
        (b"\x00\x05issue", "caa.nobody"),
        (b"\x00\x05issue \t; policy=ev", "caa.nobody"),
        (b"\x00\x05issueca.example.test.", "caa.malformed"),
        (b"\x00\x05issuehttps://ca.example.test/", "caa.malformed"),
        (b"\x00\x05issueother.example; accounturi=x", "caa.issuer"),
    ],
)
def test_a_record_that_names_no_other_ca_is_told_as_such(value: bytes, code: str) -> None:
    assert explain(forbidden(value), "ja").names[0].problems[0].code == code


def test_servers_that_fail_towards_some_places_are_told_as_such() -> None:
    silent = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=o.FAILURE_CAUSE_SILENT, zone=ZONE)
    (name,) = explain(failed(silent, c.REASON_QUORUM_NOT_MET), "en").names
    assert name.problems[0].code == "cause.SILENT"
    assert "geoblocking" in name.remedy
    assert "some places" in name.cause
    (name,) = explain(failed(silent), "en").names
    assert name.remedy == name.problems[0].remedy
    assert "port 53" in name.remedy


def test_a_failure_of_the_service_is_its_own_task() -> None:
    reports = [report(PRIMARY), *(report(who, (), c.DISSENT_UNREACHABLE) for who in REMOTES)]
    told = verdict(c.REASON_QUORUM_NOT_MET, reports)
    told.responsible, told.retry = c.RESPONSIBLE_SERVICE, c.RETRY_NOW
    explanation = explain(answer(told), "en")
    assert explanation.verdict.code == "undetermined"
    assert (explanation.names[0].whose.code, explanation.names[0].again.code) == ("service", "now")


def test_what_fails_at_the_top_level_domain_is_its_registrys_task() -> None:
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=o.FAILURE_CAUSE_SILENT, zone="jp")
    assert explain(failed(failure), "en").names[0].whose.code == "registry"


def test_an_approval_needs_nothing() -> None:
    told = explain(approved(), "en")
    assert told.verdict.code == "approved"
    (name,) = told.names
    assert (name.whose.code, name.again.code, name.problems) == ("nobody", "no", ())
    assert told.usable_until is not None
    assert name.differences == ()


def test_names_that_are_not_approved_come_first() -> None:
    good, bad = approved().names[0], led_astray().names[0]
    bad.name = "bad.example.ac.jp"
    told = explain(answer(good, bad), "en")
    assert [one.name for one in told.names] == ["bad.example.ac.jp", NAME]
    assert told.sentence == "The certificate is not issued: 1 of 2 names did not pass."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_dissent_is_explained_from_its_codes_alone(language: Language) -> None:
    """Reports may be left out of an answer, and a newer service may tell other codes."""
    values = (*c.Reason.values(), 999), (*c.Dissent.values(), 999), c.Responsible.values()
    for reason, dissent, whose in itertools.product(*values):
        told = verdict(reason, [report(PRIMARY, (), dissent), report("nairobi", (), dissent)])
        told.responsible = whose
        (name,) = explain(answer(told), language).names
        for text in (name.reason.words, name.cause, name.remedy, name.whose.words):
            assert text
            assert "{" not in text
            assert not text.startswith(("reason.", "dissent.", "whose."))


def test_a_failure_of_the_service_never_blames_the_domain() -> None:
    """Whatever else some remotes saw: if the service's failures alone may have caused it."""
    reports = [report(PRIMARY), *(report(who) for who in REMOTES)]
    reports[1] = report("frankfurt", (), c.DISSENT_UNREACHABLE)
    reports[2] = led_astray().names[0].perspectives[2]
    told = verdict(c.REASON_QUORUM_NOT_MET, reports)
    for whose, code in ((c.RESPONSIBLE_SERVICE, "service"), (c.RESPONSIBLE_CALLER, "ca")):
        told.responsible = whose
        (name,) = explain(answer(told), "en").names
        assert name.whose.code == code
        assert "It is not known that anything is wrong with your domain." in name.cause
        assert "name server" not in name.remedy
        assert len(name.problems) == 2


def test_a_web_server_that_fails_towards_some_places_is_no_name_server() -> None:
    told = token_not_found()
    for one in told.names[0].perspectives[2:4]:
        one.dissent = c.DISSENT_FAILED
        hop = one.observation.findings[-1].http_get.hops[0]
        hop.failure.kind = o.FAILURE_KIND_TIMEOUT
        hop.connection.dialed.add(port=80)
    (name,) = explain(told, "en").names
    assert name.problems[0].code == "failure.web.TIMEOUT"
    assert name.whose.code == "you"
    assert "TCP port 80" in name.remedy
    assert "name servers" not in name.reason.words + name.cause + name.remedy


def test_the_clause_is_that_of_the_check_and_of_what_it_breaks() -> None:
    bogus = o.Failure(kind=o.FAILURE_KIND_BOGUS)
    (name,) = explain(failed(bogus), "en").names
    assert name.clause == "RFC 8659 section 3, BR 4.2.2.1, BR 4.2.2.2, RFC 4035 section 5"
    (name,) = explain(token_not_found(), "en").names
    assert name.clause == "BR 3.2.2.4.19"


def test_what_a_link_may_show_has_no_expected_value() -> None:
    """What the primary saw is the value itself; a page may be given away (RFC 8555 section 10)."""
    told = token_not_found()
    secret = b"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.THUMBPRINT-OF-THE-ACCOUNT"
    for one in told.names[0].perspectives:
        one.observation.findings[-1].http_get.hops[0].response.body = secret
        record = one.observation.findings.add().records.lookup
        record.name = f"_acme-challenge.{NAME}"
        record.records.rdata.append(b"\x0dEXPECTED-TEXT")
    for language in LANGUAGES:
        shown = repr(explain(told, language))
        assert "THUMBPRINT" not in shown
        assert "EXPECTED-TEXT" not in shown


def test_whom_nobody_awaited_has_no_problem() -> None:
    told = led_astray()
    for number in (3, 4, 5):
        who = told.names[0].perspectives[number].perspective_id
        told.names[0].perspectives[number].CopyFrom(report(who, (), c.DISSENT_NOT_AWAITED))
    (name,) = explain(told, "en").names
    assert [one.code for one in name.problems] == ["dissent.DIFFERS.addresses"]
    assert [one.was_counted for one in name.perspectives] == [True, True, True, False, False, False]
    # What was not seen differs from nothing.
    assert [len(one.groups) for one in name.differences] == [2]


def test_the_primarys_problem_comes_first_however_many_remotes_have_another() -> None:
    told = forbidden()
    refuses = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, cause=o.FAILURE_CAUSE_REFUSED, zone=ZONE)
    told.names[0].perspectives[0].CopyFrom(failed(refuses).names[0].perspectives[0])
    told.names[0].reason = c.REASON_PRIMARY_FAILED
    (name,) = explain(told, "en").names
    assert [one.code for one in name.problems] == ["cause.REFUSED", "caa.issuer"]
    assert name.remedy == name.problems[0].remedy


def test_a_dry_run_is_told_as_no_permission() -> None:
    told = approved()
    told.dry_run = True
    explanation = explain(told, "en")
    assert explanation.is_dry_run
    assert "it permits nothing" in explanation.sentence
    assert "発行は許可されていません" in explain(told, "ja").sentence


def test_a_moment_that_is_not_told_is_none() -> None:
    told = explain(c.CorroborateResponse(), "en")
    assert (told.asked_at, told.decided_at, told.usable_until) == (None, None, None)


def test_a_remote_with_another_account_than_the_primary_sees_no_other_address() -> None:
    told = token_not_found()
    for one in told.names[0].perspectives[2:4]:
        one.dissent = c.DISSENT_DIFFERS
    (name,) = explain(told, "en").names
    assert [one.code for one in name.problems] == ["dissent.DIFFERS.domain_control"]
    assert "account" in name.problems[0].message


def test_of_redirects_the_last_answer_counts() -> None:
    told = token_not_found()
    for one in told.names[0].perspectives[2:4]:
        finding = one.observation.findings[-1].http_get
        redirect = o.HttpHop(url=finding.hops[0].url)
        redirect.response.status = 301
        finding.hops.insert(0, redirect)
    (problem,) = explain(told, "en").names[0].problems
    assert problem.code == "fault.HTTP_STATUS.not_found"
    assert "status 404" in problem.message


def test_the_port_is_that_which_was_dialled_last() -> None:
    told = token_not_found()
    for one in told.names[0].perspectives[2:4]:
        one.dissent = c.DISSENT_FAILED
        hop = one.observation.findings[-1].http_get.hops[0]
        hop.url, hop.failure.kind = f"http://{NAME}:443/x", o.FAILURE_KIND_TIMEOUT
        hop.connection.dialed.add(port=443)
    assert "TCP port 443" in explain(told, "en").names[0].problems[0].remedy


@pytest.mark.parametrize(
    ("quorum", "code"),
    [("5/5", "PASSED"), ("4/5", "PASSED"), ("3/5", "FALLS_SHORT"), ("", "PASSED")],
)
def test_a_check_passes_only_where_enough_corroborate(quorum: str, code: str) -> None:
    verdict = c.NameVerdict(required=4)
    verdict.checks.add().caa.SetInParent()
    verdict.determinations.add(check="caa", outcome=c.OUTCOME_PASSED)
    verdict.corroborations.add(check="caa", quorum=quorum)
    (view,) = view_checks(verdict, "en")
    assert view.outcome.code == code
