"""A process of its own says of certificates what `mpic.pair` does."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mpic.examiner import Examined, examine
from mpic.grpc.tls import TlsFiles
from mpic.owner import CertificateOwner
from mpic.pair import check_pair, find_ends
from mpic.pki import Authority, Pair, Subject, create_authority, issue_certificate

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
TOKYO = Subject("perspective", "tokyo")
OWNER = CertificateOwner("perspective", "tokyo")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "pki", "mpic.example", now=NOW)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return issue_certificate(authority, TOKYO, now=NOW)


def look(pair: Pair, authority: Authority, now: datetime = NOW) -> Examined:
    return examine(TlsFiles(pair.certificate, pair.private_key, authority.file), OWNER, now)


def test_nothing_but_the_ends_is_said_of_a_good_pair(authority: Authority, pair: Pair) -> None:
    examined = look(pair, authority)
    assert examined.problems == []
    assert examined.ends == find_ends(pair.certificate, authority.file)
    assert examined.ends["own"] == (NOW + 90 * DAY).timestamp()


@pytest.mark.parametrize("days", [89, 91])
def test_says_what_is_wrong_as_it_would_be_said_here(
    authority: Authority, pair: Pair, days: int
) -> None:
    now = NOW + days * DAY
    found = look(pair, authority, now).problems
    assert len(found) == 1
    assert found == check_pair(pair.certificate, pair.private_key, authority.file, OWNER, now)


def test_of_several_authorities_the_first_to_end_counts(
    tmp_path: Path, authority: Authority, pair: Pair
) -> None:
    older = create_authority(tmp_path / "older", "mpic.example", now=NOW - 100 * DAY)
    ends = find_ends(pair.certificate, authority.file)["authority"]
    both = authority.file.read_bytes() + older.file.read_bytes()
    authority.file.write_bytes(both)
    first = find_ends(pair.certificate, authority.file)["authority"]
    assert ends - first == (100 * DAY).total_seconds()


def test_what_cannot_be_read_has_no_end(authority: Authority, pair: Pair) -> None:
    pair.certificate.unlink()
    assert list(look(pair, authority).ends) == ["authority"]


def test_what_could_not_be_examined_is_not_taken_for_good(
    authority: Authority, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("/nowhere/python", "/bin/false", "/bin/true"):
        monkeypatch.setattr(sys, "executable", program)
        with capture_logs() as logs:
            examined = look(pair, authority)
        (problem,) = examined.problems
        assert not problem.warning
        assert "could not be examined" in problem.message
        assert not examined.ends
        assert [line["event"] for line in logs] == ["certificates_not_examined"]
