"""What an agent looks up at a time, by how many files may be open."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from mpic.runtime.open_files import LEAST
from perspective_agent.unbound.capacity import FULL, find_capacity, fit_capacity
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config


@given(st.integers(LEAST, 2**20))
def test_whatever_the_limit_unbound_opens_no_more_and_has_a_socket_for_each_lookup(
    limit: int,
) -> None:
    capacity = fit_capacity(limit)
    assert capacity.files <= limit
    assert 2 * capacity.lookups <= capacity.outgoing_udp
    assert capacity.lookups <= 2 * capacity.outgoing_tcp
    assert capacity.incoming_tcp >= 4 * capacity.connections > 0
    assert 100 <= capacity.questions <= max(100, FULL.questions * limit / FULL.files)
    assert (capacity == FULL) == (limit >= FULL.files)


def test_with_the_limit_of_a_container_it_looks_up_less() -> None:
    with capture_logs() as logs:
        capacity = find_capacity(1024)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("open_files_few", "warning")
    assert (line["limit"], line["wanted"]) == (1024, FULL.files)
    assert (line["lookups"], line["questions"]) == (capacity.lookups, capacity.questions)
    assert "LimitNOFILE=65536" in line["mend"]
    with capture_logs() as logs:
        assert find_capacity(FULL.files) == FULL
    assert logs == []


@pytest.mark.parametrize("limit", [LEAST, 1024, 4096, 65536])
def test_unbound_is_told(limit: int) -> None:
    capacity = fit_capacity(limit)
    options = UnboundOptions(Path("/a/root.key"), capacity=capacity)
    lines = {line.strip() for line in unbound_config(options, 5300, Path("/run/x")).splitlines()}
    assert f"outgoing-range: {capacity.outgoing_udp}" in lines
    assert f"outgoing-num-tcp: {capacity.outgoing_tcp}" in lines
    assert f"incoming-num-tcp: {capacity.incoming_tcp}" in lines
