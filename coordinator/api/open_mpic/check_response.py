"""What one perspective comes to, in the `check_response` of Open MPIC. Pure.

A check has passed if the perspective corroborates. So a remote passes only if the primary permits,
and who counts the passes comes to the same result as this service.

A check is completed if the perspective learned what it has to know, whatever that was. The message
of an error begins with the reason by which callers of the other faces tell it apart.
"""

from collections.abc import Mapping, Sequence

from coordinator.api.open_mpic.details import show_caa, show_domain_control
from coordinator.api.open_mpic.messages import MpicDcvRequest, MpicRequest
from coordinator.checks import ADDRESSES, CAA
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

Error = dict[str, str]

# Those of Open MPIC.
REMOTE_CHECK = "mpic_error:coordinator:remote_check"
TOO_MANY_FAILED = "mpic_error:coordinator:too_many_failed_perspectives"
CAA_LOOKUP = "mpic_error:caa_checker:lookup"
DCV_LOOKUP = "mpic_error:dcv_checker:lookup"
HTTP = "mpic_error:http"
REDIRECT = "mpic_error:redirect:invalid"
# Our own: Open MPIC has none for these.
PRIMARY = "mpic_error:coordinator:primary_perspective"
DIFFERS = "mpic_error:coordinator:differs_from_primary"
FORBIDDEN = "mpic_error:caa_checker:forbidden"
ADDRESS_LOOKUP = "mpic_error:address_checker:lookup"
PROOF_MISSING = "mpic_error:dcv_checker:proof_missing"

_OK = 200
_BY_DISSENT: Mapping[c.Dissent.ValueType, str] = {
    c.DISSENT_FORBIDS: FORBIDDEN,
    c.DISSENT_DIFFERS: DIFFERS,
    c.DISSENT_NO_PRIMARY: PRIMARY,
    c.DISSENT_NOT_IN_PUBLIC_DNS: CAA_LOOKUP,
}
_BY_FAILED_CHECK: Mapping[str, str] = {CAA: CAA_LOOKUP, ADDRESSES: ADDRESS_LOOKUP}


def is_completed(report: c.PerspectiveReport) -> bool:
    """Whether the perspective learned what it has to know."""
    judged = report.determinations
    if any(one.outcome == c.OUTCOME_FAILED for one in judged):
        return _is_bad_redirect(report)
    return bool(judged)


def show_check(
    report: c.PerspectiveReport,
    asked: MpicRequest,
    asked_at_ns: int,
    verdict_error: Error | None = None,
) -> dict[str, object]:
    """Return the response of one perspective.

    `asked_at_ns` is when it was asked, in nanoseconds since 1970. `verdict_error` says why the
    verdict is not valid.
    """
    findings = report.observation.findings[:] if report.determinations else []
    if isinstance(asked, MpicDcvRequest):
        details = show_domain_control(findings, asked.dcv_check_parameters)
    else:
        details = show_caa(findings)
    return {
        "check_completed": is_completed(report),
        "check_passed": report.corroborates,
        "errors": _find_errors(report, verdict_error) or None,
        "timestamp_ns": asked_at_ns + report.elapsed.ToNanoseconds(),
        "check_type": asked.check_type,
        "details": details,
    }


def _find_errors(report: c.PerspectiveReport, verdict_error: Error | None) -> list[Error]:
    errors = [verdict_error] if verdict_error else []
    if report.corroborates:
        return errors
    name = c.Dissent.Name(report.dissent).removeprefix("DISSENT_")
    own = {"error_type": _find_type(report), "error_message": f"{name}: {report.detail}"}
    return [own, *errors]


def _find_type(report: c.PerspectiveReport) -> str:
    dissent = report.dissent
    if dissent in _BY_DISSENT:
        return _BY_DISSENT[dissent]
    if dissent == c.DISSENT_FAILED:
        if report.check in _BY_FAILED_CHECK:
            return _BY_FAILED_CHECK[report.check]
        return REDIRECT if _is_bad_redirect(report) else DCV_LOOKUP
    if dissent == c.DISSENT_PROOF_MISSING:
        return _find_type_of_missing(report.observation.findings)
    return REMOTE_CHECK


def _find_type_of_missing(findings: Sequence[o.Finding]) -> str:
    """Say whether there was nothing to look at, or not what is looked for."""
    last = findings[-1] if findings else o.Finding()
    if last.HasField("http_get"):
        hops = last.http_get.hops
        return HTTP if hops and hops[-1].response.status != _OK else PROOF_MISSING
    levels = [last.records.lookup] if last.HasField("records") else last.caa_walk.levels
    return DCV_LOOKUP if levels and levels[-1].HasField("absence") else PROOF_MISSING


def _is_bad_redirect(report: c.PerspectiveReport) -> bool:
    """Whether all that failed is a redirect that may not be followed."""
    hops = [hop for finding in report.observation.findings for hop in finding.http_get.hops]
    return bool(hops) and hops[-1].failure.kind == o.FAILURE_KIND_REDIRECT_NOT_ALLOWED
