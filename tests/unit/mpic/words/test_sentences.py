"""The sentences of a verdict: made of its codes and facts, in both languages."""

import itertools
from collections.abc import Sequence

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words import LANGUAGES, Language, sentence
from mpic.words.observed import describe_observation
from mpic.words.problem_sentences import explain_dissent

NAME = "www.example.co.jp"
ZONE = "example.co.jp"
REFUSED = o.FAILURE_CAUSE_REFUSED


def failed(cause: o.FailureCause.ValueType = REFUSED, zone: str = ZONE) -> o.Finding:
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail="of the agent", cause=cause, zone=zone)
    return o.Finding(caa_walk=o.CaaFinding(levels=[o.Lookup(name=NAME, failure=failure)]))


def report(
    who: str,
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED,
    findings: Sequence[o.Finding] = (),
    check: str = "caa",
) -> c.PerspectiveReport:
    role = c.ROLE_PRIMARY if who == "tokyo" else c.ROLE_REMOTE
    told = c.PerspectiveReport(perspective_id=who, role=role, dissent=dissent)
    told.corroborates, told.check = not dissent, check if dissent else ""
    told.observation.findings.extend(findings)
    return told


def verdict(reason: c.Reason.ValueType, *reports: c.PerspectiveReport) -> c.NameVerdict:
    return c.NameVerdict(
        name=NAME,
        looked_up=NAME,
        reason=reason,
        responsible=c.RESPONSIBLE_DOMAIN,
        quorum="0/5",
        required=4,
        perspectives=reports,
        check=reports[0].check if reports else "",
        detail="of the coordinator",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_is_told_from_its_codes_alone(language: Language) -> None:
    for reason, dissent, whose in itertools.product(
        c.Reason.values(), c.Dissent.values(), c.Responsible.values()
    ):
        told = verdict(reason, report("tokyo", dissent), report("lima", dissent))
        told.responsible = whose
        for text in sentence(told, language):
            assert text
            assert "{" not in text
            assert not text.startswith(("reason.", "dissent."))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_only_a_newer_release_tells_is_told_as_unknown(language: Language) -> None:
    reason, dissent = c.Reason.ValueType(999), c.Dissent.ValueType(999)
    told = verdict(reason, report("tokyo", dissent))
    assert all(sentence(told, language))
    assert explain_dissent(told.perspectives[0], told, language)
    kind = o.Finding(
        caa_walk=o.CaaFinding(
            levels=[o.Lookup(name=NAME, failure=o.Failure(kind=o.FailureKind.ValueType(999)))]
        )
    )
    told = verdict(c.REASON_PRIMARY_FAILED, report("tokyo", c.DISSENT_FAILED, [kind]))
    assert NAME in sentence(told, language).reason


def test_each_cause_has_a_sentence_of_its_own() -> None:
    for language, what in itertools.product(LANGUAGES, ("reason", "remedy")):
        said = {
            getattr(
                sentence(
                    verdict(
                        c.REASON_PRIMARY_FAILED,
                        report("tokyo", c.DISSENT_FAILED, [failed(cause)]),
                    ),
                    language,
                ),
                what,
            )
            for cause in o.FailureCause.values()
        }
        assert len(said) == len(o.FailureCause.values())


@pytest.mark.parametrize(
    ("zone", "english", "japanese"),
    [
        ("cdn.example", "An alias (CNAME) leads from www.example.co.jp into the zone", "別名"),
        ("jp", "jp is the top-level domain", "トップレベルドメイン"),
    ],
)
def test_a_zone_that_is_not_the_owners_is_told(zone: str, english: str, japanese: str) -> None:
    finding = failed(REFUSED, zone)
    told = verdict(c.REASON_PRIMARY_FAILED, report("tokyo", c.DISSENT_FAILED, [finding]))
    assert english in sentence(told, "en").reason
    assert japanese in sentence(told, "ja").reason


def test_338_says_how_many_could_have_corroborated_and_who_saw_what() -> None:
    """Of remotes that nobody awaited it is not said that they do not corroborate."""
    told = verdict(
        c.REASON_QUORUM_NOT_MET,
        report("tokyo"),
        report("lima", c.DISSENT_FAILED, [failed()]),
        report("nairobi", c.DISSENT_FAILED, [failed()]),
        *(report(who, c.DISSENT_NOT_AWAITED) for who in ("berlin", "austin", "osaka")),
    )
    assert sentence(told, "en").reason == (
        "Error 338: 2 of 5 remote perspectives dissent, so at most 3 can corroborate; 4 are"
        " needed. The domain's servers answer the primary, but not every place of the world."
        " lima, nairobi: The name servers of example.co.jp refuse to answer about"
        " www.example.co.jp (REFUSED)."
    )
    assert sentence(told, "ja").reason == (
        "エラーコード338: リモート拠点5か所のうち2か所で同じ結果にならず、一致するのは最大3か所の"
        "ため、必要な4か所に届きません。プライマリ拠点には応答がありますが、一部の地域からの問い合"
        "わせには正しく応答していません。lima、nairobi: example.co.jpの権威DNSサーバが、"
        "www.example.co.jpの問い合わせを拒否しています(REFUSED)。"
    )
    assert "geoblocking" in sentence(told, "en").remedy


def test_servers_that_tell_each_place_another_thing_are_not_blocked_by_place() -> None:
    told = verdict(
        c.REASON_QUORUM_NOT_MET,
        report("tokyo"),
        report("lima", c.DISSENT_FAILED, [failed()]),
        report("nairobi", c.DISSENT_DIFFERS, check="addresses"),
    )
    assert "not every place" not in sentence(told, "en").reason
    assert "geoblocking" not in sentence(told, "en").remedy


def test_of_a_walk_that_goes_on_above_a_failure_the_first_is_told() -> None:
    walk = failed()
    level = walk.caa_walk.levels.add(name=ZONE)
    level.failure.kind = o.FAILURE_KIND_TIMEOUT
    told = verdict(c.REASON_PRIMARY_FAILED, report("tokyo", c.DISSENT_FAILED, [walk]))
    assert "refuse to answer" in sentence(told, "en").reason


def test_what_differs_is_told_beside_what_the_primary_sees() -> None:
    def seen(*addresses: bytes) -> o.Finding:
        lookup = o.Lookup(name=NAME, records=o.RecordSet(rdata=addresses))
        return o.Finding(addresses=o.AddressFinding(lookup=lookup))

    told = verdict(
        c.REASON_QUORUM_NOT_MET,
        report("tokyo", findings=[seen(bytes([203, 0, 113, 100]))]),
        report("lima", c.DISSENT_DIFFERS, [seen(bytes([203, 0, 113, 66]))], "addresses"),
        report("nairobi", c.DISSENT_DIFFERS, [seen()], "addresses"),
    )
    english = sentence(told, "en").reason
    assert "lima: It sees 203.0.113.66 where the primary sees 203.0.113.100." in english
    assert "nairobi: It sees no address where" in english
    assert "lima: この拠点での名前解決結果は203.0.113.66" in sentence(told, "ja").reason


def test_a_record_that_forbids_is_shown_with_the_mend_and_escaped() -> None:
    forbids = report("tokyo", c.DISSENT_FORBIDS)
    forbids.determinations.add(
        check="caa",
        clause="RFC 8659 section 4.2",
        found_at=ZONE,
        record='0 issue "\x1b[31m"',
    )
    told = verdict(c.REASON_PRIMARY_FORBIDS, forbids)
    told.checks.add().caa.issuer_domains.append("ca.example.test")
    english, japanese = sentence(told, "en"), sentence(told, "ja")
    assert english.reason == (
        'The CAA record of example.co.jp does not permit this CA to issue (0 issue "\\027[31m").'
    )
    assert "ca.example.test" in english.remedy
    assert "ca.example.test" in japanese.remedy


def test_a_record_that_an_alias_leads_to_is_told_as_its_owners() -> None:
    records = o.RecordSet(owner="deny.example.net", rdata=[b"\x00\x05issueca.example"])
    lookup = o.Lookup(name=NAME, records=records)
    lookup.aliases.add(owner=NAME, target="deny.example.net")
    walk = o.Finding(caa_walk=o.CaaFinding(levels=[lookup]))
    forbids = report("tokyo", c.DISSENT_FORBIDS, [walk])
    forbids.determinations.add(
        check="caa", clause="RFC 8659 section 4.2", found_at=NAME, record='0 issue "ca.example"'
    )
    told = verdict(c.REASON_PRIMARY_FORBIDS, forbids)
    assert sentence(told, "en").reason == (
        "www.example.co.jp is an alias of deny.example.net. The CAA record of deny.example.net"
        ' does not permit this CA to issue (0 issue "ca.example").'
    )
    assert sentence(told, "ja").reason.startswith("www.example.co.jpはdeny.example.netの別名")


@pytest.mark.parametrize("domain", ["", ZONE])
def test_a_proof_that_is_missing_has_the_remedy_of_its_method(domain: str) -> None:
    told = verdict(
        c.REASON_PROOF_MISSING, report("tokyo", c.DISSENT_PROOF_MISSING, check="domain_control")
    )
    control = told.checks.add().domain_control.control
    control.acme_dns_01.SetInParent()
    control.authorization_domain_name = domain
    at = f"_acme-challenge.{domain or NAME}"
    for language in LANGUAGES:
        assert at in sentence(told, language).remedy


def test_a_refusal_that_is_the_services_is_undetermined() -> None:
    told = verdict(c.REASON_QUORUM_NOT_MET, report("tokyo"), report("lima", c.DISSENT_UNREACHABLE))
    told.responsible = c.RESPONSIBLE_SERVICE
    assert sentence(told, "en").verdict == "undetermined"
    assert sentence(told, "ja").verdict == "判定不能"
    assert "tell the operator" in sentence(told, "en").remedy
    told.reason = c.REASON_CORROBORATED
    assert sentence(told, "ja").verdict == "検証済み"
    told.approved = True
    assert sentence(told, "ja").verdict == "発行可"


def test_an_absent_address_is_no_failure() -> None:
    """UPKI: an A record for the host is not required."""
    finding = o.Finding()
    finding.addresses.lookup.name = NAME
    finding.addresses.lookup.absence = o.ABSENCE_NO_DATA
    seen = c.PerspectiveReport(observation=o.Observation(findings=[finding]))
    texts = [describe_observation(seen, c.NameVerdict(), one)["a"] for one in LANGUAGES]
    assert texts == [
        "no data (no address is required)",
        "レコードなし(アドレスは必須ではありません)",
    ]
