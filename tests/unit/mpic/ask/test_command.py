"""What `mpic ask` ends with: by its exit status a script knows whether to issue."""

from collections.abc import Sequence

import pytest
import typer

from mpic.ask.command import _read_agreement
from mpic.ask.exit_status import APPROVED, REFUSED, UNDETERMINED, exit_code
from mpic.v1 import corroboration_pb2 as c

FINE, FORBIDS = c.REASON_CORROBORATED, c.REASON_PRIMARY_FORBIDS
AWAY, CUT = c.REASON_PRIMARY_UNAVAILABLE, c.REASON_CUT_SHORT


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ([FINE], APPROVED),
        ([FINE, FINE], APPROVED),
        ([FINE, FORBIDS], REFUSED),
        ([c.REASON_QUORUM_NOT_MET], REFUSED),
        ([c.REASON_NOT_IN_PUBLIC_DNS, FORBIDS], REFUSED),
        ([AWAY], UNDETERMINED),
        ([CUT, AWAY, FINE], UNDETERMINED),
        # What is known refuses, whatever else is not.
        ([AWAY, FORBIDS], REFUSED),
    ],
)
def test_a_verdict_is_its_exit_status(reasons: Sequence[c.Reason.ValueType], code: int) -> None:
    names = [c.NameVerdict(reason=one, approved=one == FINE) for one in reasons]
    approved = all(name.approved for name in names)
    assert exit_code(c.CorroborateResponse(approved=approved, names=names)) == code
    assert (code == 0) == approved


QUORUM, MISSED = c.REASON_QUORUM_NOT_MET, c.REASON_REGIONS_NOT_MET
DOMAIN, CALLER, SERVICE = c.RESPONSIBLE_DOMAIN, c.RESPONSIBLE_CALLER, c.RESPONSIBLE_SERVICE


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        ([(QUORUM, DOMAIN)], REFUSED),
        ([(QUORUM, SERVICE)], UNDETERMINED),
        ([(MISSED, SERVICE)], UNDETERMINED),
        ([(c.REASON_TOO_FEW_REMOTES, SERVICE)], UNDETERMINED),
        ([(CUT, CALLER), (QUORUM, SERVICE)], UNDETERMINED),
        ([(QUORUM, SERVICE), (FORBIDS, DOMAIN)], REFUSED),
        # Of an answer that says both, the one that refuses counts.
        ([(AWAY, DOMAIN)], REFUSED),
    ],
)
def test_what_only_the_service_failed_at_is_to_be_asked_again(
    refused: Sequence[tuple[c.Reason.ValueType, c.Responsible.ValueType]], code: int
) -> None:
    names = [c.NameVerdict(reason=reason, responsible=whose) for reason, whose in refused]
    approved = c.NameVerdict(reason=FINE, approved=True)
    assert exit_code(c.CorroborateResponse(names=[approved, *names])) == code


def test_an_agreement_is_one_of_three() -> None:
    assert _read_agreement("") == c.ADDRESS_AGREEMENT_UNSPECIFIED
    assert _read_agreement("overlap") == c.ADDRESS_AGREEMENT_OVERLAP
    for wrong in ("exactly", "UNSPECIFIED-", "none"):
        with pytest.raises(typer.BadParameter):
            _read_agreement(wrong)
