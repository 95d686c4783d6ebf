"""Lines to copy about proofs of domain control that are missing, and servers that fail. Pure.

The value of a challenge is never told: VALUE stands for it. The account is not told either.
"""

from collections.abc import Mapping

from mpic.explain.pasted import Lines, Make, Pasted, open_port
from mpic.explain.safe_text import read_name, read_owner, read_path, read_token

_ACME_TLS = "acme_tls_alpn_01"
_SERVICES = {80: "http", 443: "https"}
_CONTACTS = {
    "contact_email_txt": ("_validation-contactemail.", "TXT", '"ADDRESS"'),
    "contact_phone_txt": ("_validation-contactphone.", "TXT", '"NUMBER"'),
    "contact_email_caa": ("", "CAA", '0 contactemail "ADDRESS"'),
    "contact_phone_caa": ("", "CAA", '0 contactphone "NUMBER"'),
}


def ask_server(pasted: Pasted) -> Lines:
    """Yield how the server of the proof is asked from outside."""
    domain = pasted.domain
    if domain and pasted.problem.proof.method == _ACME_TLS:
        yield pasted.line(
            "command",
            "openssl",
            f"openssl s_client -connect {domain}:443 -servername {domain}"
            " -alpn acme-tls/1 </dev/null",
        )
    elif url := _find_url(pasted):
        # As the perspectives do: no certificate is verified.
        option = "-ik" if url.startswith("https:") else "-i"
        yield pasted.line("command", "curl", f"curl {option} {url}")


def show_listener(pasted: Pasted) -> Lines:
    """Yield how to see on the server whether a program listens at the port."""
    if port := pasted.problem.port:
        yield pasted.line("command", "listener", f"ss -ltn 'sport = :{port}'")


def open_web(pasted: Pasted) -> Lines:
    """Yield how a firewall lets the port through."""
    if service := _SERVICES.get(pasted.problem.port):
        yield pasted.line("command", "open_web", *open_port(service))


def serve_file(pasted: Pasted) -> Lines:
    """Yield how nginx serves the files of challenges."""
    directory = _DIRECTORIES.get(pasted.problem.proof.method)
    if directory:
        yield pasted.line(
            "server",
            "nginx",
            f"location ^~ {directory} {{",
            "    root /var/www/html;",
            "    default_type text/plain;",
            "}",
        )


def ask_records(pasted: Pasted) -> Lines:
    """Yield the question for the record of the proof."""
    if owner := _find_owner(pasted):
        rdtype = pasted.problem.proof.record_type
        yield pasted.line("command", "dig_proof", f"dig +trace {rdtype} {owner}")


def add_record(pasted: Pasted) -> Lines:
    """Yield the record of the proof, without its value."""
    owner, method = _find_owner(pasted), pasted.problem.proof.method
    if not owner:
        return
    if method == "persistent_dns_txt":
        yield from _add_persistent(pasted, owner)
    elif method in _CONTACTS:
        _, rdtype, text = _CONTACTS[method]
        yield pasted.line("zone", "contact", f"{owner}. 3600 IN {rdtype} {text}")
    elif method == "dns_change":
        rdtype = pasted.problem.proof.record_type
        data = {"CNAME": "VALUE.", "CAA": '0 TAG "VALUE"'}.get(rdtype, '"VALUE"')
        yield pasted.line("zone", "change", f"{owner}. 60 IN {rdtype} {data}")
    elif method.startswith("acme_dns"):
        yield pasted.line("zone", "challenge", f'{owner}. 60 IN TXT "VALUE"')


def add_alias(pasted: Pasted) -> Lines:
    """Yield the CNAME record that leads to the authorization domain name."""
    asked, domain = read_name(pasted.problem.proof.asked), pasted.domain
    if asked and domain:
        yield pasted.line("command", "alias", f"dig CNAME {asked}")
        yield pasted.line("zone", "add_alias", f"{asked}. 3600 IN CNAME {domain}.")


def _add_persistent(pasted: Pasted, owner: str) -> Lines:
    issuer = next(filter(None, map(read_name, pasted.problem.proof.issuers)), "")
    if issuer:
        needs_policy = pasted.domain != pasted.name or pasted.problem.proof.is_wildcard
        policy = "; policy=wildcard" if needs_policy else ""
        value = f"{issuer}; accounturi=ACCOUNT-URI{policy}"
        yield pasted.line("zone", "persistent", f'{owner}. 3600 IN TXT "{value}"')


def _find_owner(pasted: Pasted) -> str:
    """Return the owner of the record of the proof; "" if it may not stand in a line."""
    domain, method = pasted.domain, pasted.problem.proof.method
    if not domain:
        return ""
    if method == "acme_dns_01":
        return f"_acme-challenge.{domain}"
    if method == "persistent_dns_txt":
        return f"_validation-persist.{domain}"
    if method in _CONTACTS:
        return f"{_CONTACTS[method][0]}{domain}"
    # The labels of the others are the account's or the caller's own: that which was looked at.
    seen = read_owner(pasted.problem.where)
    return seen if seen == domain or seen.endswith(f".{domain}") else ""


def _find_url(pasted: Pasted) -> str:
    """Return the URL of the proof; "" if it may not stand in a line."""
    domain, proof = pasted.domain, pasted.problem.proof
    token, path = read_token(proof.path), read_path(proof.path)
    if domain and proof.method == "acme_http_01" and token:
        return f"http://{domain}/.well-known/acme-challenge/{token}"
    if domain and proof.method == "website_change" and path:
        scheme = "https" if proof.is_https else "http"
        return f"{scheme}://{domain}/.well-known/pki-validation/{path}"
    return ""


_DIRECTORIES = {
    "acme_http_01": "/.well-known/acme-challenge/",
    "website_change": "/.well-known/pki-validation/",
}
_RECORD, _FILE = (ask_records, add_record), (ask_server, serve_file)
_SILENT = (ask_server, show_listener, open_web)

BY_CODE: Mapping[str, tuple[Make, ...]] = {
    "dissent.DIFFERS.domain_control": _RECORD,
    "dissent.PROOF_MISSING": (*_FILE, *_RECORD),
    "failure.web.TIMEOUT": _SILENT,
    "failure.web.MALFORMED": (ask_server, show_listener),
    "failure.web.TOO_LARGE": (ask_server,),
    "failure.CONNECTION_REFUSED": _SILENT,
    "failure.UNREACHABLE": _SILENT,
    "failure.CONNECTION_LOST": (ask_server,),
    "failure.TLS": (ask_server,),
    "failure.REDIRECT_NOT_ALLOWED": _FILE,
    "failure.TOO_MANY_REDIRECTS": _FILE,
    "failure.REDIRECT_LOOP": _FILE,
    "fault.NO_RECORD": _RECORD,
    "fault.OTHER_VALUE": _RECORD,
    "fault.TOO_MANY_RECORDS": (ask_records,),
    "fault.OTHER_ALIAS": (add_alias,),
    "fault.HTTP_STATUS": _FILE,
    "fault.HTTP_TOO_LONG": _FILE,
    "fault.HTTP_CONTENT": _FILE,
    "fault.HTTP_VALUE_IN_URL": _FILE,
    "fault.TLS_VERSION": (ask_server,),
    "fault.TLS_PROTOCOL": (ask_server,),
    "fault.CERTIFICATE_NAME": (ask_server,),
    "fault.CERTIFICATE_IDENTIFIER": (ask_server,),
    "fault.CERTIFICATE_OTHER_CHALLENGE": (ask_server,),
    "fault.CERTIFICATE_UNUSABLE": (ask_server,),
    "fault.PERSISTENT_MALFORMED": _RECORD,
    "fault.PERSISTENT_ISSUER": _RECORD,
    "fault.PERSISTENT_NO_ACCOUNT": _RECORD,
    "fault.PERSISTENT_ACCOUNT": _RECORD,
    "fault.PERSISTENT_POLICY": _RECORD,
    "fault.PERSISTENT_EXPIRED": _RECORD,
}
"""What lines are made for a code."""
