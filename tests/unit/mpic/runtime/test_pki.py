"""The private CA: what it writes, and that TLS 1.3 and openssl take it."""

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
)

from mpic.runtime.pki import (
    Authority,
    Kind,
    Subject,
    create_authority,
    issue_certificate,
    load_authority,
    perspective_dns_name,
    spiffe_id,
)
from mpic.runtime.problem import Flaw

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TOKYO = Subject("perspective", "tokyo")
MAIN = Subject("coordinator", "main")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "pki", "mpic.example", now=NOW)


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "other", "mpic.example", now=NOW)


def read(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def uses(file: Path) -> set[str]:
    usage = read(file).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return {use._name for use in usage}


def test_the_authority_can_sign_leaves_only(authority: Authority) -> None:
    extensions = read(authority.file).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.digital_signature) == (True, False)


def test_a_certificate_can_sign_nothing(authority: Authority) -> None:
    extensions = read(issue_certificate(authority, Subject("caller", "x")).certificate).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (False, False, True)


def test_the_authority_lasts_two_years(authority: Authority) -> None:
    assert read(authority.file).not_valid_after_utc == NOW + 730 * DAY


@pytest.mark.parametrize(
    ("kind", "purposes"),
    [
        ("coordinator", {"serverAuth", "clientAuth"}),
        ("perspective", {"serverAuth"}),
        ("caller", {"clientAuth"}),
    ],
)
def test_a_certificate_is_for_what_its_kind_does(
    authority: Authority, kind: Kind, purposes: set[str]
) -> None:
    assert uses(issue_certificate(authority, Subject(kind, "x")).certificate) == purposes


def test_a_certificate_names_its_identity_as_uri_and_dns_name(authority: Authority) -> None:
    subject = Subject("caller", "ci", ("ci.example",), (IPv4Address("192.0.2.1"),))
    pair = issue_certificate(authority, subject)
    names = read(pair.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == [pair.spiffe_id] == ["spiffe://mpic.example/caller/ci"]
    assert names.value.get_values_for_type(x509.DNSName) == ["ci.caller.mpic.example", "ci.example"]
    assert names.value.get_values_for_type(x509.IPAddress) == [IPv4Address("192.0.2.1")]


def test_names_follow_from_kind_id_and_trust_domain() -> None:
    assert perspective_dns_name("tokyo", "mpic.example") == "tokyo.perspective.mpic.example"
    assert spiffe_id("coordinator", "a", "b.c") == "spiffe://b.c/coordinator/a"


def test_a_certificate_lasts_90_days_from_a_little_before_now(authority: Authority) -> None:
    certificate = read(issue_certificate(authority, TOKYO, now=NOW).certificate)
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW + 90 * DAY


def test_a_certificate_never_outlives_its_authority(authority: Authority) -> None:
    pair = issue_certificate(authority, TOKYO, days=1000, now=NOW)
    assert read(pair.certificate).not_valid_after_utc == NOW + 730 * DAY


def test_nothing_is_issued_by_an_authority_that_has_ended(authority: Authority) -> None:
    with pytest.raises(Flaw, match=r"ca\.pem ended on .*\. Create a new authority elsewhere"):
        issue_certificate(authority, TOKYO, now=NOW + 730 * DAY)


def test_keys_are_p256_in_pkcs8_for_their_owner_alone(authority: Authority) -> None:
    pair = issue_certificate(authority, TOKYO)
    for file in (pair.private_key, authority.directory / "ca.key"):
        key = load_pem_private_key(file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert file.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_authority_is_never_overwritten(authority: Authority) -> None:
    before = authority.file.read_bytes()
    with pytest.raises(Flaw, match=r"ca\.pem is there already\. Add certificates .* --add"):
        create_authority(authority.directory, "mpic.example")
    assert authority.file.read_bytes() == before


def test_a_key_left_of_an_authority_is_never_overwritten(authority: Authority) -> None:
    authority.file.unlink()
    with pytest.raises(Flaw, match=r"ca\.key is there already"):
        create_authority(authority.directory, "mpic.example")


@pytest.mark.parametrize("suffix", ["pem", "key"])
def test_a_pair_is_never_overwritten(authority: Authority, suffix: str) -> None:
    file = authority.directory / f"perspective-tokyo.{suffix}"
    file.write_text("kept")
    with pytest.raises(Flaw, match=r"is there already\. Move both away first"):
        issue_certificate(authority, TOKYO)
    assert file.read_text() == "kept"


def test_a_link_is_never_followed(authority: Authority, tmp_path: Path) -> None:
    (authority.directory / "perspective-tokyo.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        issue_certificate(authority, TOKYO)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("id", ["", "A", "a_b", "a.b", "-a", "a-", "a" * 64, "a/b", "a\n", "é"])
def test_refuses_what_cannot_be_an_id(authority: Authority, id: str) -> None:
    with pytest.raises(Flaw, match=r"cannot be an id\. Use 1 to 63 of a-z, 0-9 and -"):
        issue_certificate(authority, Subject("caller", id))


@pytest.mark.parametrize(
    "domain", ["", "A.b", ".", "a..b", "a.", "a b", "a/b", "a" * 64, ".".join("a" * 128)]
)
def test_refuses_what_cannot_be_a_trust_domain(tmp_path: Path, domain: str) -> None:
    with pytest.raises(Flaw, match=r"cannot be a trust domain\. Use a lower-case DNS name"):
        create_authority(tmp_path, domain)
    assert not list(tmp_path.iterdir())


def test_refuses_names_longer_than_dns_has_them(tmp_path: Path) -> None:
    authority = create_authority(tmp_path, ".".join(["a" * 59] * 4))
    with pytest.raises(Flaw, match=r"too long for a DNS name\. Shorten the id or"):
        issue_certificate(authority, Subject("perspective", "abcd"))
    issue_certificate(authority, Subject("caller", "abcd"))


def test_says_what_is_missing_of_an_authority(authority: Authority) -> None:
    (authority.directory / "ca.key").unlink()
    with pytest.raises(Flaw, match=r"ca\.key\. Bring the authority's private key back"):
        load_authority(authority.directory)
    authority.file.unlink()
    with pytest.raises(Flaw, match=r"ca\.pem\. Create the authority first, without --add"):
        load_authority(authority.directory)


def test_an_authority_of_others_is_not_loaded(authority: Authority, other: Authority) -> None:
    (authority.directory / "ca.key").write_bytes((other.directory / "ca.key").read_bytes())
    with pytest.raises(Flaw, match=r"ca\.key is not the key of .*ca\.pem"):
        load_authority(authority.directory)
    authority.file.write_text("nothing")
    with pytest.raises(Flaw, match="not an authority of `mpic pki init`"):
        load_authority(authority.directory)
