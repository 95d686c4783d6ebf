"""Lines to copy: they are right, and no name or text of a stranger can break out of one."""

import itertools
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.explain import PasteLine
from mpic.explain.paste import make_lines
from mpic.explain.tasks import TASKS
from mpic.words.problems import ProblemFacts
from mpic.words.proof_facts import ProofFacts
from tests.unit.mpic.explain.answers import ISSUER, NAME, TOKEN, ZONE

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
METHODS = (
    "acme_http_01",
    "acme_dns_01",
    "acme_dns_account_01",
    "acme_tls_alpn_01",
    "persistent_dns_txt",
    "dns_change",
    "website_change",
    "contact_email_txt",
    "contact_email_caa",
    "contact_phone_txt",
    "contact_phone_caa",
)
TOOLS = {
    "dig",
    "delv",
    "dnssec-dsfromkey",
    "curl",
    "openssl",
    "ss",
    "firewall-cmd",
    "named-checkzone",
    "rndc",
}
# What is ours in a line and means something to a shell.
OURS = {"|", "<"}


def facts(code: str, text: str = "", method: str = "acme_dns_01") -> ProblemFacts:
    """Return a problem in which every text of a stranger is this one; "": the usual ones."""
    proof = ProofFacts(
        asked=text or NAME,
        domain=text or NAME,
        method=method,
        path=text or TOKEN,
        issuers=(text or ISSUER,),
    )
    return ProblemFacts(
        code,
        where=text or NAME,
        zone=text or ZONE,
        owner=text or ZONE,
        record=f"0 {text} x" if text else '0 issue "other.example"',
        port=80,
        servers=(text or "203.0.113.53",),
        issuers=(text or ISSUER,),
        method=text or "dns-01",
        expected=(bytes([203, 0, 113, 100]),),
        proof=proof,
    )


def lines(problem: ProblemFacts, name: str = NAME) -> list[PasteLine]:
    return list(make_lines(problem, name, AT, "en"))


def texts(problem: ProblemFacts) -> list[str]:
    return [one.text for one in lines(problem)]


def check_command(text: str) -> None:
    """A shell sees our tools, our own two signs, and words."""
    for line in text.splitlines():
        assert line.isascii()
        assert line.isprintable()
        tokens = list(shlex.shlex(line, posix=True, punctuation_chars=True))
        assert not re.search(r"[`$\\&>!*?\[\]~#\"]", line), line
        signs = {one for one in tokens if re.fullmatch(r"[();<>|&]+", one)}
        assert signs <= OURS, line
        assert tokens[0] in TOOLS, line
        assert line.count("|") == ("dnssec-dsfromkey" in line)


def check_zone(text: str) -> None:
    """BIND sees the records that we write, each with its own owner, and nothing else."""
    filled = text.replace("IN A   ADDRESS", "IN A   192.0.2.1").replace("A ADDRESS", "A 192.0.2.1")
    filled = filled.replace("0 TAG", "0 tag")
    whole = f"$TTL 60\n{filled}\n"
    # A SOA record stands at the origin alone.
    origin = text.splitlines()[0].removeprefix("$ORIGIN ") if "SOA" in text else "."
    zone = dns.zone.from_text(whole, origin=origin, relativize=False, check_origin=False)
    count = sum(len(rdataset) for _, rdataset in zone.iterate_rdatasets())
    assert count == (3 if "SOA" in text else len(text.splitlines()))
    assert "$INCLUDE" not in text
    assert "$GENERATE" not in text


def check(problem: ProblemFacts, name: str) -> None:
    for line in lines(problem, name):
        assert line.intro
        assert not line.intro.startswith("paste.")
        if line.kind == "command":
            check_command(line.text)
        elif line.kind == "zone":
            check_zone(line.text)
        else:
            assert re.fullmatch(r"[A-Za-z0-9 .\"{};_\-/^~\n]+", line.text)


# Texts that mean something to a shell, a resolver's tool, a zone file, or a browser.
KNOWN_HOSTILE = [
    "-x.example.com",
    "example.com;rm -rf /",
    "$(id).example.com",
    "`id`.example.com",
    "example.com\nevil. IN A 192.0.2.1",
    'example.com" "evil',
    "exa mple.com",
    "@192.0.2.1",
    "+evil",
    "127.1",
    "a..b",
    ".example.com",
    "example.com.",
    "xn--.example\u202e",
    "EXAMPLE.com",
    "fe80::1%eth0;id",
    "../../etc/passwd",
    "a/../b",
    "~root/x",
    "*.example.com",
    "\\097.example.com",
    "$GENERATE",
    "_.example.com",
    "a_b.example.com",
    "0x7f.1",
]
HOSTILE = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="ab1.-_;|&$`'\"\\\n\r\t (){}<>@#*?!~/:=%\x00\x1b\u202e\u3002", max_size=60),
    st.sampled_from(KNOWN_HOSTILE),
)


# One code and method for each different set of lines.
CASES = {
    tuple(lines(facts(code, method=method))): (code, method)
    for code, method in itertools.product(TASKS, METHODS)
}
FIELDS = ("where", "zone", "owner", "servers", "issuers", "method", "record")
OF_PROOF = ("asked", "domain", "path", "issuers")
ANY_CASE = st.sampled_from(sorted(CASES.values()))


def spoil(problem: ProblemFacts, field: str, text: str) -> ProblemFacts:
    """Return a problem in which one field is a stranger's text."""
    of_proof = field.removeprefix("proof.")
    name = of_proof if field.startswith("proof.") else field
    value: object = (text,) if name in {"servers", "issuers"} else text
    if field.startswith("proof."):
        return replace(problem, proof=replace(problem.proof, **{name: value}))
    return replace(problem, **{name: value})


ANY_FIELD = st.sampled_from([*FIELDS, *(f"proof.{one}" for one in OF_PROOF)])


def test_the_lines_of_every_code_are_lines() -> None:
    for code, method in CASES.values():
        check(facts(code, method=method), NAME)


@given(ANY_CASE, HOSTILE, HOSTILE)
def test_no_text_of_a_stranger_breaks_out_of_a_line(
    case: tuple[str, str], text: str, name: str
) -> None:
    code, method = case
    check(facts(code, text or ";", method), name)


@given(ANY_CASE, ANY_FIELD, HOSTILE)
def test_no_single_text_of_a_stranger_breaks_out_of_a_line(
    case: tuple[str, str], field: str, text: str
) -> None:
    code, method = case
    check(spoil(facts(code, method=method), field, text), NAME)


@pytest.mark.parametrize("text", KNOWN_HOSTILE)
def test_what_is_known_to_break_out_is_in_no_line(text: str) -> None:
    """A name of another form makes the same lines as if there were none."""
    for code, method in CASES.values():
        check(facts(code, text, method), text)
        for field in (*FIELDS, *(f"proof.{one}" for one in OF_PROOF)):
            spoiled = spoil(facts(code, method=method), field, text)
            for line in lines(spoiled):
                assert "../" not in line.text
                assert text not in line.text or field.endswith((".path", "method")), field
        problem = facts(code, text, method)
        empty = replace(problem, where="", zone="", owner="", servers=(), issuers=(), method="")
        empty = replace(empty, proof=ProofFacts(method=method), record="")
        assert lines(problem, text) == lines(empty, "")


def test_another_ca_is_mended_by_a_record_of_the_owner() -> None:
    assert texts(facts("caa.issuer")) == [
        f"dig CAA {ZONE}",
        f'{ZONE}. 3600 IN CAA 0 issue "{ISSUER}"',
    ]
    wild = replace(facts("caa.wildcard"), record='0 issuewild "other.example"')
    assert texts(wild)[-1] == f'{ZONE}. 3600 IN CAA 0 issuewild "{ISSUER}"'
    nobody = replace(facts("caa.nobody"), record='0 IssueWild ";"')
    assert texts(nobody)[-1] == f'{ZONE}. 3600 IN CAA 0 issuewild "{ISSUER}"'
    assert texts(facts("caa.account"))[-1].endswith(f'"{ISSUER}; accounturi=ACCOUNT-URI"')
    assert texts(facts("caa.method"))[-1].endswith(f'"{ISSUER}; validationmethods=dns-01"')


def test_silence_is_shown_as_upki_shows_it() -> None:
    query, firewall, zone = texts(facts("cause.SILENT"))
    assert query == f"dig @203.0.113.53 CAA {NAME}"
    assert firewall.startswith("firewall-cmd --permanent --add-service=dns\n")
    assert "2026120101 3600 1800 604800 86400 )" in zone
    assert "ns1 IN A   203.0.113.53" in zone
    unknown = replace(facts("cause.SILENT"), servers=())
    assert texts(unknown)[0] == f"dig +trace CAA {NAME}"
    assert "ns1 IN A   ADDRESS" in texts(unknown)[2]


def test_servers_that_refuse_get_the_zones_block_of_named_conf() -> None:
    assert texts(facts("cause.REFUSED"))[1] == (
        f'zone "{ZONE}" IN {{\n    type master;\n    file "{ZONE}.zone";\n'
        "    allow-query { any; };\n};"
    )


def test_a_proof_is_shown_without_its_value() -> None:
    asked, record = texts(facts("fault.OTHER_VALUE"))
    assert asked == f"dig +trace TXT _acme-challenge.{NAME}"
    assert record == f'_acme-challenge.{NAME}. 60 IN TXT "VALUE"'
    (curl, _nginx) = texts(facts("fault.HTTP_STATUS.not_found", method="acme_http_01"))
    assert curl == f"curl -i http://{NAME}/.well-known/acme-challenge/{TOKEN}"
    (openssl,) = texts(facts("fault.TLS_PROTOCOL", method="acme_tls_alpn_01"))
    assert openssl.startswith(f"openssl s_client -connect {NAME}:443 -servername {NAME} -alpn")
    persistent = texts(facts("fault.PERSISTENT_ACCOUNT", method="persistent_dns_txt"))
    assert persistent[1] == (
        f'_validation-persist.{NAME}. 3600 IN TXT "{ISSUER}; accounturi=ACCOUNT-URI"'
    )


def test_an_account_label_is_that_which_was_looked_at() -> None:
    owner = f"_ujmmovf2vn55tgye._acme-challenge.{NAME}"
    problem = replace(facts("fault.NO_RECORD", method="acme_dns_account_01"), where=owner)
    assert texts(problem) == [f"dig +trace TXT {owner}", f'{owner}. 60 IN TXT "VALUE"']
    elsewhere = replace(problem, where="_ujmmovf2vn55tgye._acme-challenge.evil.example")
    assert texts(elsewhere) == []


def test_a_wildcard_needs_a_policy_in_its_persistent_record() -> None:
    problem = facts("fault.PERSISTENT_POLICY", method="persistent_dns_txt")
    wild = replace(problem, proof=replace(problem.proof, is_wildcard=True))
    assert texts(wild)[1].endswith('ACCOUNT-URI; policy=wildcard"')
    parent = replace(problem, proof=replace(problem.proof, domain=ZONE))
    assert texts(parent)[1].endswith('ACCOUNT-URI; policy=wildcard"')


def test_the_port_that_is_opened_is_that_which_was_dialled() -> None:
    refused = facts("failure.CONNECTION_REFUSED", method="acme_http_01")
    assert "ss -ltn 'sport = :80'" in texts(refused)
    assert "firewall-cmd --permanent --add-service=http\nfirewall-cmd --reload" in texts(refused)
    secure = replace(refused, port=443)
    assert any("--add-service=https" in one for one in texts(secure))
    assert not any("firewall" in one for one in texts(replace(refused, port=8443)))


def test_a_registry_is_not_told_how_to_configure_its_servers() -> None:
    assert lines(replace(facts("cause.SILENT"), scope="tld")) == []


def test_of_addresses_that_differ_the_primarys_are_shown() -> None:
    asked, records = texts(facts("dissent.DIFFERS.addresses"))
    assert asked == f"dig @203.0.113.53 A {NAME}"
    assert records == f"{NAME}. 3600 IN A 203.0.113.100"


def test_what_does_not_validate_is_asked_for_without_validation() -> None:
    """A validating resolver tells nothing of a bogus zone without CD (RFC 4035 section 3.2.2)."""
    delv, keys, signing = texts(facts("failure.BOGUS"))
    assert delv == f"delv CAA {NAME}"
    assert all(" +cd " in line for line in keys.splitlines())
    assert "dnssec-policy default;" in signing
