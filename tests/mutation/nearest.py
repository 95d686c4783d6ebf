"""Which tests are asked about a fault in a file, one group after the other, until one notices it.

First those that bear the module's name, then those of its program, then all that start no server.
"""

from collections.abc import Sequence
from pathlib import Path

UNIT = "tests/unit"
CLAUSES = "tests/clauses"
# Those that start servers, which the tests that call this may have running already.
WITHOUT = (
    "tests/clauses/test_br_3_2_2_9_channels.py",
    "tests/clauses/test_br_3_2_2_9_identity.py",
    "tests/clauses/test_br_3_2_2_9_quorum.py",
    "tests/clauses/test_br_4_2_2_1_caa.py",
    "tests/clauses/test_br_4_2_2_2_dnssec.py",
    "tests/clauses/test_br_5_4_1_logging.py",
    "tests/clauses/test_caa_over_the_api.py",
    "tests/clauses/test_domain_control_over_the_api.py",
    "tests/clauses/test_hostile_dns.py",
    "tests/clauses/test_web_servers_over_the_api.py",
)
CAA = (
    "tests/clauses/test_rfc8659_caa_set.py",
    "tests/clauses/test_rfc8657_parameters.py",
    "tests/clauses/test_rfc9495_issuemail.py",
)
RULES = "tests/clauses/test_br_3_2_2_9_rules.py"
HTTP_01 = "tests/clauses/test_rfc8555_8_3_http_01.py"
REDIRECTS = "tests/clauses/test_br_3_2_2_4_19_redirects.py"
WEBSITE = "tests/clauses/test_br_3_2_2_4_18_website.py"
WEB_REQUESTS = "tests/unit/coordinator/checks/domain_control/test_web_requests.py"
ALPN = "tests/clauses/test_rfc8737_tls_alpn_01.py"

# A server of the test's own, or an agent's or a resolver's place: no program is started.
SERVER = "tests/integration/test_server.py"
LINK = "tests/integration/test_resolver_link.py"
# Stores of both kinds.
STORES = (
    "tests/integration/test_stores.py",
    "tests/integration/test_stores_postgresql.py",
    "tests/integration/test_retention.py",
    "tests/integration/test_record_tampering.py",
)

_ALL = (UNIT, CLAUSES)
_PROGRAMS = {
    "coordinator": ("tests/unit/coordinator", CLAUSES, *STORES),
    "perspective_agent": ("tests/unit/perspective_agent",),
    "proto": ("tests/unit/mpic",),
}
OPEN_MPIC = "tests/unit/coordinator/api/open_mpic"
_COORDINATOR, _RECORD = "tests/unit/coordinator", "tests/unit/coordinator/record"
_AGENT = "tests/unit/perspective_agent"
# Where the name of the tests says nothing of the file.
_BESIDE = {
    "coordinator/overload/admission.py": ("tests/unit/coordinator/decision/test_request.py",),
    "coordinator/api/perspective_list.py": ("tests/unit/coordinator/api/test_servicer.py",),
    "coordinator/api/report.py": ("tests/unit/coordinator/api/test_response.py",),
    "coordinator/api/open_mpic/check_response.py": (
        f"{OPEN_MPIC}/test_details.py",
        f"{OPEN_MPIC}/test_answer.py",
    ),
    "coordinator/api/open_mpic/issuers.py": (f"{OPEN_MPIC}/test_question.py",),
    "coordinator/api/open_mpic/messages.py": (
        f"{OPEN_MPIC}/test_body.py",
        f"{OPEN_MPIC}/test_question.py",
    ),
    "coordinator/api/open_mpic/methods.py": (f"{OPEN_MPIC}/test_question.py",),
    "coordinator/api/open_mpic/refusal.py": (
        f"{OPEN_MPIC}/test_body.py",
        f"{OPEN_MPIC}/test_question.py",
        f"{OPEN_MPIC}/test_routes.py",
    ),
    "coordinator/api/open_mpic/settings.py": ("tests/unit/coordinator/settings/test_settings.py",),
    "coordinator/checks/__init__.py": (
        "tests/unit/coordinator/decision/test_name_decision.py",
        "tests/unit/coordinator/decision/test_request.py",
        "tests/unit/coordinator/record/test_replay.py",
    ),
    "coordinator/doctor/rules.py": ("tests/unit/coordinator/doctor/test_doctor.py",),
    "coordinator/checks/domain_control/authorization_domain.py": (
        "tests/clauses/test_br_3_2_2_4_adn.py",
    ),
    "coordinator/checks/domain_control/check.py": (
        "tests/clauses/test_br_3_2_2_4_adn.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
        "tests/clauses/test_rfc8555_8_4_dns_01.py",
        "tests/clauses/test_br_3_2_2_4_22_persistent_txt.py",
    ),
    "coordinator/checks/domain_control/acme_dns.py": (
        "tests/clauses/test_rfc8555_8_4_dns_01.py",
        "tests/clauses/test_br_3_2_2_4_21_dns_account.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
    ),
    "coordinator/checks/domain_control/dns_change.py": (
        "tests/clauses/test_br_3_2_2_4_7_dns_change.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
    ),
    "coordinator/checks/domain_control/persistent_dns_txt.py": (
        "tests/clauses/test_br_3_2_2_4_22_persistent_txt.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
    ),
    "coordinator/checks/domain_control/reuse.py": (
        "tests/clauses/test_br_3_2_2_4_22_persistent_txt.py",
    ),
    "coordinator/checks/domain_control/contact.py": (
        "tests/clauses/test_br_3_2_2_4_13_to_17_contacts.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
    ),
    "coordinator/checks/domain_control/method.py": (
        "tests/clauses/test_rfc8555_8_4_dns_01.py",
        "tests/unit/coordinator/checks/domain_control/test_check.py",
    ),
    "coordinator/checks/domain_control/key_authorization.py": (
        "tests/unit/coordinator/checks/domain_control/test_check.py",
        "tests/unit/coordinator/checks/domain_control/test_parameters.py",
        HTTP_01,
    ),
    "coordinator/checks/domain_control/methods.py": (HTTP_01, WEBSITE, ALPN),
    "coordinator/checks/domain_control/acme_http.py": (HTTP_01, WEB_REQUESTS),
    "coordinator/checks/domain_control/website_change.py": (WEBSITE, WEB_REQUESTS),
    "coordinator/checks/domain_control/random_value.py": (WEBSITE,),
    "coordinator/checks/domain_control/web_page.py": (REDIRECTS, HTTP_01, WEBSITE, WEB_REQUESTS),
    "coordinator/checks/domain_control/http_evidence.py": (REDIRECTS,),
    "coordinator/checks/domain_control/connection_evidence.py": (
        "tests/unit/coordinator/checks/domain_control/test_http_evidence.py",
        "tests/unit/coordinator/checks/domain_control/test_acme_tls_alpn.py",
        ALPN,
    ),
    "coordinator/checks/domain_control/acme_tls_alpn.py": (ALPN, WEB_REQUESTS),
    "coordinator/checks/domain_control/acme_certificate.py": (ALPN,),
    "coordinator/checks/addresses.py": ("tests/unit/coordinator/decision/test_request.py",),
    "coordinator/corroboration.py": ("tests/unit/coordinator/test_corroboration_requests.py",),
    "coordinator/decision/vote.py": ("tests/unit/coordinator/decision/test_name_decision.py",),
    "coordinator/checks/caa/relevant_set.py": (
        *CAA,
        "tests/unit/coordinator/checks/caa/test_any_set.py",
    ),
    "coordinator/checks/caa/check.py": (
        "tests/unit/coordinator/checks/caa/test_lookup_failure.py",
        "tests/unit/coordinator/decision/test_request.py",
        *CAA,
    ),
    "coordinator/checks/caa/parameters.py": (CAA[1],),
    "coordinator/checks/caa/value.py": CAA,
    "proto/mpic/ask/answer_lines.py": ("tests/unit/mpic/ask/test_answer.py",),
    "proto/mpic/words/observed.py": (
        "tests/unit/mpic/ask/test_answer.py",
        "tests/unit/mpic/ask/test_answer_table.py",
    ),
    "proto/mpic/ask/wrapping.py": ("tests/unit/mpic/ask/test_answer.py",),
    "proto/mpic/words/sentences.py": (
        "tests/unit/mpic/explain",
        "tests/unit/mpic/words/test_sentences.py",
        "tests/unit/mpic/ask/test_answer.py",
    ),
    "proto/mpic/words/problems.py": (
        "tests/unit/mpic/words/test_sentences.py",
        "tests/unit/mpic/explain",
    ),
    "proto/mpic/words/problem_sentences.py": (
        "tests/unit/mpic/words/test_sentences.py",
        "tests/unit/mpic/explain",
    ),
    "proto/mpic/words/codes.py": ("tests/unit/mpic/words/test_sentences.py",),
    "proto/mpic/words/facts.py": (
        "tests/unit/mpic/words/test_sentences.py",
        "tests/unit/mpic/explain",
        "tests/unit/mpic/ask/test_answer.py",
        "tests/unit/mpic/ask/test_command.py",
    ),
    "proto/mpic/caa_record.py": (*CAA, "tests/unit/mpic/test_caa_record.py"),
    "coordinator/checks/caa/walk.py": (
        "tests/unit/coordinator/checks/caa/test_relevant_set.py",
        "tests/unit/coordinator/checks/caa/test_lookup_failure.py",
    ),
    "coordinator/rules/policy.py": (RULES,),
    "coordinator/rules/quorum.py": (RULES,),
    "coordinator/rules/roster.py": (RULES,),
    "coordinator/telemetry/collectors.py": ("tests/unit/coordinator/telemetry/test_metrics.py",),
    "coordinator/checks/caa/issuer.py": (
        "tests/unit/coordinator/settings/test_settings.py",
        *CAA,
    ),
    "coordinator/checks/check.py": (
        "tests/unit/coordinator/decision/test_name_decision.py",
        "tests/unit/coordinator/checks/caa/test_relevant_set.py",
        "tests/unit/coordinator/rules/test_responsibility.py",
        "tests/unit/coordinator/checks/test_addresses.py",
    ),
    "coordinator/doctor/perspectives.py": ("tests/unit/coordinator/doctor/test_doctor.py",),
    "coordinator/perspectives/client.py": ("tests/integration/test_link.py",),
    "coordinator/perspectives/open_questions.py": (
        "tests/unit/coordinator/perspectives/test_fanout.py",
    ),
    "coordinator/perspectives/errors.py": ("tests/integration/test_link.py",),
    "coordinator/settings/policy.py": ("tests/unit/coordinator/settings/test_settings.py",),
    "coordinator/record/basis.py": ("tests/unit/coordinator/api/test_record_queries.py",),
    "coordinator/record/chain_writer.py": (
        "tests/unit/coordinator/record/test_publisher.py",
        "tests/unit/coordinator/record/test_writer.py",
    ),
    "coordinator/record/coverage.py": ("tests/unit/coordinator/commands/record/test_commands.py",),
    "coordinator/commands/record/maintain.py": (
        "tests/unit/coordinator/commands/record/test_commands.py",
    ),
    "coordinator/commands/record/terminal.py": (
        "tests/unit/coordinator/commands/record/test_commands.py",
    ),
    "coordinator/record/entries.py": ("tests/unit/coordinator/record/test_older.py",),
    "coordinator/record/replay.py": ("tests/unit/coordinator/record/test_older.py",),
    "coordinator/record/unrecorded.py": ("tests/unit/coordinator/record/test_writer.py",),
    "coordinator/record/determination.py": ("tests/unit/coordinator/record/test_idempotency.py",),
    "coordinator/decision/attempt_id.py": ("tests/integration/test_stores.py",),
    "coordinator/record/inspection.py": (
        "tests/unit/coordinator/commands/record/test_commands.py",
        "tests/integration/test_record_tampering.py",
    ),
    "coordinator/record/prunings.py": ("tests/unit/coordinator/commands/record/test_commands.py",),
    "coordinator/record/prune.py": ("tests/integration/test_retention.py", *STORES),
    "coordinator/record/retention.py": ("tests/integration/test_retention.py",),
    "coordinator/record/stores/postgresql/connection.py": (
        "tests/integration/test_stores_postgresql.py",
    ),
    "coordinator/record/stores/postgresql/insert.py": (
        "tests/integration/test_stores.py",
        "tests/integration/test_stores_postgresql.py",
    ),
    "coordinator/record/stores/postgresql/prune.py": (
        "tests/integration/test_stores_postgresql.py",
    ),
    "coordinator/record/stores/postgresql/store.py": (
        "tests/integration/test_stores.py",
        "tests/integration/test_stores_postgresql.py",
    ),
    "coordinator/record/stores/postgresql/schema.py": (
        "tests/integration/test_stores_postgresql.py",
    ),
    "coordinator/commands/record/export.py": (
        "tests/unit/coordinator/commands/record/test_commands.py",
    ),
    "coordinator/commands/record/query.py": (
        "tests/unit/coordinator/commands/record/test_commands.py",
    ),
    "coordinator/record/stores/sqlite/rows.py": (
        "tests/unit/coordinator/record/test_writer.py",
        "tests/integration/test_stores.py",
    ),
    "coordinator/record/write_queue.py": ("tests/unit/coordinator/record/test_writer.py",),
    "coordinator/decision/verdict.py": ("tests/unit/coordinator/api/test_response.py",),
    "perspective_agent/connect/tls.py": (f"{_AGENT}/tls/test_client.py",),
    "perspective_agent/checks/caa_walk.py": ("tests/unit/perspective_agent/checks/test_checks.py",),
    "perspective_agent/checks/insecurity.py": (
        "tests/unit/perspective_agent/checks/test_checks.py",
    ),
    "perspective_agent/checks/__init__.py": (
        "tests/unit/perspective_agent/checks/test_checks.py",
        "tests/unit/perspective_agent/test_examine.py",
    ),
    "perspective_agent/examine.py": (
        "tests/unit/perspective_agent/test_examine.py",
        "tests/unit/perspective_agent/test_wants.py",
    ),
    "perspective_agent/app.py": ("tests/unit/perspective_agent/test_start.py",),
    "perspective_agent/doctor/resolver.py": ("tests/unit/perspective_agent/doctor/test_doctor.py",),
    "perspective_agent/dns/connection.py": (LINK,),
    "perspective_agent/unbound/control.py": (LINK,),
    "perspective_agent/unbound/validation_probe.py": (
        "tests/unit/perspective_agent/unbound/test_process.py",
    ),
    "perspective_agent/dns/resolver.py": (LINK,),
    "perspective_agent/unbound/configuration.py": (
        "tests/unit/perspective_agent/unbound/test_process.py",
    ),
    "perspective_agent/unbound/rules.py": ("tests/unit/perspective_agent/unbound/test_process.py",),
    "proto/mpic/name_form.py": ("tests/unit/mpic/test_names.py",),
    "proto/mpic/bounds.py": ("tests/unit/coordinator/overload/test_admission.py",),
    "proto/mpic/runtime/in_flight.py": (
        "tests/unit/coordinator/record/test_writer.py",
        "tests/unit/perspective_agent/test_stream.py",
    ),
    "proto/mpic/channel.py": (SERVER,),
    "proto/mpic/runtime/doctor/grpcio.py": ("tests/unit/mpic/runtime/grpc/test_acceptors.py",),
    "proto/mpic/runtime/grpc/acceptors.py": ("tests/integration/test_acceptors.py", SERVER),
    "proto/mpic/runtime/grpc/errors.py": (SERVER,),
    "proto/mpic/runtime/grpc/handlers.py": (SERVER,),
    "proto/mpic/runtime/grpc/identity.py": (SERVER,),
    "proto/mpic/runtime/grpc/serving.py": (SERVER,),
    "proto/mpic/runtime/grpc/tls.py": (SERVER,),
    "proto/mpic/runtime/open_files.py": ("tests/integration/test_file_limit.py",),
    "proto/mpic/runtime/pki.py": ("tests/integration/test_pki.py",),
    "proto/mpic/runtime/workers.py": ("tests/integration/test_worker_restarts.py",),
    "proto/mpic/runtime/certificate_owner.py": (
        "tests/unit/mpic/runtime/test_certificate_check.py",
    ),
}


_HTTP = "tests/unit/coordinator/api/http"
_EXPLAIN = "tests/unit/mpic/explain"
_LISTS = "tests/unit/mpic/ask/lists"
# Where tests are those of a whole room.
_ROOMS = {
    "coordinator/api/http": (_HTTP,),
    "proto/mpic/explain": (_EXPLAIN,),
    "proto/mpic/ask/lists": tuple(
        f"{_LISTS}/test_{part}.py" for part in ("formats", "outputs", "run")
    ),
}


def nearest_of(file: str, project: Path) -> Sequence[str]:
    """Return the tests that are nearest to a file; they take seconds, and there may be none."""
    program, *folders = Path(file).parts[:-1]
    room = "/".join(folders if program == "proto" else [program, *folders])
    stem = Path(file).stem if Path(file).stem != "__init__" else Path(room).name
    own = f"{UNIT}/{room}/test_{stem}.py"
    nearest = [own] if (project / own).exists() else []
    return [*nearest, *_BESIDE.get(file, ()), *_ROOMS.get(str(Path(file).parent), ())]


def others_of(file: str) -> Sequence[Sequence[str]]:
    """Return the groups of tests to ask where the nearest notice nothing, one after the other."""
    return _PROGRAMS[Path(file).parts[0]], _ALL
