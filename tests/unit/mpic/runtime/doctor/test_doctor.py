"""What every finding must be, how findings are shown, and the judgements both programs share."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from mpic.runtime.certificate_check import read_names
from mpic.runtime.certificate_owner import CertificateOwner
from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.doctor import DoctorFinding, Register, from_config_error, run_checks
from mpic.runtime.doctor.clock import KernelClock, judge_kernel_clock, read_kernel_clock
from mpic.runtime.doctor.command import as_document, examine_file, format_finding, summarize
from mpic.runtime.doctor.handshake import Presented
from mpic.runtime.doctor.identity import examine_certificates, judge_callers
from mpic.runtime.doctor.ports import judge_holder, judge_port, judge_stranger
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.runtime.settings import TlsTable

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GOOD = DoctorFinding("ok", "it is so", facts={"n": 1, "names": ["a", "b"], "is": True}, check="one")
BAD = DoctorFinding("error", "it is not so", "Make it so", check="two")


@pytest.mark.parametrize(("outcome", "mend"), [("ok", "Do it"), ("warning", ""), ("error", "")])
def test_a_finding_says_what_to_do_just_when_there_is_something_to_do(
    outcome: str, mend: str
) -> None:
    with pytest.raises(ValueError, match="a mend belongs"):
        DoctorFinding(outcome, "it is so", mend)


async def test_a_check_that_breaks_hides_no_other() -> None:
    async def breaks(_examined: int) -> list[DoctorFinding]:
        raise ZeroDivisionError("by nought")

    async def works(patient: int) -> list[DoctorFinding]:
        return [DoctorFinding("ok", f"{patient} is there")]

    register: Register[int] = {"first": breaks, "second": works}
    broken, good = await run_checks(register, 7)
    assert (broken.check, broken.outcome) == ("first", "error")
    assert "ZeroDivisionError: by nought" in broken.what
    assert good == DoctorFinding("ok", "7 is there", check="second")


def test_a_finding_is_shown_with_its_facts_and_what_to_do() -> None:
    assert format_finding(GOOD) == "ok       one: it is so\n         n=1  names=a,b  is=yes"
    assert format_finding(BAD) == "error    two: it is not so\n         -> Make it so"
    assert summarize([GOOD, BAD]) == "1 error, 0 warnings, 1 ok"


def test_nothing_that_a_terminal_obeys_is_shown() -> None:
    finding = replace(BAD, what="\x1b[2Jall is well", facts={"evil": "\x9b1m"})
    shown = format_finding(finding)
    assert r"\x1b[2Jall is well" in shown
    assert r"evil=\x9b1m" in shown
    assert all(one.isprintable() or one == "\n" for one in shown)


def test_the_document_is_json_with_counts() -> None:
    document = json.loads(json.dumps(as_document(Path("a.toml"), [GOOD, BAD])))
    assert document["errors"] == 1
    assert document["findings"][0]["facts"] == {"n": 1, "names": ["a", "b"], "is": True}


def test_a_file_that_cannot_be_used_is_a_finding_for_each_problem(tmp_path: Path) -> None:
    error = ConfigError(Path("a.toml"), [Problem("x.y", "is missing", "Add it")])
    assert from_config_error(error) == [
        DoctorFinding("error", "x.y: is missing", "Add it", check="config")
    ]
    (finding,) = examine_file(tmp_path / "none.toml")
    assert (finding.outcome, finding.check) == ("error", "config")


def test_the_kernel_tells_of_the_clock() -> None:
    assert read_kernel_clock().error_seconds >= 0


@pytest.mark.parametrize(
    ("clock", "outcome", "says"),
    [
        (KernelClock(kept=True, error_seconds=0.02), "ok", "keeps the clock"),
        (KernelClock(kept=True, error_seconds=4.0), "warning", "off by 4.0 s"),
        (KernelClock(kept=False, error_seconds=0.0), "warning", "no time service"),
    ],
)
def test_the_clock_is_judged_by_its_keeper(clock: KernelClock, outcome: str, says: str) -> None:
    finding = judge_kernel_clock(clock)
    assert finding.outcome == outcome
    assert says in finding.what


@pytest.fixture
def tls(tmp_path: Path) -> TlsTable:
    authority = create_authority(tmp_path, "mpic.test")
    pair = issue_certificate(authority, Subject("perspective", "tokyo"))
    table = {"certificate": pair.certificate, "private_key": pair.private_key}
    return TlsTable(**table, authority=authority.file)


def test_certificates_in_order_tell_until_when(tls: TlsTable) -> None:
    (finding,) = examine_certificates(tls, CertificateOwner("perspective", "tokyo"))
    assert finding.outcome == "ok"
    assert "89 days are left" in finding.what
    assert read_names(tls.certificate) == finding.facts["names"]


def test_a_certificate_of_another_perspective_is_an_error(tls: TlsTable) -> None:
    (finding,) = examine_certificates(tls, CertificateOwner("perspective", "frankfurt"))
    assert finding.outcome == "error"
    assert "is for spiffe://mpic.test/perspective/tokyo" in finding.what


def test_certificates_that_do_not_fit_are_errors(tls: TlsTable) -> None:
    findings = examine_certificates(
        tls.model_copy(update={"private_key": tls.private_key.parent / "ca.key"}),
        CertificateOwner("perspective"),
    )
    assert [one.outcome for one in findings] == ["error"]


def test_callers_of_another_authority_are_warned_of() -> None:
    authority = ["spiffe://mpic.test"]
    (good,) = judge_callers(["spiffe://mpic.test/caller/a", "caller.example"], authority)
    (bad,) = judge_callers(["spiffe://mpic.test.example/caller/a"], authority)
    assert (good.outcome, bad.outcome) == ("ok", "warning")
    assert judge_callers(["spiffe://other/caller/a"], [])[0].outcome == "ok"


def test_ports_are_judged_by_who_holds_them(tls: TlsTable) -> None:
    certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    there = Presented(("tokyo.perspective.mpic.test",), NOW, certificate)
    assert judge_port("127.0.0.1:1", "free").outcome == "ok"
    assert "no address" in judge_port("198.51.100.1:1", "absent").what
    assert "may not listen" in judge_port("127.0.0.1:1", "forbidden").what
    assert judge_holder("127.0.0.1:1", there, ["tokyo.perspective.mpic.test"]).outcome == "ok"
    assert judge_holder("127.0.0.1:1", there, ["frankfurt.example"]).outcome == "error"
    assert judge_stranger("127.0.0.1:1", "no TLS").outcome == "error"
