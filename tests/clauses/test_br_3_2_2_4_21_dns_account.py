"""BR 3.2.2.4.21: dns-account-01, the TXT record of dns-01 at a name of the account's own."""

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.clauses.domain_control import MISSING, PASSED, Row, judge, outcome_of, place
from tests.clauses.test_rfc8555_8_4_dns_01 import DIGEST
from tests.world.domain_control import KEY_AUTHORIZATION

ACCOUNT = "https://example.com/acme/acct/ExampleAccount"
LABEL = "_ujmmovf2vn55tgye"
"""Of ACCOUNT, by draft-ietf-acme-dns-account-label-00 section 3.2."""


def _ask(account: str = ACCOUNT) -> c.DomainControl:
    method = c.AcmeDnsAccount01(key_authorization=KEY_AUTHORIZATION, account_url=account)
    return c.DomainControl(acme_dns_account_01=method)


def _at(owner: str, text: str = DIGEST) -> str:
    return f'{owner} IN TXT "{text}"'


ASKED = _ask()
OWN = f"{LABEL}._acme-challenge.www"
ROWS = place(
    "account-",
    [
        Row("draft-00 3.2 the account's label", _at(OWN), ASKED),
        Row("draft-00 3.2 in upper case, as DNS names may be", _at(OWN.upper()), ASKED),
        Row("draft-00 3.2 without underscore", _at(OWN[1:]), ASKED, MISSING),
        Row("draft-00 3.2 the label of dns-01", _at("_acme-challenge.www"), ASKED, MISSING),
        Row("draft-00 3.2 the label alone", _at(f"{LABEL}.www"), ASKED, MISSING),
        Row(
            "draft-00 3.2 the other way round", _at(f"_acme-challenge.{LABEL}.www"), ASKED, MISSING
        ),
        Row("draft-00 3.2 a label cut short", _at(OWN.replace("gye", "gy")), ASKED, MISSING),
        Row("another account", _at(OWN), _ask(f"{ACCOUNT}2"), MISSING),
        Row("a final slash is another URL", _at(OWN), _ask(f"{ACCOUNT}/"), MISSING),
        Row("upper case is another URL", _at(OWN), _ask(ACCOUNT.lower()), MISSING),
        Row("a port is another URL", _at(OWN), _ask(ACCOUNT.replace(".com", ".com:443")), MISSING),
        Row("another digest", _at(OWN, DIGEST[:-1] + "p"), ASKED, MISSING),
        Row("the key authorization", _at(OWN, KEY_AUTHORIZATION), ASKED, MISSING),
        Row("a blank after", _at(OWN, f"{DIGEST} "), ASKED, MISSING),
        Row("one of two", f"{_at(OWN, 'other')}\n{_at(OWN)}", ASKED),
        Row("in two strings", f'{OWN} IN TXT "{DIGEST[:20]}" "{DIGEST[20:]}"', ASKED),
        Row("no record", "www IN A 192.0.2.1", ASKED, MISSING),
        Row("CNAME at the owner is followed", f"{OWN} IN CNAME a\n{_at('a')}", ASKED),
        Row("a wildcard", _at(OWN), ASKED, name="*.www"),
        Row("pruned", _at(f"{LABEL}._acme-challenge"), ASKED, domain="@"),
        Row("pruned, wildcard", _at(f"{LABEL}._acme-challenge"), ASKED, name="*.www", domain="@"),
        Row("pruned, but at the name", _at(OWN), ASKED, MISSING, domain="@"),
        Row("at the parent, not asked", _at(f"{LABEL}._acme-challenge"), ASKED, MISSING),
        Row("CNAME at the name", f"www IN CNAME a\n{_at(OWN.replace('www', 'a'))}", ASKED, MISSING),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_br_3_2_2_4_21(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    if row.expected == PASSED:
        clause = "BR 3.2.2.4.21, draft-ietf-acme-dns-account-label-00 section 3.2"
        assert judgement.clause == clause
