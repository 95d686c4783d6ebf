"""The resolver beside an agent: only on loopback, only with its control socket."""

from pathlib import Path

import pytest

from mpic.config import ConfigError
from perspective_agent.settings import ResolverTable, read_settings
from perspective_agent.unbound_rules import LOCAL_ANSWERS, RULES

SHIPPED = Path(__file__).parents[3] / "deploy/agent.toml"
BESIDE = {
    "mode": '"beside"',
    "address": '"127.0.0.1"',
    "port": "53",
    "control_socket": '"/run/unbound.ctl"',
}
DS = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"


def read(directory: Path, **changes: str | None) -> ResolverTable:
    """Read the shipped file with these options of a resolver beside the agent; None: left out."""
    (directory / "root.key").write_text(DS)
    options = BESIDE | {"trust_anchor_file": '"root.key"'} | changes
    lines = "".join(f"{name} = {value}\n" for name, value in options.items() if value)
    text = SHIPPED.read_text().replace("[resolver]\n", f"[resolver]\n{lines}")
    file = directory / "agent.toml"
    file.write_text(text)
    return read_settings(file).resolver


def test_a_resolver_on_this_host(tmp_path: Path) -> None:
    for address in ("127.0.0.1", "127.0.0.53", "::1"):
        assert read(tmp_path, address=f'"{address}"').beside_address() == (address, 53)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "192.168.0.1", "2001:4860:4860::8888", "fe80::1"]
)
def test_rfc_8657_5_6_ad_is_trusted_of_nobody_off_this_host(tmp_path: Path, address: str) -> None:
    """RFC 8659 section 5.4 as well: no public resolver."""
    with pytest.raises(ConfigError, match="is not a loopback address"):
        read(tmp_path, address=f'"{address}"')


@pytest.mark.parametrize(
    ("option", "says"), [("port", "needs a port"), ("control_socket", "needs a control_socket")]
)
def test_what_a_resolver_beside_the_agent_needs(tmp_path: Path, option: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, **{option: None})


def test_only_a_lab_takes_a_resolvers_own_answers(tmp_path: Path) -> None:
    assert read(tmp_path).rules() == list(RULES)
    spared = read(tmp_path, lab_allow_local_answers="true").rules()
    assert set(RULES) - set(spared) == {LOCAL_ANSWERS}
