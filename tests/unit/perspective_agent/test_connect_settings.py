"""How an agent reaches web servers: what its file may say, and what holds if it says nothing."""

from pathlib import Path

import pytest

from mpic.runtime.config import ConfigError
from perspective_agent.connect.dialer import Reach
from perspective_agent.connect.places import Limits
from perspective_agent.egress import Egress
from perspective_agent.settings import AgentSettings, ConnectTable, read_settings

SHIPPED = Path(__file__).parents[3] / "deploy/agent.toml"
DS = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"


def read(directory: Path, connect: str = "", resolver: str = "") -> AgentSettings:
    """Read the shipped file with these lines in its tables."""
    (directory / "root.key").write_text(DS)
    text = SHIPPED.read_text()
    text = text.replace("[resolver]\n", f'[resolver]\ntrust_anchor_file = "root.key"\n{resolver}\n')
    text = text.replace("[connect]\n", f"[connect]\n{connect}\n")
    file = directory / "agent.toml"
    file.write_text(text)
    return read_settings(file)


def test_who_says_nothing_reaches_the_public_alone_and_with_measure(tmp_path: Path) -> None:
    assert read(tmp_path).reach() == Reach(Egress(), Limits(512, 4, 32), "")
    assert ConnectTable() == read(tmp_path).connect


def test_what_the_file_says_holds(tmp_path: Path) -> None:
    lines = """
contact_url = "https://mpic.example/who?we=are"
outgoing_addresses = ["198.20.0.1", "2a00::1"]
ipv6 = false
most_connections = 9
most_to_host = 2
most_to_address = 3
lab_allow_special_purpose_addresses = true
"""
    assert read(tmp_path, lines).reach() == Reach(
        Egress(("198.20.0.1", "2a00::1"), ipv6=False, allow_special_purpose=True),
        Limits(9, 2, 3),
        "https://mpic.example/who?we=are",
    )


def test_connections_leave_from_where_queries_leave_unless_it_says_otherwise(
    tmp_path: Path,
) -> None:
    queries = 'outgoing_address = "198.20.0.1"'
    assert read(tmp_path, "", queries).reach().egress == Egress(("198.20.0.1",))
    own = 'outgoing_addresses = ["2a00::1"]'
    assert read(tmp_path, own, queries).reach().egress == Egress(("2a00::1",))


def test_a_lab_for_queries_is_none_for_connections(tmp_path: Path) -> None:
    lab = "lab_allow_special_purpose_servers = true"
    assert not read(tmp_path, "", lab).reach().egress.allow_special_purpose


@pytest.mark.parametrize(
    "url", ["https://mpic.example/", "http://a", "mailto:mpic@example.net", "https://a/~b?c=d&e#f"]
)
def test_a_contact_is_a_url(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, f'contact_url = "{url}"').reach().contact_url == url


@pytest.mark.parametrize(
    "url",
    ["mpic.example", "ftp://mpic.example/", "https://", "https://a b", "https://a(b)", "https://é",
     r"https://a\r\nX: y", r"https://a\nb", r"https://a\n",
     f"https://{'a' * 201}"],
)  # fmt: skip
def test_what_could_break_a_header_is_no_contact(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="contact_url"):
        read(tmp_path, f'contact_url = "{url}"')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('outgoing_addresses = ["host"]', "host"),
        ('outgoing_addresses = ["198.20.0.1", "198.20.0.2"]', "two addresses of one family"),
        ('outgoing_addresses = ["2a00::1", "2a00::2"]', "two addresses of one family"),
        ("most_connections = 0", "most_connections"),
        ("most_to_host = 0", "most_to_host"),
        ("most_to_address = 0", "most_to_address"),
        ("most_per_host = 4", "most_to_host"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, line)
