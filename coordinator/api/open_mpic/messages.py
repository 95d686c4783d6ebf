"""The request of `POST /mpic`, in the shapes that Open MPIC's core 6.5.0 takes. Pure.

Callers know the names of the models, from the places that errors name: `MpicCaaRequest` and
`MpicDcvRequest`. The order of the fields is the order in which an answer repeats them.

Values are read as leniently as there: "3" is 3. Unknown fields are refused, other than there. A
misspelt field might have demanded more than is checked.

A few fields are this service's own. A caller that does not know them leaves them out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mpic.text import is_uri


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    own: ClassVar[frozenset[str]] = frozenset()
    """Fields that Open MPIC does not have; an answer repeats them only if they were sent."""

    def echo(self) -> dict[str, object]:
        """Return it as an answer repeats it, with defaults filled in."""
        values = self.model_dump(mode="json")
        return {
            key: value
            for key, value in values.items()
            if key not in self.own or key in self.model_fields_set
        }


class OrchestrationParameters(_Shape):
    """How many perspectives are to look, and how often."""

    perspective_count: int | None = None
    quorum_count: int | None = None
    max_attempts: int | None = None
    cohort_for_single_attempt: int | None = None


class CaaParameters(_Shape):
    """What CAA records are judged by."""

    own = frozenset({"account_uri", "validation_method"})

    certificate_type: Literal["tls-server", "s-mime"] = "tls-server"
    caa_domains: list[str] | None = None
    allow_lookup_failure: bool = False
    account_uri: str | None = None
    """For the CAA parameter accounturi (RFC 8657 section 3)."""
    validation_method: str | None = None
    """For the CAA parameter validationmethods (RFC 8657 section 4), such as "dns-01"."""


class _DcvMethod(_Shape):
    own = frozenset({"challenge_created_at"})

    validation_method: str
    require_exact_case: bool
    challenge_created_at: datetime | None = None
    """When the challenge was created, with a time zone; None: the caller vouches for its age."""

    @field_validator("challenge_created_at")
    @classmethod
    def _check_zone(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        if moment.tzinfo is None:
            raise ValueError("must have a time zone, as 2026-12-15T00:00:00Z")
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("is no moment of this era") from error


class _InRecords(_DcvMethod):
    challenge_value: str
    dns_name_prefix: str | None = None
    dns_record_type: str


class WebsiteChangeParameters(_DcvMethod):
    """BR 3.2.2.4.18."""

    validation_method: Literal["website-change"]
    require_exact_case: bool = True
    challenge_value: str
    http_token_path: str
    url_scheme: Literal["http", "https"] = "http"
    http_headers: dict[str, Any] | None = None
    match_regex: str | None = None


class DnsChangeParameters(_InRecords):
    """BR 3.2.2.4.7."""

    validation_method: Literal["dns-change"]
    require_exact_case: bool = True
    dns_record_type: Literal["CNAME", "TXT", "CAA"]
    require_exact_match: bool = False

    @model_validator(mode="after")
    def _settle_case(self) -> "DnsChangeParameters":
        if self.dns_record_type != "TXT":
            self.require_exact_case = False
        return self


class DnsPersistentParameters(_DcvMethod):
    """BR 3.2.2.4.22."""

    validation_method: Literal["dns-persistent"]
    require_exact_case: Literal[False] = False
    dns_record_type: Literal["TXT"] = "TXT"
    dns_name_prefix: Literal["_validation-persist"] = "_validation-persist"
    issuer_domain_names: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1)
    expected_account_uri: str

    @field_validator("expected_account_uri")
    @classmethod
    def _check_uri(cls, uri: str) -> str:
        if not is_uri(uri):
            raise ValueError("expected_account_uri must be a valid URI")
        return uri


class Http01Parameters(_DcvMethod):
    """BR 3.2.2.4.19."""

    validation_method: Literal["acme-http-01"]
    require_exact_case: Literal[True] = True
    token: str
    key_authorization: str
    http_headers: dict[str, Any] | None = None


class Dns01Parameters(_DcvMethod):
    """BR 3.2.2.4.7, RFC 8555 section 8.4."""

    validation_method: Literal["acme-dns-01"]
    require_exact_case: Literal[True] = True
    key_authorization_hash: str
    """Base64url."""
    dns_record_type: Literal["TXT"] = "TXT"
    dns_name_prefix: Literal["_acme-challenge"] = "_acme-challenge"


class TlsAlpn01Parameters(_DcvMethod):
    """BR 3.2.2.4.20."""

    validation_method: Literal["acme-tls-alpn-01"]
    require_exact_case: Literal[False] = False
    key_authorization_hash: str
    """Hexadecimal."""


class ContactEmailTxtParameters(_InRecords):
    """BR 3.2.2.4.14."""

    validation_method: Literal["contact-email-txt"]
    require_exact_case: Literal[False] = False
    dns_name_prefix: Literal["_validation-contactemail"] = "_validation-contactemail"
    dns_record_type: Literal["TXT"] = "TXT"


class ContactPhoneTxtParameters(_InRecords):
    """BR 3.2.2.4.16."""

    validation_method: Literal["contact-phone-txt"]
    require_exact_case: Literal[False] = False
    dns_name_prefix: Literal["_validation-contactphone"] = "_validation-contactphone"
    dns_record_type: Literal["TXT"] = "TXT"


class ContactCaaParameters(_InRecords):
    """BR 3.2.2.4.13 and 3.2.2.4.17."""

    validation_method: Literal["contact-email-caa", "contact-phone-caa"]
    require_exact_case: Literal[False] = False
    dns_record_type: Literal["CAA"] = "CAA"


class IpAddressParameters(_InRecords):
    """BR 3.2.2.4.8, which is retired."""

    validation_method: Literal["ip-address"]
    require_exact_case: Literal[False] = False
    dns_record_type: Literal["A", "AAAA"]


class ReverseAddressLookupParameters(_InRecords):
    """BR 3.2.2.5.3."""

    validation_method: Literal["reverse-address-lookup"]
    require_exact_case: Literal[False] = False
    dns_record_type: Literal["PTR"] = "PTR"


DcvParameters = (
    WebsiteChangeParameters
    | DnsChangeParameters
    | DnsPersistentParameters
    | Http01Parameters
    | Dns01Parameters
    | TlsAlpn01Parameters
    | ContactEmailTxtParameters
    | ContactPhoneTxtParameters
    | ContactCaaParameters
    | IpAddressParameters
    | ReverseAddressLookupParameters
)

METHOD_SHAPES: Mapping[str, type[BaseModel]] = {
    method: shape
    for shape in get_args(DcvParameters)
    for method in get_args(shape.model_fields["validation_method"].annotation)
}
"""The shape of the parameters of each method."""


class _MpicRequest(_Shape):
    domain_or_ip_target: str
    check_type: str
    orchestration_parameters: OrchestrationParameters | None = None
    trace_identifier: str | None = None


class MpicCaaRequest(_MpicRequest):
    """Asks whether CAA permits this CA to issue."""

    check_type: Literal["caa"] = "caa"
    caa_check_parameters: CaaParameters | None = None
    dcv_check_parameters: None = None


class MpicDcvRequest(_MpicRequest):
    """Asks whether the applicant controls the name."""

    check_type: Literal["dcv"] = "dcv"
    dcv_check_parameters: Annotated[DcvParameters, Field(discriminator="validation_method")]
    caa_check_parameters: None = None


MpicRequest = MpicCaaRequest | MpicDcvRequest
