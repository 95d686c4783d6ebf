"""The resolver beside an agent: only on loopback, only with its control socket."""

from pathlib import Path

import pytest

from mpic.runtime.config import ConfigError
from perspective_agent import settings as module
from perspective_agent.settings import ResolverTable, check_file, read_settings
from perspective_agent.unbound.configuration import UnboundOptions
from perspective_agent.unbound.rules import LOCAL_ANSWERS, RULES

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


@pytest.mark.parametrize(
    ("caller", "is_one"),
    [
        ("spiffe://mpic.example/coordinator/main", True),
        ("main.coordinator.mpic.example", True),
        ("urn:example:main", True),
        ("main@mpic.example", False),
        ("*.mpic.example", False),
        ("spiffe://mpic.example/coordinator main", False),
        ("", False),
    ],
)
def test_a_caller_is_listed_by_a_uri_or_a_dns_name(
    tmp_path: Path, caller: str, is_one: bool
) -> None:
    (tmp_path / "root.key").write_text(DS)
    text = SHIPPED.read_text().replace("spiffe://mpic.example/coordinator/main", caller)
    assert f'allowed = ["{caller}"' in text
    file = tmp_path / "agent.toml"
    anchor = '[resolver]\ntrust_anchor_file = "root.key"\n'
    file.write_text(text.replace("[resolver]\n", anchor))
    if is_one:
        assert read_settings(file).callers.allowed == [caller]
    else:
        with pytest.raises(ConfigError, match="is neither a URI nor a DNS name"):
            read_settings(file)


def test_only_a_lab_takes_a_resolvers_own_answers(tmp_path: Path) -> None:
    assert read(tmp_path).rules() == list(RULES)
    spared = read(tmp_path, lab_allow_local_answers="true").rules()
    assert set(RULES) - set(spared) == {LOCAL_ANSWERS}


def file_with(directory: Path, *lines: str) -> Path:
    """Return the shipped file with these lines in its table [resolver]."""
    (directory / "root.key").write_text(DS)
    text = SHIPPED.read_text().replace("[resolver]\n", "\n".join(["[resolver]", *lines, ""]))
    file = directory / "agent.toml"
    file.write_text(text)
    return file


def test_who_changes_nothing_has_nothing_weakened() -> None:
    resolver = ResolverTable()
    assert resolver.mode == "private"
    assert resolver.require_validation
    assert not resolver.lab_allow_special_purpose_servers
    assert not resolver.lab_allow_local_answers
    # What is published at last is seen within minutes, what was removed too.
    assert resolver.cache_max_ttl <= 60
    assert resolver.cache_max_negative_ttl <= 10
    assert resolver.rules() == list(RULES)


def test_a_workers_resolver_is_what_the_file_says(tmp_path: Path) -> None:
    file = file_with(
        tmp_path,
        'trust_anchor_file = "root.key"',
        'root_hints_file = "root.hints"',
        'outgoing_address = "192.0.2.53"',
        "port = 5300",
        "cache_max_ttl = 7",
        "cache_max_negative_ttl = 3",
        "ipv6 = false",
        'executable = "/opt/unbound"',
    )
    table = read_settings(file).resolver
    assert table.options(2) == UnboundOptions(
        trust_anchor_file=tmp_path / "root.key",
        root_hints_file=tmp_path / "root.hints",
        outgoing_address="192.0.2.53",
        port=5302,
        cache_max_ttl=7,
        cache_max_negative_ttl=3,
        ipv6=False,
        allow_special_purpose_servers=False,
        executable="/opt/unbound",
        capacity=table.options().capacity,
    )
    anywhere = read_settings(file_with(tmp_path, 'trust_anchor_file = "root.key"')).resolver
    assert anywhere.options(2).port == 0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('["localhost"]', "'localhost' is not the name of a host"),
        ('["192.0.2.1:80"]', "is not the name of a host"),
        ('["WWW.example.com"]', "in lower case"),
        (str(["www.example.com"] * 11), "doctor_hosts"),
    ],
)
def test_hosts_for_the_doctor_are_names(tmp_path: Path, value: str, says: str) -> None:
    file = file_with(tmp_path, 'trust_anchor_file = "root.key"')
    text = file.read_text()
    file.write_text(text.replace("[connect]\n", f"[connect]\ndoctor_hosts = {value}\n"))
    with pytest.raises(ConfigError, match=says):
        read_settings(file)
    file.write_text(text.replace("[connect]\n", '[connect]\ndoctor_hosts = ["a.example"]\n'))
    assert read_settings(file).connect.doctor_hosts == ["a.example"]


@pytest.mark.parametrize("content", [None, "", "; nothing\n", "example. IN A 192.0.2.1\n", "\x00"])
def test_without_a_trust_anchor_nothing_starts(tmp_path: Path, content: str | None) -> None:
    file = file_with(tmp_path, 'trust_anchor_file = "anchor.key"')
    if content is not None:
        (tmp_path / "anchor.key").write_text(content)
    with pytest.raises(ConfigError, match="trust_anchor_file"):
        read_settings(file)


def test_a_resolver_beside_that_is_set_wrongly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "check_tls", lambda *_: ["of certificates"])
    lines = [f"{name} = {value}" for name, value in BESIDE.items()]
    file = file_with(tmp_path, 'trust_anchor_file = "root.key"', *lines)
    violations = [None, "val-permissive-mode is yes"]

    async def find_violation(*_: object) -> str | None:
        return violations.pop()

    monkeypatch.setattr(module, "find_violation", find_violation)
    with pytest.raises(ConfigError, match="val-permissive-mode is yes"):
        check_file(file)
    assert "of certificates" in check_file(file)
