"""Faults in judging what is recorded again."""

from tests.mutation.fault import Fault

REPLAY = "coordinator/record/replay.py"

FAULTS = [
    Fault("a tightened quorum is loosened", REPLAY, "attempted, record.tightening.min_corroborating, agreement)", "attempted, 0, agreement)"),
    Fault("a looser agreement that was asked for counts", REPLAY, "agreement = row.address_agreement if is_looser(demanded, row.address_agreement) else demanded", "agreement = demanded"),
    Fault("a tightened agreement is loosened", REPLAY, "agreement = row.address_agreement if is_looser(demanded, row.address_agreement) else demanded", "agreement = row.address_agreement"),
    Fault("the primary was a remote too", REPLAY, "attempted = len(record.perspectives) - 1", "attempted = len(record.perspectives)"),
    Fault("today's issuers do not count", REPLAY, "issuer = only or issuers.get(record.issuer) or _recorded_issuer(record)", "issuer = _recorded_issuer(record)"),
    Fault("a named issuer is the only one there is", REPLAY, "if len(issuers) == 1 and not record.issuer else None", "if len(issuers) == 1 else None"),
    Fault("any issuer is the one that was not named", REPLAY, "if len(issuers) == 1 and not record.issuer else None", "if not record.issuer else None"),
    Fault("a wildcard is judged as a plain name", REPLAY, "wildcard=is_wildcard(name.asked)", "wildcard=False"),
    Fault("the name is as it was asked", REPLAY, "name=name.looked_up or name.asked", "name=name.asked"),
    Fault("the account is lost", REPLAY, "        account_uri=record.account_uri,\n", ""),
    Fault("the method is lost", REPLAY, "        validation_method=record.validation_method,\n", ""),
    Fault("understood tags are lost", REPLAY, "        understood_tags=issuer.understood_tags,\n", ""),
    Fault("the agreement is lost", REPLAY, "        address_agreement=terms.address_agreement,\n", ""),
    Fault("today's leave for failures is lost", REPLAY, "        permit_caa_failure_in_insecure_zone=terms.row.permit_caa_failure_in_insecure_zone,\n", ""),
    Fault("who was not awaited had nothing to say", REPLAY, "        if reply.dissent != c.DISSENT_NOT_AWAITED:", "        if True:"),
    Fault("who was late counts at once", REPLAY, "return (2 if reply.dissent == c.DISSENT_LATE else 0), 0", "return 0, 0"),
    Fault("late replies always count", REPLAY, "        if not ballot.reason:\n            for late", "        if True:\n            for late"),
    Fault("late replies never count", REPLAY, "        if not ballot.reason:\n            for late", "        if False:\n            for late"),
    Fault("a late reply is about every name", REPLAY, "                if late.name == index:\n", "                if True:\n"),
    Fault("what came late was never seen", REPLAY, "    if late.observation:\n", "    if False:\n"),
    Fault("an approval that falls is no reversal", REPLAY, "approved != (self.reason == c.REASON_CORROBORATED)", "not approved and (self.reason == c.REASON_CORROBORATED)"),
    Fault("any change is a reversal", REPLAY, "return approved != (self.reason == c.REASON_CORROBORATED)", "return True"),
    Fault("nothing changes", REPLAY, "        if ballot.reason != name.reason:", "        if False:"),
    Fault("the row is always today's", REPLAY, "rules.policy.row_at(rules.as_of or asked_at)", "rules.policy.row_at(rules.as_of or datetime.now(UTC))"),
    Fault("the row is always the question's", REPLAY, "rules.policy.row_at(rules.as_of or asked_at)", "rules.policy.row_at(asked_at)"),
    Fault("one saw what another saw", REPLAY, "observations[reply.observation - 1]", "observations[0]"),
    Fault("who was not there is not named", REPLAY, "if now == c.DISSENT_NOT_AWAITED]", "if now]"),
    Fault("who stands elsewhere is not told", REPLAY, "if then != now]", "if then]"),
]  # fmt: skip
