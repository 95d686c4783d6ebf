"""The certificate of ACME tls-alpn-01 (RFC 8737 section 3). Pure.

    The client prepares for validation by constructing a self-signed certificate that MUST contain
    an acmeIdentifier extension and a subjectAlternativeName extension [RFC5280]. The
    subjectAlternativeName extension MUST contain a single dNSName entry where the value is the
    domain name being validated. The acmeIdentifier extension MUST contain the SHA-256 digest of the
    key authorization for the challenge. The acmeIdentifier extension MUST be critical.

    id-pe-acmeIdentifier OBJECT IDENTIFIER ::= { id-pe 31 }
    Authorization ::= OCTET STRING (SIZE (32))

Dates, the subject and the size of the key are not judged. A chain is not looked at. Self-signed
means: subject and issuer are the same, and the certificate's own key made the signature.

A certificate comes from the network. Whatever is wrong with it is a fault, never an exception. And
a key is only used if that takes little time.
"""

from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from mpic.v1 import corroboration_pb2 as c

_ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING_OF_32 = b"\x04\x20"
"""Tag and length, in DER."""

_CERTIFICATE_OCTETS = 16 * 1024
_RSA_BITS = 8192
_RSA_EXPONENT_BITS = 32
_KEYS = (
    rsa.RSAPublicKey,
    ec.EllipticCurvePublicKey,
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""Collisions of SHA-1 and MD5 can be made."""


class CertificateFault(NamedTuple):
    """What is wrong with a certificate, or with the session that it came in."""

    code: c.ProofFault.ValueType
    text: str
    """For a person; it may hold text from the network."""


_NAME = c.PROOF_FAULT_CERTIFICATE_NAME
_IDENTIFIER = c.PROOF_FAULT_CERTIFICATE_IDENTIFIER
_OTHER_CHALLENGE = c.PROOF_FAULT_CERTIFICATE_OTHER_CHALLENGE
_UNUSABLE = c.PROOF_FAULT_CERTIFICATE_UNUSABLE


def find_fault(certificate: bytes, name: str, digest: bytes) -> CertificateFault | None:
    """Say what is wrong with a certificate in DER for `name` (as looked up); None: nothing.

    `digest` is the SHA-256 of the key authorization. The text may hold text from the network.
    """
    if len(certificate) > _CERTIFICATE_OCTETS:
        return CertificateFault(
            _UNUSABLE, f"it has {len(certificate)} octets; at most {_CERTIFICATE_OCTETS} are read"
        )
    try:
        read = x509.load_der_x509_certificate(certificate)
        if read.version is not x509.Version.v3:
            return CertificateFault(_UNUSABLE, "it is of version 1, which has no extensions")
        extensions = read.extensions
        return (
            _find_fault_of_names(extensions, name)
            or _find_fault_of_digest(extensions, digest)
            or _find_fault_of_signature(read)
        )
    except BaseException as error:
        # Parts written in Rust raise this if they break; it is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return CertificateFault(_UNUSABLE, f"it cannot be read: {error!r}")


def _find_fault_of_names(extensions: x509.Extensions, name: str) -> CertificateFault | None:
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return CertificateFault(_NAME, "it has no subjectAlternativeName")
    if len(names) != 1:
        return CertificateFault(
            _NAME, f"its subjectAlternativeName has {len(names)} entries instead of one"
        )
    (entry,) = names
    if not isinstance(entry, x509.DNSName):
        return CertificateFault(
            _NAME,
            f"its subjectAlternativeName is of the kind {type(entry).__name__}, not a dNSName",
        )
    # Only ASCII letters are equal in both cases.
    if not entry.value.isascii() or entry.value.lower() != name:
        return CertificateFault(_NAME, f"it is for {entry.value!r}")
    return None


def _find_fault_of_digest(extensions: x509.Extensions, digest: bytes) -> CertificateFault | None:
    try:
        extension = extensions.get_extension_for_oid(_ACME_IDENTIFIER)
    except x509.ExtensionNotFound:
        return CertificateFault(_IDENTIFIER, "it has no acmeIdentifier")
    if not extension.critical:
        return CertificateFault(_IDENTIFIER, "its acmeIdentifier is not critical")
    value = extension.value.public_bytes()
    if len(value) != len(_OCTET_STRING_OF_32) + 32 or not value.startswith(_OCTET_STRING_OF_32):
        return CertificateFault(
            _IDENTIFIER, "its acmeIdentifier is no OCTET STRING of 32 octets in DER"
        )
    if value != _OCTET_STRING_OF_32 + digest:
        return CertificateFault(
            _OTHER_CHALLENGE, "its acmeIdentifier is not the digest of the key authorization"
        )
    return None


def _find_fault_of_signature(certificate: x509.Certificate) -> CertificateFault | None:
    """Check that it is self-signed, if that takes little time."""
    if certificate.subject != certificate.issuer:
        return CertificateFault(_UNUSABLE, "it is not self-signed: issuer and subject differ")
    key = certificate.public_key()
    if not isinstance(key, _KEYS):
        return CertificateFault(
            _UNUSABLE, f"it has a key of the kind {type(key).__name__}, which is not supported"
        )
    if isinstance(key, rsa.RSAPublicKey) and not _is_quick(key):
        return CertificateFault(
            _UNUSABLE, f"its RSA key is larger than {_RSA_BITS} bits, or has a large exponent"
        )
    algorithm = certificate.signature_hash_algorithm
    # Ed25519 and Ed448 have a hash of their own.
    if algorithm is not None and not isinstance(algorithm, _HASHES):
        return CertificateFault(_UNUSABLE, f"its signature is made with {algorithm.name}")
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return CertificateFault(
            _UNUSABLE, "it is not self-signed: its own key did not make the signature"
        )
    return None


def _is_quick(key: rsa.RSAPublicKey) -> bool:
    exponent_bits = key.public_numbers().e.bit_length()
    return key.key_size <= _RSA_BITS and exponent_bits <= _RSA_EXPONENT_BITS
