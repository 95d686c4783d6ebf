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
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mpic.runtime.certificate_check import SIDES, find_ends
from mpic.runtime.certificate_owner import CertificateOwner, Kind, find_stranger
from mpic.runtime.pki import (
    Authority,
    Pair,
    Subject,
    check_pair,
    create_authority,
    issue_certificate,
)
from mpic.runtime.trial_handshake import find_refusal

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
TOKYO = Subject("perspective", "tokyo")
OWNER = CertificateOwner("perspective", "tokyo")


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


def findings(
    pair: Pair, authority: Authority, now: datetime = NOW, owner: CertificateOwner = OWNER
) -> list[str]:
    """Return what is said of a pair, problems after a bang, files by name alone."""
    directory = f"{authority.directory}/"
    return [
        ("? " if one.warning else "! ") + str(one).replace(directory, "")
        for one in check_pair(pair.certificate, pair.private_key, authority.file, owner, now)
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


def sign(
    subject: str, key: ec.EllipticCurvePrivateKey, by: Authority, *extensions: x509.ExtensionType
) -> x509.Certificate:
    """Return a bare certificate, as another CA might make it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder(by.certificate.subject, name, key.public_key(), 1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 90 * DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(by.private_key, SHA256())


def test_says_that_a_certificate_names_no_dns_name(authority: Authority, pair: Pair) -> None:
    key = load_pem_private_key(pair.private_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    bare = sign("tokyo", key, authority)
    pair.certificate.write_bytes(bare.public_bytes(Encoding.PEM))
    assert findings(pair, authority) == [
        (
            "! perspective-tokyo.pem: names no DNS name."
            " Issue it with a DNS subject alternative name: clients refuse a server without"
        )
    ]


def as_authority(name: str, of: Authority, key_of: Authority, *, is_ca: bool = True) -> Authority:
    """Let `of` sign the key of another for an authority, which may sign others in its turn."""
    key = key_of.private_key
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = sign(name, key, of, own, x509.BasicConstraints(ca=is_ca, path_length=None))
    return Authority(key_of.directory, "mpic.example", certificate, key)


def company(authority: Authority) -> Authority:
    """Turn an authority of `mpic pki init`, below which there is no other, into a company's."""
    root = as_authority("MPIC private authority", authority, authority)
    root.file.write_bytes(root.certificate.public_bytes(Encoding.PEM))
    return root


def put_behind(pair: Pair, *certificates: x509.Certificate) -> None:
    more = b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
    pair.certificate.write_bytes(pair.certificate.read_bytes() + more)


def test_an_intermediate_authority_may_stand_behind_the_certificate(
    authority: Authority, other: Authority
) -> None:
    between = as_authority("an intermediate", company(authority), other)
    pair = issue_certificate(between, TOKYO, now=NOW)
    assert len(findings(pair, authority)) == 1
    put_behind(pair, between.certificate)
    assert findings(pair, authority) == []


def test_an_intermediate_that_is_no_authority_is_what_a_peer_refuses(
    authority: Authority, other: Authority
) -> None:
    between = as_authority("an intermediate", company(authority), other, is_ca=False)
    pair = issue_certificate(between, TOKYO, now=NOW)
    put_behind(pair, between.certificate)
    (said,) = findings(pair, authority)
    assert "is refused as a TLS server's: invalid CA certificate" in said


def test_an_intermediate_has_its_dates(authority: Authority, other: Authority) -> None:
    between = as_authority("an intermediate", authority, other)
    pair = issue_certificate(authority, TOKYO, days=200, now=NOW)
    put_behind(pair, between.certificate)
    assert "expired on" in "".join(findings(pair, authority, NOW + 91 * DAY))


def test_below_an_authority_of_our_own_there_is_no_other(
    authority: Authority, other: Authority
) -> None:
    between = as_authority("an intermediate", authority, other)
    pair = issue_certificate(between, TOKYO, now=NOW)
    put_behind(pair, between.certificate)
    (said,) = findings(pair, authority)
    assert "is refused as a TLS server's: path length constraint exceeded" in said


@pytest.mark.parametrize(
    ("kind", "id", "owner"),
    [
        ("perspective", "frankfurt", CertificateOwner("perspective", "tokyo")),
        ("caller", "tokyo", CertificateOwner("perspective", "tokyo")),
        ("perspective", "tokyo", CertificateOwner("coordinator")),
        ("caller", "pipeline", CertificateOwner("coordinator")),
        ("perspective", "tokyo-2", CertificateOwner("perspective", "tokyo")),
    ],
)
def test_says_that_a_certificate_is_for_somebody_else(
    authority: Authority, kind: Kind, id: str, owner: CertificateOwner
) -> None:
    pair = issue_certificate(authority, Subject(kind, id), now=NOW)
    said = findings(pair, authority, owner=owner)[0]
    name = f"{kind}-{id}.pem"
    uri = f"spiffe://mpic.example/{kind}/{id}"
    assert said.startswith(f"! {name}: is for {uri}, but this is the {owner}. Name the pair that")


@pytest.mark.parametrize("kind", ["coordinator", "perspective"])
def test_nothing_is_said_of_its_owners(authority: Authority, kind: Kind) -> None:
    pair = issue_certificate(authority, Subject(kind, "tokyo"), now=NOW)
    for one in ("", "tokyo"):
        assert findings(pair, authority, owner=CertificateOwner(kind, one)) == []


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        # Another authority names as it likes: SPIRE, or a company's CA.
        (["spiffe://corp.example/ns/mpic/sa/agent"], None),
        (["agent-7.corp.example"], None),
        (["spiffe://corp.example/perspective/x/y"], None),
        (["spiffe://a.example/perspective/osaka", "spiffe://a.example/perspective/tokyo"], None),
        (["spiffe://corp.example/ns/mpic/sa/agent", "osaka.perspective.mpic.example"], False),
        (["osaka.perspective.mpic.example"], False),
        (["osaka.perspective.mpic.example", "tokyo.perspective.mpic.example"], None),
        (["spiffe://mpic.example/perspective/osaka", "tokyo.perspective.mpic.example"], True),
    ],
)
def test_only_names_of_our_own_form_tell_whose_it_is(
    names: list[str], outcome: bool | None
) -> None:
    stranger = find_stranger(names, OWNER)
    assert (stranger and stranger.certain) == outcome


def issued_for(authority: Authority, pair: Pair, *uses: x509.ObjectIdentifier) -> None:
    """Issue a certificate of tokyo again, with another extended key usage, or with none."""
    key = load_pem_private_key(pair.private_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = x509.SubjectAlternativeName([x509.DNSName("tokyo.example")])
    usage = [x509.ExtendedKeyUsage(uses)] if uses else []
    bare = sign("tokyo", key, authority, names, *usage)
    pair.certificate.write_bytes(bare.public_bytes(Encoding.PEM))


SERVE, CALL = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


@pytest.mark.parametrize(
    ("kind", "uses", "lacks"),
    [
        ("perspective", (SERVE,), []),
        ("perspective", (CALL,), ["server"]),
        ("perspective", (), []),
        ("perspective", (ANY,), ["server"]),  # as OpenSSL and BoringSSL have it
        ("coordinator", (SERVE, CALL), []),
        ("coordinator", (SERVE,), ["client"]),
        ("coordinator", (CALL,), ["server"]),
        ("coordinator", (), []),
    ],
)
def test_rfc_5280_4_2_1_12_a_certificate_is_for_the_sides_its_owner_takes(
    authority: Authority, pair: Pair, kind: Kind, uses: tuple[x509.ObjectIdentifier, ...],
    lacks: list[str],
) -> None:  # fmt: skip
    issued_for(authority, pair, *uses)
    assert findings(pair, authority, owner=CertificateOwner(kind)) == [
        f"! perspective-tokyo.pem: may not be used by a TLS {side}. Issue it with extended key"
        f" usage {side}Auth: a {kind} is a TLS {side}"
        for side in lacks
    ]
    # What is said here is what a handshake comes to.
    files = (pair.certificate, pair.private_key, authority.file)
    refused = [side for side in SIDES[kind] if find_refusal(*files, side)]
    assert refused == lacks


def test_an_authority_that_ended_may_stand_beside_the_one_that_took_its_place(
    tmp_path: Path, authority: Authority, pair: Pair
) -> None:
    before = create_authority(tmp_path / "before", "mpic.example", now=NOW - 731 * DAY)
    coming = create_authority(tmp_path / "coming", "mpic.example", now=NOW + DAY)
    files = [one.file.read_bytes() for one in (before, authority, coming)]
    authority.file.write_bytes(b"".join(files))
    (said,) = findings(pair, authority)
    assert said.startswith("? ca.pem: holds one that expired on")
    pair = issue_certificate(before, Subject("perspective", "tokyo"), now=NOW - 731 * DAY)
    assert "! ca.pem: expired on" in "".join(findings(pair, before))


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


def ends(pair: Pair, authority: Authority) -> dict[str, float]:
    return find_ends(pair.certificate.read_bytes(), authority.file.read_bytes())


def test_says_when_the_certificate_and_its_authority_end(authority: Authority, pair: Pair) -> None:
    assert ends(pair, authority) == {
        "own": (NOW + 90 * DAY).timestamp(),
        "authority": read(authority.file).not_valid_after_utc.timestamp(),
    }


def test_of_a_chain_the_certificate_itself_and_of_authorities_the_first_to_end_counts(
    tmp_path: Path, authority: Authority, pair: Pair
) -> None:
    before = ends(pair, authority)
    older = create_authority(tmp_path / "older", "mpic.example", now=NOW - 700 * DAY)
    put_behind(pair, older.certificate)
    authority.file.write_bytes(authority.file.read_bytes() + older.file.read_bytes())
    after = ends(pair, authority)
    assert after["own"] == before["own"]
    assert before["authority"] - after["authority"] == (700 * DAY).total_seconds()


def test_what_cannot_be_read_has_no_end(authority: Authority, pair: Pair) -> None:
    pair.certificate.write_text("nothing")
    assert list(ends(pair, authority)) == ["authority"]
