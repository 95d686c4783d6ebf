"""Certificates for ACME tls-alpn-01 (RFC 8737), good and bad, written octet by octet.

Libraries refuse to make most of the bad ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

DNS, EMAIL, URI, IP = 0x82, 0x81, 0x86, 0x87
"""Tags of the kinds of name (RFC 5280 section 4.2.1.6)."""
ACME_IDENTIFIER = bytes.fromhex("06082b0601050507011f")
OLD_ACME_IDENTIFIER = bytes.fromhex("06092b0601050507011e01")
"""id-pe-acmeIdentifier.1, of a draft."""
SUBJECT_ALT_NAME = bytes.fromhex("0603551d11")
BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")

Key = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | dsa.DSAPrivateKey
)
Extension = tuple[bytes, bool, bytes]
"""OID in DER, whether it is critical, the value."""

_ALGORITHMS = {
    ("ec", "sha1"): "06072a8648ce3d0401",
    ("ec", "sha224"): "06082a8648ce3d040301",
    ("ec", "sha256"): "06082a8648ce3d040302",
    ("ec", "sha384"): "06082a8648ce3d040303",
    ("ec", "sha512"): "06082a8648ce3d040304",
    ("rsa", "md5"): "06092a864886f70d0101040500",
    ("rsa", "sha1"): "06092a864886f70d0101050500",
    ("rsa", "sha256"): "06092a864886f70d01010b0500",
    ("rsa", "sha512"): "06092a864886f70d01010d0500",
    ("dsa", "sha256"): "0609608648016503040302",
    ("ed25519", ""): "06032b6570",
    ("ed448", ""): "06032b6571",
}
_HASHES = {
    "md5": hashes.MD5(),  # noqa: S303 - that is the point
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def tlv(tag: int, *contents: bytes) -> bytes:
    """Return one value in DER."""
    body = b"".join(contents)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    octets = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def alt_names(*names: tuple[int, bytes]) -> bytes:
    """Return the value of subjectAlternativeName: kinds and names."""
    return tlv(0x30, *(tlv(kind, name) for kind, name in names))


def octet_string(octets: bytes) -> bytes:
    """Return an OCTET STRING, as acmeIdentifier holds the digest."""
    return tlv(0x04, octets)


def good_extensions(name: str, digest: bytes) -> list[Extension]:
    """Return the extensions of a certificate that is as it should be."""
    return [
        (SUBJECT_ALT_NAME, False, alt_names((DNS, name.encode()))),
        (ACME_IDENTIFIER, True, octet_string(digest)),
    ]


@cache
def key_of(kind: str) -> Key:
    """Return a key: "ec", "ec2" (another one), "p384", "rsa", "ed25519", "ed448" or "dsa"."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "dsa":
        return dsa.generate_private_key(1024)  # noqa: S505 - it is quick, and refused
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


def key_in_pem(kind: str) -> str:
    """Return a key as servers read it."""
    octets = key_of(kind).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return octets.decode()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a certificate is made of."""

    extensions: Sequence[Extension]
    key: str = "ec"
    signer: str = ""
    """The key that signs; empty: its own."""
    digest: str = "sha256"
    """Of the signature."""
    subject: str = "ACME"
    issuer: str = ""
    """Empty: the subject."""
    serial: int = 1
    version: bytes = tlv(0xA0, b"\x02\x01\x02")
    """v3; empty: v1."""
    not_before: datetime = field(default=datetime(2026, 11, 1))  # noqa: DTZ001 - UTC
    not_after: datetime = field(default=datetime(2026, 12, 31))  # noqa: DTZ001


def make_certificate(shape: Shape) -> bytes:
    """Return a certificate in DER."""
    signer = key_of(shape.signer or shape.key)
    algorithm = tlv(0x30, bytes.fromhex(_ALGORITHMS[_kind(signer), _digest(signer, shape)]))
    extensions = tlv(0xA3, tlv(0x30, *map(_extension, shape.extensions)))
    tbs = tlv(
        0x30,
        shape.version,
        tlv(0x02, shape.serial.to_bytes(8, signed=True).lstrip(b"\0") or b"\0"),
        algorithm,
        _name(shape.issuer or shape.subject),
        tlv(0x30, _time(shape.not_before), _time(shape.not_after)),
        _name(shape.subject),
        _public(key_of(shape.key)),
        extensions if shape.extensions else b"",
    )
    return tlv(0x30, tbs, algorithm, tlv(0x03, b"\0", _sign(signer, tbs, shape)))


def _extension(extension: Extension) -> bytes:
    oid, critical, value = extension
    return tlv(0x30, oid, b"\x01\x01\xff" if critical else b"", tlv(0x04, value))


def _name(common_name: str) -> bytes:
    attribute = tlv(0x30, bytes.fromhex("0603550403"), tlv(0x0C, common_name.encode()))
    return tlv(0x30, tlv(0x31, attribute))


def _time(moment: datetime) -> bytes:
    return tlv(0x17, f"{moment:%y%m%d%H%M%SZ}".encode())


def _public(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _kind(key: Key) -> str:
    match key:
        case rsa.RSAPrivateKey():
            return "rsa"
        case dsa.DSAPrivateKey():
            return "dsa"
        case ec.EllipticCurvePrivateKey():
            return "ec"
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case _:
            return "ed448"


def _digest(key: Key, shape: Shape) -> str:
    return "" if _kind(key).startswith("ed") else shape.digest


def _sign(key: Key, tbs: bytes, shape: Shape) -> bytes:
    algorithm = _HASHES[shape.digest]
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(tbs, padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePrivateKey():
            return key.sign(tbs, ec.ECDSA(algorithm))
        case dsa.DSAPrivateKey():
            return key.sign(tbs, algorithm)
        case _:
            return key.sign(tbs)
