"""What one perspective saw, in the `details` of Open MPIC. Pure.

Only what was judged is told. What Open MPIC leaves out stays null: records after an absence, a page
after another status than 200, everything after a failure.
"""

import base64
from collections.abc import Sequence

import dns.exception
import dns.name
from cryptography import x509
from cryptography.x509.oid import NameOID

from coordinator.api.open_mpic.messages import (
    DcvParameters,
    Http01Parameters,
    TlsAlpn01Parameters,
    WebsiteChangeParameters,
)
from coordinator.checks.domain_control.method import join_strings
from mpic.caa_record import present, read_property
from mpic.v1 import observation_pb2 as o

Details = dict[str, object]

_OK = 200
_PAGE_OCTETS = 100
"""Of a page at least so many are told, and more if the value that is looked for is longer."""
_CONTACT_TAGS = {"contact-email-caa": "contactemail", "contact-phone-caa": "contactphone"}


def show_caa(findings: Sequence[o.Finding]) -> Details:
    """Return what was seen of CAA; without findings, that nothing was."""
    walk = next((one.caa_walk for one in findings if one.HasField("caa_walk")), o.CaaFinding())
    end = walk.levels[-1] if walk.levels else o.Lookup()
    details: Details = {"caa_record_present": None, "found_at": None, "records_seen": None}
    if end.HasField("absence"):
        details["caa_record_present"] = False
    elif end.HasField("records"):
        seen = [present(rdata) for rdata in end.records.rdata]
        details.update(caa_record_present=True, found_at=end.name, records_seen=seen)
    return details


def show_domain_control(findings: Sequence[o.Finding], parameters: DcvParameters) -> Details:
    """Return what was seen of the proof; without findings, that nothing was."""
    finding = findings[-1] if findings else o.Finding()
    if isinstance(parameters, TlsAlpn01Parameters):
        details = _show_certificate(finding.tls_handshake)
    elif isinstance(parameters, WebsiteChangeParameters):
        details = _show_page(finding.http_get, len(parameters.challenge_value))
    elif isinstance(parameters, Http01Parameters):
        details = _show_page(finding.http_get, len(parameters.key_authorization))
    else:
        details = _show_records(finding, parameters.validation_method)
    return {"validation_method": parameters.validation_method, **details}


def _show_records(finding: o.Finding, method: str) -> Details:
    lookup = finding.records.lookup
    rdtype = finding.records.type
    if finding.HasField("caa_walk") and finding.caa_walk.levels:
        lookup, rdtype = finding.caa_walk.levels[-1], o.RECORD_TYPE_CAA
    details: Details = dict.fromkeys(
        ("records_seen", "response_code", "ad_flag", "found_at", "cname_chain")
    )
    if lookup.HasField("records"):
        values = [_read_value(rdata, rdtype, method) for rdata in lookup.records.rdata]
        details.update(
            records_seen=[value for value in values if value is not None],
            response_code=0,
            ad_flag=lookup.dnssec == o.DNSSEC_SECURE,
            found_at=lookup.name,
            cname_chain=[f"{alias.target}." for alias in lookup.aliases],
        )
    return details


def _read_value(rdata: bytes, rdtype: "o.RecordType.ValueType", method: str) -> str | None:
    """Return the value of a record as text; None: it has none, or none that the method reads."""
    if rdtype == o.RECORD_TYPE_CNAME:
        try:
            return dns.name.from_wire(rdata, 0)[0].to_text()
        except dns.exception.DNSException:
            return None
    if rdtype == o.RECORD_TYPE_CAA:
        found = read_property(rdata)
        if found is None or found.tag != _CONTACT_TAGS.get(method, found.tag):
            return None
        return _to_text(found.value)
    text = join_strings(rdata)
    return None if text is None else _to_text(text)


def _show_page(finding: o.HttpFinding, octets: int) -> Details:
    details: Details = dict.fromkeys(
        ("response_history", "response_url", "response_status_code", "response_page")
    )
    *before, last = finding.hops or [o.HttpHop()]
    if last.response.status == _OK:
        history = [
            {"status_code": hop.response.status, "url": hop.response.location.decode("latin-1")}
            for hop in before
        ]
        page = last.response.body[: max(_PAGE_OCTETS, octets)]
        details.update(
            response_history=history or None,
            response_url=finding.hops[0].url,
            response_status_code=last.response.status,
            response_page=base64.b64encode(page).decode(),
        )
    return details


def _show_certificate(finding: o.TlsFinding) -> Details:
    return {"common_name": _read_common_name(finding.session.certificate)}


def _read_common_name(der: bytes) -> str | None:
    """Return the first common name of a certificate from the network; None: it has none."""
    try:
        names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
            NameOID.COMMON_NAME
        )
        return _to_text(names[0].value) if names else None
    except BaseException as error:
        # Parts written in Rust raise this if they break; it is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return None


def _to_text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
