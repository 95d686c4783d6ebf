"""Which names can be asked for, and what everything else is told."""

from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.name_form import InvalidNameError, is_wildcard
from mpic.names import (
    Name,
    find_suffix_list_date,
    is_owner,
    is_public_suffix,
    parse_name,
    parse_names,
    walk_levels,
)

LONG = ".".join(["a" * 63] * 3)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", Name("example.com", "example.com", wildcard=False)),
        ("WWW.Example.COM", Name("WWW.Example.COM", "www.example.com", wildcard=False)),
        ("*.example.com", Name("*.example.com", "example.com", wildcard=True)),
        ("bücher.example", Name("bücher.example", "xn--bcher-kva.example", wildcard=False)),
        ("BÜCHER.example", Name("BÜCHER.example", "xn--bcher-kva.example", wildcard=False)),
        (
            "xn--bcher-kva.example",
            Name("xn--bcher-kva.example", "xn--bcher-kva.example", wildcard=False),
        ),
        # P-labels that are no A-labels of IDNA 2008 (BR 1.6.1): written so, they are what is asked.
        ("xn--ls8h.example", Name("xn--ls8h.example", "xn--ls8h.example", wildcard=False)),
        ("www.xn--i-7iq.ws", Name("www.xn--i-7iq.ws", "www.xn--i-7iq.ws", wildcard=False)),
        ("*.XN--LS8H.la", Name("*.XN--LS8H.la", "xn--ls8h.la", wildcard=True)),
        ("www.xn--n3h.example", Name("www.xn--n3h.example", "www.xn--n3h.example", wildcard=False)),
        # The dots that IDNA maps (RFC 5895 section 2).
        ("日本語。jp", Name("日本語。jp", "xn--wgv71a119e.jp", wildcard=False)),
        (
            "www\uff0eexample\uff61jp",
            Name("www\uff0eexample\uff61jp", "www.example.jp", wildcard=False),
        ),
        ("*。例え.jp", Name("*。例え.jp", "xn--r8jz45g.jp", wildcard=True)),
        ("大学.example", Name("大学.example", "xn--pss25c.example", wildcard=False)),
        # A joiner where IDNA 2008 allows one (RFC 5892 appendix A.2).
        ("ශ්\u200dරී.lk", Name("ශ්\u200dරී.lk", "xn--10cl1a0b660p.lk", wildcard=False)),
        # Letter by letter, so that the last sigma becomes what the first does.
        ("ΟΣΟΣ.example", Name("ΟΣΟΣ.example", "xn--0xaalb.example", wildcard=False)),
        ("straße.example", Name("straße.example", "xn--strae-oqa.example", wildcard=False)),
        (
            "notlocalhost.localhost.example",
            Name(
                "notlocalhost.localhost.example", "notlocalhost.localhost.example", wildcard=False
            ),
        ),
        ("1.2.3.4.example", Name("1.2.3.4.example", "1.2.3.4.example", wildcard=False)),
        ("a--b.example", Name("a--b.example", "a--b.example", wildcard=False)),
        ("a.not-arpa", Name("a.not-arpa", "a.not-arpa", wildcard=False)),
        ("x.y-z.example", Name("x.y-z.example", "x.y-z.example", wildcard=False)),
        (
            f"{LONG}.{'a' * 57}.com",
            Name(f"{LONG}.{'a' * 57}.com", f"{LONG}.{'a' * 57}.com", wildcard=False),
        ),
        (
            f"*.{LONG}.{'a' * 55}.com",
            Name(f"*.{LONG}.{'a' * 55}.com", f"{LONG}.{'a' * 55}.com", wildcard=True),
        ),
    ],
)
def test_names_that_can_be_asked_for(text: str, name: Name) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("example.com.", "ends with a dot"),
        (".example.com", "empty label"),
        ("a..example.com", "empty label"),
        ("*..example.com", "empty label"),
        ("a" * 64 + ".example", "label of 64 octets"),
        ("ü" * 63 + ".example", "IDNA 2008 does not allow"),
        (f"{LONG}.{'a' * 58}.com", "254 octets as A-labels; at most 253"),
        (f"*.{LONG}.{'a' * 57}.com", 'has 255 octets as A-labels and "\\*."; at most 253'),
        (f"*.{LONG}.{'a' * 56}.com", "has 254 octets"),
        (f"*。{LONG}.{'a' * 50}ü.com", 'octets as A-labels and "\\*."'),
        ("a" * 5000, "far too long"),
        ("a\x00b.example.com", "control"),
        ("a\nb.example.com", "control"),
        ("example.com\n", "control"),
        ("a b.example.com", "space"),
        ("a\u00a0b.example.com", "control or other unprintable"),
        ("https://example.com", "URL"),
        ("example.com/path", "URL"),
        ("admin@example.com", "URL or an address"),
        ("example.com:443", "port"),
        ("203.0.113.1", "IP address"),
        ("2001:db8::1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("localhost", "single label"),
        ("foo.localhost", "not in the public DNS"),
        ("*.a.LOCALHOST", "not in the public DNS"),
        ("a\u200db.example", "IDNA 2008 does not allow"),
        ("\u212aelvin.example", "only looks like"),
        ("\ufb01.example", "IDNA 2008 does not allow"),
        ("1\u05d0.example", "IDNA 2008 does not allow"),
        ("e\u0301.example", "IDNA 2008 does not allow"),
        ("xn--.example", "hyphens"),
        ("xn--0.example", "no Punycode"),
        ("*.com", "wildcard directly below the public suffix com"),
        ("*.jp", "wildcard directly below the public suffix jp"),
        ("*.日本", "directly below the public suffix xn--wgv71a"),
        ("*.大阪.jp", "directly below the public suffix xn--pssu33l.jp"),
        ("*.foo.ck", "directly below the public suffix foo.ck"),
        ("*", "leftmost label"),
        ("*.*.example.com", "leftmost label"),
        ("a.*.example.com", "leftmost label"),
        ("*a.example.com", "leftmost label"),
        ("**.example.com", "leftmost label"),
        ("*.co.jp", "public suffix co.jp"),
        ("*.test", "wildcard directly below the public suffix test"),
        ("*.localhost", "not in the public DNS"),
        ("*.onion", "Onion"),
        ("*.arpa", "is in arpa"),
        ("_dmarc.example.com", "may not"),
        ("-a.example.com", "hyphens"),
        ("a-.example.com", "hyphens"),
        ("a$.example.com", "letters, digits"),
        ("ab--cd.example.com", '"xn--" alone'),
        ("xn--99999999.example.com", "no Punycode"),
        ("xn--a-b.example.com", "no Punycode"),
        ("xn--a_b.example.com", "no Punycode"),
        # Not as Punycode writes it.
        ("xn---a.example.com", "not how Punycode writes"),
        # Half of a pair of UTF-16, which is no character.
        ("xn--ib9b.example.com", "no Punycode"),
        ("xn--abc-.example.com", "Punycode for plain ASCII; write abc"),
        ("xn--.example.com", "hyphens"),
        ("bü_cher.example", "IDNA 2008 does not allow"),
        ("☃.example", "IDNA 2008 does not allow"),
        ("日本語。jp。", "ends with a dot"),
        ("a。。example", "empty label"),
        ("203。0。113。1", "IP address"),
        ("\uff57\uff57\uff57.example", "IDNA 2008 does not allow"),
        ("💩.la", "IDNA 2008 does not allow"),
        ("example.123", "not a number"),
        ("facebookcorewwwi.onion", "Onion"),
        ("1.113.0.203.in-addr.arpa", "reverse zones"),
        ("in-addr.arpa", "reverse zones"),
        ("8.b.d.0.1.0.0.2.ip6.arpa", "reverse zones"),
        ("*.113.0.203.in-addr.arpa", "reverse zones"),
        ("home.arpa", "is in arpa, .* bogus on purpose"),
        ("www.e164.arpa", "is in arpa"),
        ("a.notin-addr.arpa", "is in arpa"),
        ("arpa", "single label"),
    ],
)
def test_names_that_cannot(text: str, message: str) -> None:
    with pytest.raises(InvalidNameError, match=message):
        parse_name(text)


def test_br_3_2_2_6_the_icann_section_decides() -> None:
    assert is_public_suffix("co.jp")
    assert is_public_suffix("ac.jp")
    assert not is_public_suffix("example.co.jp")
    assert not is_public_suffix("github.io")  # in the private section
    assert is_public_suffix("test")
    assert not is_public_suffix("example.test")
    assert parse_name("*.github.io").wildcard


@pytest.mark.parametrize("text", ["*.example", "*。example", "*\uff0eexample", "*\uff61例え.jp"])
def test_a_wildcard_is_one_whatever_its_dot(text: str) -> None:
    assert is_wildcard(text)
    assert not is_wildcard(text[2:])


def test_every_wrong_entry_is_reported() -> None:
    names, problems = parse_names(["a.example", "", "b.example", "A.example", "*.a.example"])
    assert [name.certificate_name for name in names] == ["a.example", "b.example", "*.a.example"]
    assert [(index, str(error).split(";")[0]) for index, error in problems] == [
        (1, "is empty"),
        (3, "is the same name as names[0]"),
    ]


def test_an_ideographic_dot_makes_no_other_name() -> None:
    _, problems = parse_names(["www.例え.jp", "www。例え。jp"])
    assert [index for index, _ in problems] == [1]


def test_a_u_label_and_its_a_label_are_one_name() -> None:
    _, problems = parse_names(["bücher.example", "xn--bcher-kva.example"])
    assert [index for index, _ in problems] == [1]


def test_rfc_8659_the_walk_ends_at_the_top_level_domain() -> None:
    assert walk_levels("child.parent.example.co.jp") == [
        "child.parent.example.co.jp",
        "parent.example.co.jp",
        "example.co.jp",
        "co.jp",
        "jp",
    ]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("_acme-challenge.www.example.com", True),
        ("_ujmmovf2vn55tgye._acme-challenge.example.com", True),
        ("example", True),
        ("-a-._.example", True),
        (f"{'_' * 63}.example", True),
        (f"{LONG}.{'a' * 57}.com", True),
        (f"{LONG}.{'a' * 58}.com", False),
        (f"{'a' * 64}.example", False),
        ("", False),
        (".", False),
        (".example", False),
        ("a..example", False),
        ("example.", False),
        ("_a.example\n", False),
        ("_ACME.example", False),
        ("*.example", False),
        ("a b.example", False),
        ("bücher.example", False),
        ("a\\.b.example", False),
        ("a\x00.example", False),
        ("１.example", False),  # noqa: RUF001 - a digit that is not ASCII
    ],
)
def test_rfc_8552_an_owner_may_have_underscores_and_nothing_else_besides(
    text: str, *, is_one: bool
) -> None:
    assert is_owner(text) == is_one


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_is_told_why_not(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidNameError:
        return
    labels = name.looked_up.split(".")
    assert len(name.certificate_name) <= 253
    assert len(labels) > 1
    assert all(1 <= len(label) <= 63 for label in labels)
    assert set(name.looked_up) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


HOST = st.from_regex(r"(\*\.)?([a-zA-Z0-9]{1,8}\.){1,4}(example|jp|com)", fullmatch=True)


@given(HOST)
def test_parsing_a_parsed_name_changes_nothing(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidNameError:
        return
    again = parse_name(name.certificate_name)
    assert (again.looked_up, again.wildcard) == (name.looked_up, name.wildcard)


def test_the_public_suffix_list_says_of_which_day_it_is() -> None:
    """Its package's version has the day on which it was packed."""
    made = find_suffix_list_date()
    assert made is not None
    packed = datetime.strptime(version("publicsuffixlist")[-8:], "%Y%m%d").replace(tzinfo=UTC)
    assert timedelta(0) <= packed.date() - made <= timedelta(days=31)
