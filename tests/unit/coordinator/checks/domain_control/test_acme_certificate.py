"""Certificates of tls-alpn-01 that cost too much, break the reader, or are made in another way."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from coordinator.checks.domain_control import acme_certificate
from coordinator.checks.domain_control.acme_certificate import find_fault
from tests.world.acme_certificates import Shape, good_extensions, key_of, make_certificate, tlv

NAME = "www.example.com"
DIGEST = bytes(range(32))
ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_SHA256_WITH_RSA = tlv(0x30, bytes.fromhex("06092a864886f70d01010b0500"))


def good(key: str = "ec") -> bytes:
    return make_certificate(Shape(good_extensions(NAME, DIGEST), key=key))


def with_rsa_key(modulus: int, exponent: int) -> bytes:
    """Return a certificate with an RSA key, and a signature that nobody made."""
    octets = tlv(0x02, modulus.to_bytes(modulus.bit_length() // 8 + 1))
    key = tlv(0x30, octets, tlv(0x02, exponent.to_bytes(exponent.bit_length() // 8 + 1)))
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    new = tlv(0x30, algorithm, tlv(0x03, b"\0", key))
    old = (
        key_of("rsa")
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    tbs = x509.load_der_x509_certificate(good("rsa")).tbs_certificate_bytes
    body = tbs[tbs.index(b"\xa0\x03") :].replace(old, new)
    signature = tlv(0x03, b"\0" + b"\x01" * (modulus.bit_length() // 8))
    return tlv(0x30, tlv(0x30, body), _SHA256_WITH_RSA, signature)


def test_a_certificate_as_libraries_make_it() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME")])
    key = rsa.generate_private_key(65537, 2048)
    builder = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 11, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 12, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(ACME_IDENTIFIER, b"\x04\x20" + DIGEST), critical=True
        )
    )
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    for rsa_padding in (None, pss):
        made = builder.sign(key, hashes.SHA256(), rsa_padding=rsa_padding)
        assert not find_fault(made.public_bytes(serialization.Encoding.DER), NAME, DIGEST)


def say_fault(certificate: bytes) -> str:
    fault = find_fault(certificate, NAME, DIGEST)
    assert fault is not None
    return fault.text


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ({"issuer": "CA"}, "it is not self-signed: issuer and subject differ"),
        ({"signer": "ec2"}, "it is not self-signed: its own key did not make the signature"),
        ({"digest": "sha1"}, "its signature is made with sha1"),
        ({"key": "rsa", "digest": "sha1"}, "its signature is made with sha1"),
        ({"key": "rsa", "digest": "md5"}, "its signature is made with md5"),
        ({"digest": "sha224"}, "its signature is made with sha224"),
        ({"key": "dsa"}, "it has a key of the kind DSAPublicKey, which is not supported"),
        ({"version": b""}, "it is of version 1, which has no extensions"),
        ({"extensions": []}, "it has no subjectAlternativeName"),
        ({"extensions": good_extensions(NAME, DIGEST)[:1]}, "it has no acmeIdentifier"),
        (
            {"extensions": good_extensions("www.example.net", DIGEST)},
            "it is for 'www.example.net'",
        ),
        (
            {"extensions": good_extensions(NAME, bytes(32))},
            "its acmeIdentifier is not the digest of the key authorization",
        ),
        (
            {"extensions": good_extensions(NAME, bytes(31))},
            "its acmeIdentifier is no OCTET STRING of 32 octets in DER",
        ),
    ],
)
def test_each_fault_is_named(shape: dict[str, object], fault: str) -> None:
    made = make_certificate(replace(Shape(good_extensions(NAME, DIGEST)), **shape))
    assert say_fault(made) == fault


@pytest.mark.parametrize(
    ("bits", "exponent", "fault"),
    [
        (2048, 65537, "its own key did not make the signature"),
        (8192, 2**32 - 1, "its own key did not make the signature"),
        (8200, 3, "its RSA key is larger"),
        (16384, 65537, "its RSA key is larger"),
        (60000, 3, "it"),
        (8192, 2**32 + 1, "a large exponent"),
        (4096, 2**64 + 1, "a large exponent"),
        (4096, 2**4095 + 1, "a large exponent"),
    ],
)
def test_a_key_that_takes_long_is_not_used(bits: int, exponent: int, fault: str) -> None:
    assert fault in say_fault(with_rsa_key(2**bits - 1, exponent))


@pytest.mark.parametrize("kind", [ValueError, TypeError, AttributeError, RecursionError])
def test_whatever_the_library_raises_is_a_fault(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: bytes) -> None:
        raise kind("broken")

    broken = SimpleNamespace(load_der_x509_certificate=breaks)
    monkeypatch.setattr(acme_certificate, "x509", broken)
    assert "broken" in say_fault(good())


def test_a_panic_of_the_library_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {})

    def breaks(_: bytes) -> None:
        raise panic("broken")

    broken = SimpleNamespace(load_der_x509_certificate=breaks)
    monkeypatch.setattr(acme_certificate, "x509", broken)
    assert "broken" in say_fault(good())


def test_what_ends_the_program_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(_: bytes) -> None:
        raise KeyboardInterrupt

    broken = SimpleNamespace(load_der_x509_certificate=ends)
    monkeypatch.setattr(acme_certificate, "x509", broken)
    with pytest.raises(KeyboardInterrupt):
        find_fault(good(), NAME, DIGEST)


def test_no_octet_that_is_signed_can_be_changed() -> None:
    certificate = good()
    signed = x509.load_der_x509_certificate(certificate).tbs_certificate_bytes
    begin = certificate.index(signed)
    for place in range(begin, begin + len(signed)):
        changed = bytearray(certificate)
        changed[place] ^= 1
        assert find_fault(bytes(changed), NAME, DIGEST), place
