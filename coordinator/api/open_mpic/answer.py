"""The record of a question to the answer of Open MPIC's API. Pure.

The keys stand in the order in which Open MPIC serves them.
"""

from collections.abc import Sequence

from coordinator.api.open_mpic.check_response import (
    PRIMARY,
    TOO_MANY_FAILED,
    Error,
    is_completed,
    show_check,
)
from coordinator.api.open_mpic.messages import MpicDcvRequest, MpicRequest
from coordinator.api.open_mpic.orchestration import UsedCounts
from coordinator.api.open_mpic.question import Translated
from coordinator.api.response import fill_whole_answer
from coordinator.decision.verdict import QUORUM_ERROR
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

_ONE_REGION = 2
"""Of so many perspectives at most, Open MPIC wants no second service region."""
_NOT_THE_DOMAINS = (c.RESPONSIBLE_CALLER, c.RESPONSIBLE_SERVICE)

Reports = Sequence[c.PerspectiveReport]


def make_answer(record: r.Record, translated: Translated) -> dict[str, object]:
    """Return the answer to a request from its record."""
    response = c.CorroborateResponse()
    fill_whole_answer(response, record)
    (verdict,) = response.names
    primary, *remotes = verdict.perspectives
    asked = translated.asked
    counts = UsedCounts(len(remotes), verdict.required)
    is_valid = response.approved if asked.check_type == "caa" else response.corroborated
    if translated.honour_smaller_quorum:
        counts = translated.counts
        remotes = remotes[: counts.perspectives]
        is_valid = _is_met(remotes, counts)
    is_known = is_valid or verdict.responsible not in _NOT_THE_DOMAINS
    missing = sum(not is_completed(one) for one in remotes)
    is_enough = missing <= counts.perspectives - counts.quorum and is_completed(primary)
    error = None if is_valid else _explain(verdict)
    return {
        "mpic_completed": is_known and is_enough,
        "request_orchestration_parameters": _echo_orchestration(asked),
        "actual_orchestration_parameters": {
            "perspective_count": counts.perspectives,
            "quorum_count": counts.quorum,
            "attempt_count": 1,
        },
        "check_type": asked.check_type,
        "domain_or_ip_target": asked.domain_or_ip_target,
        "is_valid": is_valid,
        "trace_identifier": asked.trace_identifier,
        "perspectives": _show_perspectives(remotes, asked, response, error),
        **_echo_parameters(asked),
        "previous_attempt_results": None,
    }


def _show_perspectives(
    remotes: Reports, asked: MpicRequest, response: c.CorroborateResponse, error: Error | None
) -> list[dict[str, object]]:
    """Return the response of each; those that do not pass also say why the verdict is not valid."""
    asked_at, all_pass = response.asked_at.ToNanoseconds(), all(one.corroborates for one in remotes)
    return [
        {
            "perspective_code": one.perspective_id,
            "check_response": show_check(
                one, asked, asked_at, error if all_pass or not one.corroborates else None
            ),
        }
        for one in remotes
    ]


def _is_met(remotes: Reports, counts: UsedCounts) -> bool:
    """Whether a quorum is met as Open MPIC counts it; only labs are answered so."""
    passing = [one for one in remotes if one.corroborates]
    regions = {one.rir for one in passing}
    is_wide = counts.perspectives <= _ONE_REGION or len(regions) > 1
    return len(passing) >= counts.quorum and is_wide


def _explain(verdict: c.NameVerdict) -> Error:
    """Return the error that says why the verdict is not valid."""
    reason = c.Reason.Name(verdict.reason).removeprefix("REASON_")
    text = f"{reason}: {verdict.detail}"
    if verdict.error.code == QUORUM_ERROR:
        return {"error_type": TOO_MANY_FAILED, "error_message": f"{QUORUM_ERROR}: {text}"}
    return {"error_type": PRIMARY, "error_message": text}


def _echo_orchestration(asked: MpicRequest) -> dict[str, object] | None:
    parameters = asked.orchestration_parameters
    return None if parameters is None else parameters.echo()


def _echo_parameters(asked: MpicRequest) -> dict[str, object]:
    if isinstance(asked, MpicDcvRequest):
        return {"dcv_check_parameters": asked.dcv_check_parameters.echo()}
    parameters = asked.caa_check_parameters
    return {"caa_check_parameters": None if parameters is None else parameters.echo()}
