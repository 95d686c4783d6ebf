"""The page for callers of Open MPIC: each difference that it names is shown by a test."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from coordinator.api.open_mpic.routes import BODY_OCTETS, PATHS
from coordinator.api.open_mpic.settings import OpenMpicTable
from tests.world.open_mpic import ask

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "deploy" / "open-mpic.md").read_text()
UNIT = "tests/unit/coordinator/api/open_mpic"
BAD = f"{UNIT}/test_question.py::test_what_our_rules_or_this_face_cannot_take_is_refused"
CAA = f"{UNIT}/test_question.py::test_caa_that_cannot_be_judged_as_asked_is_refused"
SEEN = f"{UNIT}/test_answer.py::test_what_all_see_is_judged_by_our_rules"
PAGES = f"{UNIT}/test_details.py::test_a_page_that_was_not_got_is_null_and_says_why"
COUNTS = f"{UNIT}/test_orchestration.py"

SHOWN_BY: Mapping[str, str] = {
    "`challenge_value` of fewer than 20": BAD,
    "`acme-tls-alpn-01` without the protocol": (
        f"{UNIT}/test_details.py"
        "::test_rfc8737_a_server_that_does_not_choose_the_protocol_proves_nothing"
    ),
    "a wildcard by a web server": (
        f"{UNIT}/test_question.py::test_br_3_2_2_4_18_to_20_no_web_server_validates_a_wildcard"
    ),
    "a redirect to an address": PAGES,
    "`http_token_path` with": BAD,
    "`match_regex`": BAD,
    "a persistent record": SEEN,
    "a longer page": PAGES,
    "`quorum_count` below": (f"{UNIT}/test_answer.py::test_a_smaller_quorum_is_told_as_it_is_used"),
    "CAA with `accounturi`": SEEN,
    "`allow_lookup_failure`": (
        f"{UNIT}/test_question.py::test_a_failed_lookup_is_no_permission_because_a_request_says_so"
    ),
    "`caa_domains` that are no": CAA,
    "a key authorization that": BAD,
    "some of an issuer's": CAA,
    "`certificate_type: s-mime`": CAA,
    "`ip-address`": f"{UNIT}/test_question.py::test_methods_that_are_not_judged_are_refused",
    "`http_headers`": BAD,
    "`require_exact_match: false`": SEEN,
    "a CNAME's `challenge_value`": SEEN,
    "`require_exact_case: false`": SEEN,
    "a `dns_name_prefix`": BAD,
    "`perspective_count` below": (
        f"{COUNTS}::test_smaller_numbers_have_no_effect_and_larger_ones_tighten"
    ),
    "more perspectives or": f"{COUNTS}::test_a_quorum_that_does_not_fit_the_count_is_refused",
    "`max_attempts`": f"{COUNTS}::test_there_is_one_cohort_and_one_attempt",
    "`cohort_for_single_attempt`": f"{COUNTS}::test_there_is_one_cohort_and_one_attempt",
    "an unknown field": (
        f"{UNIT}/test_body.py::test_an_unknown_field_is_refused_with_the_nearest_known_one"
    ),
    "a target with a final dot": (
        f"{UNIT}/test_question.py::test_what_is_no_name_for_a_certificate_is_refused"
    ),
    "a page that comes in several": (
        "tests/unit/perspective_agent/http/test_reply.py::test_a_response_in_any_pieces"
    ),
    "what is no UTF-8": (
        f"{UNIT}/test_details.py::test_records_that_are_no_text_are_told_escaped_or_not_at_all"
    ),
}
"""By how the first cell of a row begins: the test that shows the difference."""


def read_rows() -> list[str]:
    section = PAGE.partition("\n## Where the answers differ\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert lines[0] == "| what is sent or seen | Open MPIC | here | why |"
    return [line.strip("|").split(" | ")[0].strip().removeprefix("! ") for line in lines[2:]]


ROWS = read_rows()


@pytest.mark.parametrize("row", ROWS)
def test_a_difference_is_shown_by_a_test(row: str) -> None:
    (shown_by,) = [test for begins, test in SHOWN_BY.items() if row.startswith(begins)]
    file, name = shown_by.split("::")
    assert re.search(rf"(?m)^(async )?def {name}\(", (REPOSITORY / file).read_text())


def test_no_test_is_named_for_a_difference_that_the_page_does_not_have() -> None:
    assert len(ROWS) == len(SHOWN_BY)


def test_the_first_request_of_the_page_is_one() -> None:
    (body,) = re.findall(r"-d '(.*?)'", PAGE)
    assert ask(json.loads(body)).request.may_permit


def test_the_page_says_what_is_configured_and_served() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert OpenMpicTable(**tomllib.loads(text)["open_mpic"]).enabled
    assert all(f"`{path}`" in PAGE or f"`POST {path}`" in PAGE for path in PATHS)
    assert f"{BODY_OCTETS // 1024} KiB" in PAGE
