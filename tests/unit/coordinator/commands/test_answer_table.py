"""`mpic ask` and `mpic record show`: an answer that a person can read in 80 columns."""

import io

from rich.console import Console

from coordinator.commands.answer_table import print_answer
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

PLACES = ("tokyo", "frankfurt", "ashburn", "sao-paulo", "johannesburg", "singapore")
URL = f"http://www.example.co.jp/.well-known/acme-challenge/{'t' * 43}"
CONTROL = c.RequestedCheck(domain_control=c.RequestedDomainControl())
CAA = c.RequestedCheck(caa=c.RequestedCaa())
STEPS = [c.AuthorizationStep(kind=c.AUTHORIZATION_STEP_KIND_PRUNE, to="example.co.jp")]


def show(verdict: c.NameVerdict, width: int = 80, **answer: object) -> str:
    out = io.StringIO()
    print_answer(c.CorroborateResponse(names=[verdict], **answer), Console(file=out, width=width))
    return out.getvalue()


def passed() -> c.Determination:
    return c.Determination(
        check="domain_control",
        outcome=c.OUTCOME_PASSED,
        found_at=URL,
        clause="BR 3.2.2.4.19, RFC 8555 section 8.3",
        steps=STEPS,
    )


def report(place: str, **fields: object) -> c.PerspectiveReport:
    role = c.ROLE_PRIMARY if place == PLACES[0] else c.ROLE_REMOTE
    resolver = p.Resolver(software="Unbound 1.17.1", address="127.0.0.1:44067", transport="tcp")
    return c.PerspectiveReport(perspective_id=place, role=role, resolver=resolver, **fields)


def corroborated(*checks: c.RequestedCheck) -> c.NameVerdict:
    return c.NameVerdict(
        name="www.example.co.jp",
        looked_up="www.example.co.jp",
        reason=c.REASON_CORROBORATED,
        quorum="5/5",
        required=4,
        checks=checks,
        determinations=[passed()],
        perspectives=[
            report(place, corroborates=True, determinations=[passed()]) for place in PLACES
        ],
    )


def test_in_80_columns_a_perspective_takes_two_lines_and_no_name_is_broken() -> None:
    shown = show(corroborated(CAA, CONTROL))
    rows = [line for line in shown.splitlines() if line.startswith(("│", "┃"))]
    assert len(rows) == 2 * len(PLACES) + 1
    assert all(place in shown for place in PLACES)
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_only_what_was_asked_has_a_column() -> None:
    def head(verdict: c.NameVerdict, width: int = 80) -> list[str]:
        line = next(one for one in show(verdict, width).splitlines() if "perspective" in one)
        return [cell.strip() for cell in line.strip("┃").split("┃")]

    assert head(corroborated(CONTROL))[1:3] == ["domain control", "DNSSEC"]
    assert head(corroborated(CAA, CONTROL))[1:3] == ["CAA", "domain control"]
    assert "resolver" not in head(corroborated(CONTROL))
    assert "resolver" in head(corroborated(CONTROL), width=140)
    # An answer of a coordinator too old to say what it asked.
    assert head(corroborated())[1:3] == ["CAA", "A"]


def test_it_says_by_which_method_where_and_by_which_steps() -> None:
    shown = " ".join(show(corroborated(CONTROL), width=300).split())
    method = "domain_control: BR 3.2.2.4.19, RFC 8555 section 8.3"
    assert f"{method}; prune to example.co.jp; found at {URL}" in shown


def test_what_dissenting_perspectives_say_alike_is_said_once() -> None:
    why = {"dissent": c.DISSENT_PROOF_MISSING, "check": "domain_control", "detail": "no TXT record"}
    verdict = c.NameVerdict(
        name="www.example.co.jp",
        reason=c.REASON_PROOF_MISSING,
        check="domain_control",
        responsible=c.RESPONSIBLE_DOMAIN,
        checks=[CONTROL],
        perspectives=[
            *(report(place, **why) for place in PLACES[:5]),
            report(PLACES[5], dissent=c.DISSENT_LATE, detail="no answer in 10.5 s"),
        ],
    )
    shown = show(verdict, width=140, purpose=c.PURPOSE_VALIDATION)
    first = ", ".join(PLACES[:5])
    assert f"{first}: PROOF_MISSING domain_control: no TXT record\n" in shown
    assert f"{PLACES[5]}: LATE: no answer in 10.5 s\n" in shown
    assert "the domain's failure: to ask again soon will not help" in shown
    assert "validation: REFUSED" in shown


def test_it_says_whose_failure_it_is_and_what_to_do() -> None:
    for whose, said in (
        (c.RESPONSIBLE_CALLER, "allow more time"),
        (c.RESPONSIBLE_SERVICE, "ask again"),
    ):
        assert said in show(c.NameVerdict(name="a.example", responsible=whose))


def test_a_validation_is_never_shown_as_a_permission_to_issue() -> None:
    answer = c.CorroborateResponse(purpose=c.PURPOSE_VALIDATION, corroborated=True)
    answer.caa_usable_until.seconds = answer.domain_control_usable_until.seconds = 1_800_000_000
    out = io.StringIO()
    print_answer(answer, Console(file=out, width=80))
    assert "validation: CORROBORATED" in out.getvalue()
    assert "no permission to issue" in out.getvalue()
    assert "CAA check usable until 2027-01-15 08:00:00Z" in out.getvalue()
    assert "issue before" not in out.getvalue()
    assert "APPROVED" not in out.getvalue()
    answer.purpose, answer.approved = c.PURPOSE_ISSUANCE, True
    out = io.StringIO()
    print_answer(answer, Console(file=out, width=80))
    assert "certificate: APPROVED\nissue before 2027-01-15 08:00:00Z" in out.getvalue()
