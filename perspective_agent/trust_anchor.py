"""The trust anchor file: which keys of the root are believed."""

from pathlib import Path

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.DS


def read_key_tags(file: Path) -> list[int]:
    """Return the key tags of the DNSKEY and DS records in a trust anchor file.

    Raises OSError, or ValueError for a line that is no record.
    """
    tags = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = line.split(";")[0].split()
        kinds = [index for index, field in enumerate(fields) if field.upper() in ("DNSKEY", "DS")]
        if kinds:
            tags.add(_key_tag(fields[kinds[0]].upper(), " ".join(fields[kinds[0] + 1 :])))
    return sorted(tags)


def _key_tag(rdtype: str, text: str) -> int:
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype), text)
    except dns.exception.DNSException as error:
        raise ValueError(f"not a {rdtype} record: {error}") from error
    if isinstance(rdata, dns.rdtypes.ANY.DS.DS):
        return int(rdata.key_tag)
    assert isinstance(rdata, dns.rdtypes.ANY.DNSKEY.DNSKEY)  # noqa: S101 - nothing else is read
    return rdata.key_id()
