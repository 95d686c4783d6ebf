"""The issuers of a coordinator that `tests/clauses` ask."""

WORLD = "example"
"""The one that the zones of the test Internet name."""
TABLES = "tables"
"""The one under whose names the tables of `tests/clauses` stand."""
TABLE_DOMAINS = ("ca.example", "ca-1.test")
UNDERSTANDING = "understanding"
"""One under the same names that understands critical properties too."""

_DOMAINS = f"domains = {list(TABLE_DOMAINS)!r}\n"
ISSUERS = (
    f"[issuer.{TABLES}]\n{_DOMAINS}[issuer.{UNDERSTANDING}]\n{_DOMAINS}"
    "understood_critical_tags = ['contactemail', 'contactphone', 'issuevmc']\n"
).replace("'", '"')
