"""Who calls: every combination of certificate and token, and of what the configuration asks for."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from coordinator.api.http.authentication import (
    Access,
    Admitted,
    ClientCertificates,
    Credentials,
    Refused,
    authenticate,
    read_certificate_names,
    read_token,
)
from coordinator.api.http.failures import Failures, group_address
from coordinator.api.http.tokens import find_caller, hash_token, is_token, make_token

ONE, OTHER = "spiffe://mpic.test/caller/one", "spiffe://mpic.test/caller/other"
GONE = "spiffe://mpic.test/caller/gone"
TOKENS = {who: f"mpic_{mark * 43}" for who, mark in ((ONE, "1"), (OTHER, "2"), (GONE, "3"))}
UNKNOWN = "mpic_" + "9" * 43
HASHES = {hash_token(token): who for who, token in TOKENS.items()}


def certificate(*names: x509.GeneralName) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


URI = x509.UniformResourceIdentifier
OF_ONE = certificate(URI(ONE))
OF_BOTH = certificate(URI(OTHER), URI(ONE))
OF_STRANGER = certificate(URI("spiffe://mpic.test/caller/stranger"))
OF_NOBODY = certificate()


def call(
    shown: bytes | None, token: str | None, mode: ClientCertificates = "accepted"
) -> list[str] | str:
    access = Access(frozenset({ONE, OTHER}), mode, HASHES)
    headers = [] if token is None else [f"Bearer {token}"]
    outcome = authenticate(Credentials(shown, headers), access)
    return list(outcome.identities) if isinstance(outcome, Admitted) else outcome.failure


@pytest.mark.parametrize(
    ("shown", "token", "outcome"),
    [
        (None, None, "nothing_shown"),
        (None, TOKENS[ONE], [ONE]),
        (None, TOKENS[GONE], "caller_not_allowed"),
        (None, UNKNOWN, "token_unknown"),
        (None, "short", "token_malformed"),
        (OF_ONE, None, [ONE]),
        (OF_ONE, TOKENS[ONE], [ONE]),
        (OF_ONE, TOKENS[OTHER], "token_contradicts_certificate"),
        (OF_ONE, UNKNOWN, "token_unknown"),
        (OF_BOTH, None, [OTHER, ONE]),
        (OF_BOTH, TOKENS[ONE], [ONE]),
        (OF_BOTH, TOKENS[OTHER], [OTHER]),
        (OF_STRANGER, None, "caller_not_allowed"),
        (OF_STRANGER, TOKENS[ONE], "caller_not_allowed"),
        (OF_NOBODY, None, "caller_not_allowed"),
        (OF_NOBODY, TOKENS[ONE], "caller_not_allowed"),
        (b"garbage", TOKENS[ONE], "caller_not_allowed"),
    ],
)
def test_a_certificate_or_a_token_or_both(
    shown: bytes | None, token: str | None, outcome: list[str] | str
) -> None:
    assert call(shown, token) == outcome
    required = "certificate_missing" if shown is None else outcome
    assert call(shown, token, "required") == required
    # Where no certificate is asked for, one that is there all the same says nothing.
    assert call(shown, token, "none") == call(None, token)


def test_nobody_is_let_in_who_is_not_on_the_list() -> None:
    modes: Sequence[ClientCertificates] = ("required", "accepted", "none")
    certificates = (None, OF_ONE, OF_BOTH, OF_STRANGER, OF_NOBODY)
    tokens = (None, *TOKENS.values(), UNKNOWN, "")
    for mode, shown, token in itertools.product(modes, certificates, tokens):
        headers = [] if token is None else [f"Bearer {token}"]
        access = Access(frozenset(), mode, HASHES)
        assert isinstance(authenticate(Credentials(shown, headers), access), Refused)
        access = Access(frozenset({ONE}), mode, HASHES)
        outcome = authenticate(Credentials(shown, headers), access)
        assert isinstance(outcome, Refused) or list(outcome.identities) == [ONE]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([f"Bearer {TOKENS[ONE]}"], True),
        ([f"bearer   {TOKENS[ONE]} "], True),
        ([f"Bearer {TOKENS[ONE]}", f"Bearer {TOKENS[ONE]}"], False),
        ([TOKENS[ONE]], False),
        ([f"Basic {TOKENS[ONE]}"], False),
        ([f"Bearer\t{TOKENS[ONE]}"], False),
        ([f"Bearer {TOKENS[ONE]},"], False),
        ([f"Bearer {TOKENS[ONE]} x"], False),
        (["Bearer "], False),
        (["Bearer"], False),
        ([""], False),
        (["Bearer " + "\u00e9" * 48], False),
        (["Bearer " + "a" * 42], False),
        (["Bearer " + "a" * 513], False),
        ([], False),
    ],
)
def test_a_token_stands_in_one_header(headers: list[str], found: bool) -> None:
    assert (read_token(headers) is not None) == found


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ([x509.DNSName("one.test"), URI(ONE)], (ONE, "one.test")),
        ([x509.DNSName(ONE)], ()),
        ([URI("one.test")], ()),
        ([x509.RFC822Name("a@one.test")], ()),
        ([URI(ONE), URI(ONE)], (ONE,)),
        ([URI(f"{ONE}\0.other")], (f"{ONE}\0.other",)),
        ([x509.DNSName("one.test\0.other.test")], ("one.test\0.other.test",)),
    ],
)
def test_the_names_of_a_certificate_are_those_of_grpc(
    names: list[x509.GeneralName], read: tuple[str, ...]
) -> None:
    assert read_certificate_names(certificate(*names)) == read


def test_a_token_has_a_prefix_and_enough_chance() -> None:
    tokens = {make_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert token.startswith("mpic_")
        assert len(token) == 48
        assert is_token(token)


def test_a_token_is_found_by_its_hash_among_many() -> None:
    tokens = [make_token() for _ in range(20)]
    callers = {hash_token(token): f"caller {n}" for n, token in enumerate(tokens)}
    for number, token in enumerate(tokens):
        assert find_caller(token, callers) == f"caller {number}"
    assert find_caller(make_token(), callers) is None
    assert find_caller(make_token(), {}) is None


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_of_one_address_ten_failures_a_minute_are_answered_each() -> None:
    clock = Clock()
    failures = Failures(clock)
    assert [failures.note("192.0.2.1") for _ in range(10)] == [None] * 10
    clock.now += 20
    assert failures.note("192.0.2.1") == 40.0
    assert failures.note("192.0.2.2") is None
    clock.now += 40
    assert failures.note("192.0.2.1") is None


def test_no_more_addresses_are_remembered_than_the_bound() -> None:
    failures = Failures(Clock())
    for number in range(10_000):
        failures.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(failures._windows) == 4096


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("", ""),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_counts_with_its_neighbours(address: str, group: str) -> None:
    assert group_address(address) == group
