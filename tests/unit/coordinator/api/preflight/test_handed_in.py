"""A list that was handed in is read as `mpic ask --file` reads it, up to a bound."""

import pytest

from coordinator.api.preflight.handed_in import read_list, read_pasted
from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.formats import ListFormat
from mpic.ask.lists.line import ListError
from tests.world.applications import application

HUNDRED = [b"h%d.example" % number for number in range(100)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.example\r\nb.example\n", [("a.example",), ("b.example",)]),
        ("# mine\n\n a.example \n", [(), (), ("a.example",)]),
    ],
)
def test_names_are_pasted_one_a_line(text: str, names: list[tuple[str, ...]]) -> None:
    found = read_pasted(text)
    assert [one.reading.names for one in found.lines] == names
    assert found.format is ListFormat.NAMES


def test_applications_are_pasted_or_dropped_and_given_back_in_their_encoding() -> None:
    line = application("www.example.jp")
    assert read_pasted(line).format is ListFormat.APPLICATIONS
    dropped = read_list("a.tsv", line.encode("cp932"))
    assert (dropped.format, dropped.encoding) == (ListFormat.APPLICATIONS, Encoding.SHIFT_JIS)
    assert dropped.dress("ja").pads
    assert dropped.lines[0].octets == line.encode("cp932")


def test_a_csv_has_its_names_in_a_column() -> None:
    found = read_list("a.csv", b"id,host\n1,a.example\n", "host")
    assert [one.reading.names for one in found.lines] == [("a.example",)]
    with pytest.raises(ListError, match="--column"):
        read_list("a.csv", b"id,host\n1,a.example\n")


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "no name"),
        (b"#\n", "no name"),
        (b"PK\x03\x04", "Excel"),
        (b"a.example\n" * 1001, "at most 1000 lines"),
        (b"a.example\n" + b"\n" * 10_000, "at most 1000 lines"),
        (
            b"host\n" + (b" ".join(b"h%d.example" % n for n in range(100)) + b"\n") * 51,
            "5000 names",
        ),
    ],
)
def test_what_is_no_list_or_too_long_is_refused(octets: bytes, says: str) -> None:
    with pytest.raises(ListError, match=says):
        read_list("a.csv" if octets.startswith(b"host") else "a.txt", octets)
