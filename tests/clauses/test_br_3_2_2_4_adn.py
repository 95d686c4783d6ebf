"""BR 3.2.2.4: the steps from the name that is applied for to its authorization domain name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.checks.check import VALIDATED, MalformedFindingError, ParameterError
from coordinator.checks.domain_control.authorization_domain import (
    Allowed,
    Applied,
    find_steps,
    may_need_cname,
)
from mpic.names import base_domain_name, find_suffix_list_date
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.domain_control import (
    FAILED,
    JUDGE,
    MISSING,
    PASSED,
    Row,
    judge,
    look,
    make_requested,
    outcome_of,
    place,
    request,
    write_zone,
)
from tests.clauses.test_rfc8555_8_4_dns_01 import ASKED, DIGEST
from tests.world.samples import NOVEMBER

WPC, WP, NONE = Allowed(True, True, True), Allowed(True, True, False), Allowed(False, False, False)  # noqa: FBT003 - the columns of the table
KINDS = {
    c.AUTHORIZATION_STEP_KIND_WILDCARD: "wildcard",
    c.AUTHORIZATION_STEP_KIND_CNAME: "cname",
    c.AUTHORIZATION_STEP_KIND_PRUNE: "prune",
}
HOST = "host.dept.example.ac.jp"
CDN = ("edge.cdn.example.net", "pop.region.example.com")


class Way(NamedTuple):
    """A name, the CNAME records from it, a domain, and by which steps it is reached."""

    clause: str
    name: str
    domain: str
    steps: str | None
    """Such as "cname prune prune"; None: it is not reached."""
    allowed: Allowed = WPC
    targets: Sequence[str] = ()
    wildcard: bool = False


WAYS = [
    Way("1 the name itself", HOST, HOST, ""),
    Way("3 one label removed", HOST, "dept.example.ac.jp", "prune"),
    Way("3 down to the base domain", HOST, "example.ac.jp", "prune prune"),
    Way("3 not to the public suffix", HOST, "ac.jp", None),
    Way("3 not to the top-level domain", HOST, "jp", None),
    Way("3 not a label that is not there", HOST, "x.example.ac.jp", None),
    Way("3 not a label more", HOST, f"x.{HOST}", None),
    Way("3 not a part of a label", HOST, "ept.example.ac.jp", None),
    Way("3 not a name that ends alike", HOST, "other-example.ac.jp", None),
    Way("3 a base domain has no label to remove", "example.ac.jp", "ac.jp", None),
    Way("3 a public suffix as a name", "ac.jp", "jp", None),
    Way("3 a public suffix as a name, itself", "ac.jp", "ac.jp", ""),
    Way("3 the method does not prune", HOST, "example.ac.jp", None, NONE),
    Way("3 the method does neither, itself", HOST, HOST, "", NONE),
    Way("3 a CNAME", HOST, CDN[0], "cname", WPC, CDN),
    Way("3 two CNAMEs", HOST, CDN[1], "cname cname", WPC, CDN),
    Way("3 a CNAME, then pruned", HOST, "cdn.example.net", "cname prune", WPC, CDN),
    Way("3 a CNAME, then pruned twice", HOST, "example.net", "cname prune prune", WPC, CDN),
    Way("3 two CNAMEs, then pruned", HOST, "example.com", "cname cname prune prune", WPC, CDN),
    Way("3 a CNAME, not to its suffix", HOST, "net", None, WPC, CDN),
    Way("3 a CNAME that is not there", HOST, CDN[1], None, WPC, CDN[:1]),
    Way("3 no CNAME record", HOST, CDN[0], None),
    Way("3 not pruned, then a CNAME", f"a.{HOST}", "target.example.org", None, WPC),
    Way("3 pruned, though there is a CNAME", HOST, "example.ac.jp", "prune prune", WPC, CDN),
    Way("3 the name, though there is a CNAME", HOST, HOST, "", WPC, CDN),
    Way("3 the method follows no CNAME", HOST, CDN[0], None, WP, CDN),
    Way("3 the method follows no CNAME, pruned", HOST, "cdn.example.net", None, WP, CDN),
    Way(
        "3 a CNAME into the same domain", HOST, "x.example.ac.jp", "cname", WPC, ["x.example.ac.jp"]
    ),
    Way(
        "3 as few CNAMEs as possible",
        HOST,
        "example.net",
        "cname prune",
        WPC,
        ["a.example.net", "b.example.net"],
    ),
    Way("4 a wildcard", HOST, HOST, "wildcard", wildcard=True),
    Way("4 a wildcard, pruned", HOST, "example.ac.jp", "wildcard prune prune", wildcard=True),
    Way("4 a wildcard follows no CNAME", HOST, CDN[0], None, WPC, CDN, wildcard=True),
    Way(
        "4 a wildcard follows no CNAME, pruned", HOST, "example.net", None, WPC, CDN, wildcard=True
    ),
    Way("4 a wildcard, not pruned", HOST, "example.ac.jp", None, NONE, wildcard=True),
    Way("1.6.1 co.jp is a suffix", "a.b.example.co.jp", "example.co.jp", "prune prune"),
    Way("1.6.1 go.jp is a suffix", "www.example.go.jp", "go.jp", None),
    Way("1.6.1 a city's suffix", "a.b.kobe.jp", "b.kobe.jp", None),
    Way("1.6.1 a city that is no suffix", "www.city.kobe.jp", "city.kobe.jp", "prune"),
    Way("1.6.1 private suffixes do not count", "a.b.github.io", "github.io", "prune prune"),
    Way("1.6.1 an unknown top-level domain", "a.b.nosuch", "b.nosuch", "prune"),
    Way("1.6.1 an unknown top-level domain, itself", "a.b.nosuch", "nosuch", None),
    Way("1.6.1 an international suffix", "a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn", "prune"),
    Way("1.6.1 an international suffix, itself", "a.b.xn--55qx5d.cn", "xn--55qx5d.cn", None),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.clause)
def test_br_3_2_2_4_the_steps(way: Way) -> None:
    applied = Applied(way.name, way.wildcard)
    steps = find_steps(applied, way.domain, way.allowed, way.targets)
    told = None if steps is None else " ".join(KINDS[one.kind] for one in steps)
    assert told == way.steps
    if steps:
        assert steps[-1].to == way.domain


LABELS = st.sampled_from(["a", "b", "www", "example", "co", "ac", "jp", "com", "kobe", "city"])
NAMES = st.lists(LABELS, min_size=2, max_size=6).map(".".join)
TARGETS = st.lists(NAMES, max_size=3)
COLUMNS = st.builds(Allowed, st.booleans(), st.booleans(), st.booleans())


def reach(applied: Applied, allowed: Allowed, targets: Sequence[str]) -> set[str]:
    """Return every authorization domain name that BR 3.2.2.4 allows, read once more."""
    names = [applied.name]
    if allowed.cname and not applied.wildcard:
        names += targets
    reached = set()
    for name in names:
        domain = name
        reached.add(domain)
        base = base_domain_name(name)
        while allowed.prune and base is not None and domain != base:
            domain = domain.split(".", 1)[1]
            reached.add(domain)
    return reached


@given(NAMES, st.booleans(), COLUMNS, TARGETS, NAMES)
def test_br_3_2_2_4_no_other_domain_is_reached(
    name: str, wildcard: bool, allowed: Allowed, targets: list[str], other: str
) -> None:
    applied = Applied(name, wildcard)
    reached = reach(applied, allowed, targets)
    candidates = {one for start in (name, other, *targets) for one in parents(start)} | reached
    for domain in candidates:
        steps = find_steps(applied, domain, allowed, targets)
        assert (steps is not None) == (domain in reached)


def parents(name: str) -> Sequence[str]:
    """Return a name and all names above it."""
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(len(labels))]


@given(NAMES, st.booleans(), TARGETS, st.integers(0, 30))
def test_br_3_2_2_4_cname_comes_before_prune_and_each_step_is_one(
    name: str, wildcard: bool, targets: list[str], number: int
) -> None:
    applied = Applied(name, wildcard)
    reached = sorted(reach(applied, WPC, targets))
    domain = reached[number % len(reached)]
    steps = find_steps(applied, domain, WPC, targets)
    assert steps is not None
    kinds = [KINDS[one.kind] for one in steps]
    assert kinds == sorted(kinds, key=["wildcard", "cname", "prune"].index)
    followed = [one.to for one in steps if KINDS[one.kind] == "cname"]
    assert followed == list(targets[: len(followed)])
    assert not (wildcard and followed)
    at = followed[-1] if followed else name
    base = base_domain_name(at)
    for step in steps:
        if KINDS[step.kind] == "prune":
            assert at != base
            at = at.partition(".")[2]
            assert step.to == at
    assert at == domain


@given(NAMES, st.booleans(), COLUMNS, NAMES)
def test_br_3_2_2_4_cname_records_are_asked_for_only_where_they_can_lead(
    name: str, wildcard: bool, allowed: Allowed, domain: str
) -> None:
    applied = Applied(name, wildcard)
    needs = may_need_cname(applied, domain, allowed)
    assert needs == (
        allowed.cname and not wildcard and find_steps(applied, domain, allowed) is None
    )


LOOP = "CNAME in a loop"
PROOF = f'_acme-challenge.host.b IN TXT "{DIGEST}"'
AT_TARGET = "host.b"
ROWS = place(
    "adn-",
    [
        Row("CNAME", f"www IN CNAME host.b\n{PROOF}", ASKED, domain=AT_TARGET),
        Row(
            "CNAME of a name with addresses",
            f"www IN CNAME host.b\nhost.b IN A 192.0.2.1\n{PROOF}",
            ASKED,
            domain=AT_TARGET,
        ),
        Row("two CNAMEs", f"www IN CNAME a\na IN CNAME host.b\n{PROOF}", ASKED, domain=AT_TARGET),
        Row(
            "CNAME, then pruned",
            f'www IN CNAME host.b\n_acme-challenge.b IN TXT "{DIGEST}"',
            ASKED,
            domain="b",
        ),
        Row(LOOP, f"www IN CNAME a\na IN CNAME www\n{PROOF}", ASKED, FAILED, domain=AT_TARGET),
        Row("no CNAME", f"www IN A 192.0.2.1\n{PROOF}", ASKED, MISSING, domain=AT_TARGET),
        Row("no name", PROOF, ASKED, MISSING, domain=AT_TARGET),
        Row("another CNAME", f"www IN CNAME c\n{PROOF}", ASKED, MISSING, domain=AT_TARGET),
        Row(
            "the CNAME of a parent",
            f"@ IN A 192.0.2.1\na IN CNAME host.b\n{PROOF}",
            ASKED,
            MISSING,
            name="www.a",
            domain=AT_TARGET,
        ),
        Row(
            "the CNAME of the owner",
            f"_acme-challenge.www IN CNAME host.b\n{PROOF}",
            ASKED,
            MISSING,
            domain=AT_TARGET,
        ),
        Row("CNAME to a name below", f"www IN CNAME a.host.b\n{PROOF}", ASKED, domain=AT_TARGET),
        Row("CNAME to a name above", f"www IN CNAME b\n{PROOF}", ASKED, MISSING, domain=AT_TARGET),
        Row("CNAME, but no proof there", "www IN CNAME host.b", ASKED, MISSING, domain=AT_TARGET),
        Row(
            "CNAME, the proof at the name",
            f'www IN CNAME host.b\n_acme-challenge.www IN TXT "{DIGEST}"',
            ASKED,
            MISSING,
            domain=AT_TARGET,
        ),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_br_3_2_2_4_every_perspective_follows_the_steps_itself(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    assert judgement.clause.startswith("BR 3.2.2.4, BR 3.2.2.4.7") != bool(judgement.steps)


def judged(row: Row, change: str) -> str:
    """Return the outcome if the lookup of the CNAME records is changed."""
    requested = make_requested(row, NOVEMBER)
    check = request(requested)
    findings = list(look(check, requested.name, write_zone(row)))
    lookup = findings[0].records.lookup
    if change == "bogus":
        lookup.failure.kind = o.FAILURE_KIND_BOGUS
        lookup.dnssec = o.DNSSEC_BOGUS
    elif change == "servfail":
        lookup.failure.kind = o.FAILURE_KIND_SERVFAIL
    elif change == "a record that is bogus":
        lookup.dnssec = o.DNSSEC_BOGUS
    elif change == "another name":
        lookup.aliases[0].owner = "other.example.com"
    elif change == "a gap":
        lookup.aliases[1].owner = "other.example.com"
    return outcome_of(JUDGE.judge(findings, requested.name, check, VALIDATED))


def test_br_3_2_2_4_a_cname_that_does_not_validate_leads_nowhere() -> None:
    """ "CAs MUST [...] DNSSEC validation" also for the lookups that lead to the domain."""
    for change in ("bogus", "servfail"):
        assert judged(ROWS[0], change) == FAILED
    with pytest.raises(MalformedFindingError):
        judged(ROWS[0], "a record that is bogus")


def test_cname_records_that_do_not_follow_one_another_are_not_believed() -> None:
    assert judged(ROWS[2], "nothing") == PASSED
    for change in ("another name", "a gap"):
        with pytest.raises(MalformedFindingError):
            judged(ROWS[2], change)


def test_br_3_2_2_4_the_steps_are_told_and_by_which_list_labels_are_removed() -> None:
    origin = ROWS[3].origin
    judgement = judge(ROWS[3])
    assert [(KINDS[one.kind], one.to) for one in judgement.steps] == [
        ("cname", f"host.b.{origin}"),
        ("prune", f"b.{origin}"),
    ]
    made = find_suffix_list_date()
    assert made is not None
    said = f"labels removed by the Public Suffix List of {made.isoformat()}"
    assert judgement.detail == said
    assert judge(ROWS[0]).detail == ""
    missing = judge(replace(ROWS[3], records="www IN CNAME host.b"))
    assert missing.detail.endswith(f"; {said}")


def test_br_3_2_2_4_a_refused_domain_names_the_list() -> None:
    row = replace(ROWS[0], name="*.www")
    with pytest.raises(ParameterError) as caught:
        judge(row)
    assert caught.value.field == "domain_control.authorization_domain_name"
    assert "Public Suffix List of 20" in str(caught.value)
