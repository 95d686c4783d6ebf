"""What `mpic check-config` says of the files of one identity."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from mpic.pki import Authority, Pair, Subject, check_pair, create_authority, issue_certificate

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
TOKYO = Subject("perspective", "tokyo")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "pki", "mpic.example", now=NOW)


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "other", "mpic.example", now=NOW)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return issue_certificate(authority, TOKYO, now=NOW)


def read(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def findings(pair: Pair, authority: Authority, now: datetime = NOW) -> list[str]:
    """Return what is said of a pair, problems after a bang, files by name alone."""
    directory = f"{authority.directory}/"
    return [
        ("? " if one.warning else "! ") + str(one).replace(directory, "")
        for one in check_pair(pair.certificate, pair.private_key, authority.file, now)
    ]


ISSUE = "Issue a new certificate; with `mpic pki init`, move the old pair away and use --add"
PEM = "Name a file with -----BEGIN lines; `openssl` converts other formats"


def test_nothing_is_said_of_a_good_pair(authority: Authority, pair: Pair) -> None:
    assert findings(pair, authority) == []


def test_says_which_files_are_missing(authority: Authority, pair: Pair) -> None:
    for file in (pair.certificate, pair.private_key, authority.file):
        file.unlink()
    assert findings(pair, authority) == [
        "! perspective-tokyo.pem: there is no such file. Check the path",
        "! perspective-tokyo.key: there is no such file. Check the path",
        "! ca.pem: there is no such file. Check the path",
    ]


def test_says_which_files_are_not_pem(authority: Authority, pair: Pair) -> None:
    pair.certificate.write_bytes(read(pair.certificate).public_bytes(Encoding.DER))
    pair.private_key.write_bytes(authority.file.read_bytes())
    authority.file.write_text("")
    assert findings(pair, authority) == [
        f"! perspective-tokyo.pem: holds no certificate in PEM. {PEM}",
        f"! perspective-tokyo.key: holds no private key in PEM, without a password. {PEM}",
        f"! ca.pem: holds no certificate in PEM. {PEM}",
    ]


def test_says_that_a_key_has_a_password(authority: Authority, pair: Pair) -> None:
    key = load_pem_private_key(pair.private_key.read_bytes(), None)
    secret = BestAvailableEncryption(b"secret")
    pair.private_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    assert findings(pair, authority) == [
        f"! perspective-tokyo.key: holds no private key in PEM, without a password. {PEM}"
    ]


@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_says_that_the_key_is_anothers(authority: Authority, pair: Pair, key: str) -> None:
    made = (
        ec.generate_private_key(ec.SECP256R1())
        if key == "ec"
        else rsa.generate_private_key(65537, 2048)
    )
    pair.private_key.write_bytes(
        made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    assert findings(pair, authority) == [
        (
            "! perspective-tokyo.key: is not the key of perspective-tokyo.pem."
            " Name the two files that were written together"
        )
    ]


def test_says_that_a_certificate_has_expired(authority: Authority, pair: Pair) -> None:
    end = NOW + 90 * DAY
    assert [line[0] for line in findings(pair, authority, end)] == ["?"]
    assert findings(pair, authority, end + timedelta(seconds=1)) == [
        f"! perspective-tokyo.pem: expired on {end:%Y-%m-%d %H:%M} UTC. {ISSUE}"
    ]


def test_warns_14_days_before_a_certificate_expires(authority: Authority, pair: Pair) -> None:
    end = NOW + 90 * DAY
    assert findings(pair, authority, end - 14 * DAY) == []
    assert findings(pair, authority, end - 14 * DAY + timedelta(seconds=1)) == [
        f"? perspective-tokyo.pem: expires on {end:%Y-%m-%d %H:%M} UTC. {ISSUE}"
    ]


def test_says_that_a_certificate_is_not_yet_valid(authority: Authority) -> None:
    start = NOW + DAY
    pair = issue_certificate(authority, TOKYO, now=start)
    first = start - timedelta(minutes=5)
    assert findings(pair, authority, first) == []
    assert findings(pair, authority) == [
        (
            f"! perspective-tokyo.pem: is not valid before {first:%Y-%m-%d %H:%M} UTC."
            " Check this host's clock"
        )
    ]


def test_says_that_the_authority_has_expired(authority: Authority) -> None:
    pair = issue_certificate(authority, TOKYO, days=1000, now=NOW)
    said = findings(pair, authority, NOW + 731 * DAY)
    assert [line.split(" on ")[0] for line in said] == [
        "! ca.pem: expired",
        "! perspective-tokyo.pem: expired",
    ]


def test_says_that_another_authority_signed(
    authority: Authority, other: Authority, pair: Pair
) -> None:
    authority.file.write_bytes(other.file.read_bytes())
    assert findings(pair, authority) == [
        (
            "! perspective-tokyo.pem: is not signed by ca.pem."
            " Name the CA that signed it, or have that CA sign a new one"
        )
    ]


def test_any_authority_of_a_bundle_may_have_signed(
    authority: Authority, other: Authority, pair: Pair
) -> None:
    authority.file.write_bytes(other.file.read_bytes() + authority.file.read_bytes())
    assert findings(pair, authority) == []


def test_a_certificate_is_not_its_own_authority(authority: Authority, pair: Pair) -> None:
    authority.file.write_bytes(pair.certificate.read_bytes())
    assert [line.partition(". ")[0] for line in findings(pair, authority)] == [
        "! perspective-tokyo.pem: is not signed by ca.pem"
    ]


def sign(subject: str, key: ec.EllipticCurvePrivateKey, by: Authority) -> x509.Certificate:
    """Return a bare certificate, without names, as another CA might make it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder(by.certificate.subject, name, key.public_key(), 1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 90 * DAY)
        .sign(by.private_key, SHA256())
    )


def test_says_that_a_certificate_names_no_dns_name(authority: Authority, pair: Pair) -> None:
    key = load_pem_private_key(pair.private_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    bare = sign("tokyo", key, authority)
    pair.certificate.write_bytes(bare.public_bytes(Encoding.PEM))
    assert findings(pair, authority) == [
        (
            "! perspective-tokyo.pem: names no DNS name."
            " Issue it with a DNS subject alternative name: gRPC refuses a server without"
        )
    ]


def test_an_intermediate_authority_may_stand_behind_the_certificate(
    authority: Authority, other: Authority
) -> None:
    pair = issue_certificate(other, TOKYO, now=NOW)
    between = sign("MPIC private authority", other.private_key, authority)
    leaf = pair.certificate.read_bytes()
    pair.certificate.write_bytes(leaf + between.public_bytes(Encoding.PEM))
    assert findings(pair, authority) == []
    pair.certificate.write_bytes(leaf + authority.file.read_bytes())
    assert len(findings(pair, authority)) == 1


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_warns_that_others_can_read_the_key(
    authority: Authority, pair: Pair, mode: int, warned: bool
) -> None:
    pair.private_key.chmod(mode)
    warning = (
        "? perspective-tokyo.key: can be read by every user of this host."
        " Run: chmod 600 perspective-tokyo.key"
    )
    assert findings(pair, authority) == [warning] * warned
