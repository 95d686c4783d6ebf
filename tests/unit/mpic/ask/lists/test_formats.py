"""Lists of each format, right and wrong: the place, what is wrong, and that the rest is read."""

import csv
import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.ask.lists.encoding import Encoding
from mpic.ask.lists.formats import MOST_RECORD_LINES, ListFormat, ListOptions, ListReader
from mpic.ask.lists.line import ListError, ListLine, Remark
from mpic.ask.lists.source import MOST_OCTETS, RawLine, Source
from tests.world.applications import application

CSV = ListOptions(ListFormat.CSV, column="host")


def read(octets: bytes, name: str = "list", options: ListOptions | None = None) -> list[ListLine]:
    """Return what a file says."""
    source = Source(name, io.BytesIO(octets))
    return list(ListReader(name, options or ListOptions()).read(source.lines()))


def names_of(lines: Iterable[ListLine]) -> list[tuple[str, ...]]:
    return [line.reading.names for line in lines]


def test_names_a_line_with_blank_lines_and_comments() -> None:
    lines = read(b"# servers\nwww.example.com\r\n\n*.example.org  # all\n  \xe4\xbe\x8b.example")
    assert names_of(lines) == [(), ("www.example.com",), (), ("*.example.org",), ("例.example",)]
    assert not any(line.reading.malformed for line in lines)
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"https://www.example.com/", "is a URL"),
        (b"localhost", "single label"),
        (b"a.example, b.example", "more than one name"),
        (b"a.example b.example", "more than one name"),
        (b"b.example\rc.example\r\r", "octet 10 of the line is a CR without LF"),
        (b"www.ex\x00ample.com", "octet 7 of the line is a NUL octet"),
        (b"www.\x81\x20.example", "octet 5 of the line is 0x81, which is no UTF-8"),
        (b"a" * (MOST_OCTETS + 9), "is longer than 65,536 octets"),
    ],
)
def test_a_wrong_line_of_names_costs_no_other(line: bytes, says: str) -> None:
    before, wrong, after = read(b"\n".join([b"a.example", line, b"z.example"]))
    assert names_of([before, after]) == [("a.example",), ("z.example",)]
    assert wrong.number == 2
    assert not wrong.reading.names
    assert wrong.reading.malformed is not None
    assert says in wrong.reading.malformed.text


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_applications_in_every_encoding(encoding: str, end: str) -> None:
    texts = [
        application("www.example.ac.jp"),
        application("ml.example.ac.jp", "dNSName=a.example.ac.jp,dNSName=b.example.ac.jp"),
    ]
    lines = read(end.join(texts).encode(encoding), "applications.txt")
    assert names_of(lines) == [
        ("www.example.ac.jp",),
        ("ml.example.ac.jp", "a.example.ac.jp", "b.example.ac.jp"),
    ]
    assert not any(line.reading.notes for line in lines)
    assert b"".join(line.octets for line in lines) == end.join(texts).encode(
        encoding.removesuffix("-sig")
    )


@pytest.mark.parametrize(
    "further",
    ["a.example b.example", "A.Example,dnsname = b.example ,", "dNSName=a.example;b.example"],
)
def test_further_names_are_read_leniently(further: str) -> None:
    (line,) = read(application("www.example", further).encode(), "a.tsv")
    assert [name.lower() for name in line.reading.names] == [
        "www.example",
        "a.example",
        "b.example",
    ]


def test_the_servers_name_may_stand_among_the_further_ones_too() -> None:
    (line,) = read(
        application("www.example", "dNSName=WWW.example,dNSName=b.example").encode(), "a.tsv"
    )
    assert line.reading.names == ("www.example", "b.example")


def test_a_line_may_end_after_the_servers_name() -> None:
    text = application("www.example").rsplit("\t", 2)[0]
    (line,) = read(text.encode(), "a.tsv")
    assert line.reading.names == ("www.example",)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("CN=www.example\t3\twww.example", 11, "the line has 3 of 13 columns"),
        ("www.example", 11, "--format names"),
        (application(""), 11, "is empty"),
        (
            application("www.example", c8="大学\t太郎"),
            11,
            '"taro@example.ac.jp" is a URL or an address',
        ),
        (
            application("www.example", "dNSName=b.example,dNSName=203.0.113.7"),
            13,
            "is an IP address",
        ),
        (application("www.example", c12='"Apache\t2.4"'), 12, "opens a quote that is not closed"),
        (application("ﾎｽﾄ"), 11, "is a single label"),
        (
            application("www.example", " ".join(f"a{n}.example" for n in range(120))),
            13,
            "has 120 names",
        ),
    ],
)
def test_a_wrong_application_is_named_by_its_column(text: str, column: int, says: str) -> None:
    lines = read(
        f"{application('a.example')}\n{text}\n{application('z.example')}".encode("cp932"), "a.tsv"
    )
    assert names_of(lines) == [("a.example",), (), ("z.example",)]
    wrong = lines[1].reading.malformed
    assert wrong is not None
    assert wrong.column == column
    assert says in wrong.text


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        (
            application("www.example", c1="CN=ww.example,C=JP"),
            1,
            'has CN=ww.example, but column 11 "www.example"',
        ),
        (application("www.example", c1="O=Example"), 1, "has no CN"),
        (application("www.example", c1='"CN=www.example,C=JP"'), 1, "is in quotes"),
        (application(f"{'a' * 60}.example"), 11, "has 68 characters; UPKI takes at most 64"),
        (
            application("www.example", ",".join(f"dNSName=a{n}.example" for n in range(20))),
            13,
            "UPKI takes at most 250",
        ),
        (application("www.example") + "\tmore", 14, "is not read"),
    ],
)
def test_what_only_differs_is_told_and_asked(text: str, column: int, says: str) -> None:
    (line,) = read(text.encode("cp932"), "a.tsv")
    assert line.reading.names
    assert line.reading.malformed is None
    assert [(note.column, says in note.text) for note in line.reading.notes] == [(column, True)]


def test_a_cn_in_capitals_is_the_same_name() -> None:
    (line,) = read(application("www.example", c1="CN=WWW.Example,C=JP").encode(), "a.tsv")
    assert not line.reading.notes


def test_names_in_quotes_are_names() -> None:
    text = "\t".join(f'"{cell}"' for cell in application("www.example").split("\t"))
    (line,) = read(text.encode("cp932"), "a.tsv")
    assert line.reading.names == ("www.example",)
    assert line.reading.notes == (Remark(1, "is in quotes; UPKI's format has none, take them out"),)


def test_a_wrong_octet_of_an_application_is_named_by_its_column() -> None:
    good, bad = (application("www.example").encode("cp932") for _ in range(2))
    (first, second) = read(good + b"\n" + bad.replace(b"Apache", b"\x81\x20"), "a.tsv")
    assert first.reading.names
    wrong = second.reading.malformed
    assert wrong is not None
    assert wrong.column == 12
    assert "which is no Shift_JIS there; save the file in Shift_JIS" in wrong.text


def test_a_line_in_the_other_encoding_is_told_so() -> None:
    text = application("www.example")
    lines = read(f"{text}\n{text}\n".encode() + text.encode("cp932"), "a.tsv")
    assert names_of(lines) == [("www.example",), ("www.example",), ()]
    assert lines[2].reading.malformed is not None
    assert (
        "the line is Shift_JIS: save the whole file in one encoding"
        in lines[2].reading.malformed.text
    )


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        ("www.example\n".encode("utf-16"), "is UTF-16, as a spreadsheet writes"),
        (b"PK\x03\x04....", "is an Excel workbook"),
        (b"%PDF-1.7\n", "is a PDF"),
    ],
)
def test_what_is_no_text_is_refused_as_a_whole(octets: bytes, says: str) -> None:
    with pytest.raises(ListError, match=says):
        read(octets)


def test_a_column_of_a_csv_with_several_names_in_a_cell() -> None:
    octets = b'id,Host,note\r\n1,www.example.com,"a ""b"", c"\r\n2,"a.example, b.example",\r\n\r\n'
    lines = read(octets, options=CSV)
    assert names_of(lines) == [("www.example.com",), ("a.example", "b.example"), ()]
    assert [line.number for line in lines] == [2, 3, 4]


def test_a_cell_may_have_line_ends_in_quotes() -> None:
    lines = read(
        b'host,note\n"a.example\nb.example",x\nz.example,"y\n\nz"\nq.example,\n', options=CSV
    )
    assert names_of(lines) == [("a.example", "b.example"), ("z.example",), ("q.example",)]
    assert [line.number for line in lines] == [2, 4, 7]


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ('"a.example,x', 1, "opens a quote that is not closed"),
        ('5" disk,x', 1, "has a quote at a wrong place"),
        ('"a.example"x,x', 1, "has a quote at a wrong place"),
        (",x", 1, "is empty"),
        ('x,"y', 2, "opens a quote that is not closed"),
    ],
)
def test_a_wrong_record_costs_no_other(line: str, column: int, says: str) -> None:
    rest = "\n".join(f"h{n}.example,5" for n in range(2 * MOST_RECORD_LINES))
    lines = read(f"host,n\na.example,1\n{line}\n{rest}\n".encode(), options=CSV)
    assert names_of(lines)[0] == ("a.example",)
    assert names_of(lines[2:]) == [(f"h{n}.example",) for n in range(2 * MOST_RECORD_LINES)]
    wrong = lines[1].reading.malformed
    assert wrong is not None
    assert (wrong.column, says in wrong.text) == (column, True)


def test_a_record_may_be_too_short() -> None:
    options = ListOptions(ListFormat.CSV, column="c")
    (wrong, good) = read(b"a,b,c\n1,2\n1,2,www.example\n", options=options)
    assert wrong.reading.malformed == Remark(3, "is missing: the line has 2 of at least 3 columns")
    assert good.reading.names == ("www.example",)


@pytest.mark.parametrize(
    ("heading", "column", "says"),
    [
        ("id,host", "", "say with --column which column has the names: id, host"),
        ("id,hosts", "host", 'has no column "host".* Do you mean hosts'),
        ("host,host", "host", 'has 2 columns named "host"'),
        ("id;host", "host", "has semicolons between its columns; save it with commas"),
        ("id\thost", "", "has tabs between its columns; save it with commas"),
        ("a.example,b.example", "host", "begins with names, not with a heading"),
        ('id,"host', "host", "line 1: the heading opens a quote"),
    ],
)
def test_a_heading_that_does_not_say_where_the_names_are(
    heading: str, column: str, says: str
) -> None:
    with pytest.raises(ListError, match=says):
        read(f"{heading}\n1,www.example\n".encode(), "a.csv", ListOptions(column=column))


def test_a_heading_may_have_quotes_in_it() -> None:
    options = ListOptions(column='a "b", c')
    assert names_of(read(b'id,"a ""b"", c"\n1,www.example\n', "a.csv", options)) == [
        ("www.example",)
    ]


def test_a_csv_of_one_column_needs_no_name_for_it() -> None:
    assert names_of(read(b"server\nwww.example\n", "a.csv")) == [("www.example",)]


def test_a_column_is_of_a_csv_alone() -> None:
    with pytest.raises(ListError, match="--column is for CSV"):
        read(b"www.example\n", options=ListOptions(column="host"))


@pytest.mark.parametrize(
    ("first", "name", "expected"),
    [
        ("www.example", "list", ListFormat.NAMES),
        ("# a, b\n\nwww.example", "list", ListFormat.NAMES),
        (application("www.example"), "list.txt", ListFormat.APPLICATIONS),
        ("id,host", "list.txt", ListFormat.CSV),
        ("host", "list.CSV", ListFormat.CSV),
        ("www.example", "list.tsv", ListFormat.APPLICATIONS),
    ],
)
def test_the_format_is_found_out(first: str, name: str, expected: ListFormat) -> None:
    reader = ListReader(name, ListOptions())
    lines = [RawLine(n, part.encode()) for n, part in enumerate(first.split("\n"), 1)]
    reader.read(lines)
    assert reader.format is expected


CELLS = st.lists(st.text(st.sampled_from('ab",\n;é '), max_size=6), min_size=1, max_size=4)


@given(st.lists(CELLS, max_size=6))
def test_what_others_write_as_csv_is_read_as_they_mean_it(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    shown = ["www.example", *["a"] * 3]
    lines = read(f"host,b,c,d\n{text.getvalue()}{','.join(shown)}\n".encode(), options=CSV)
    assert lines[-1].reading.names == ("www.example",)


@given(st.binary(max_size=300), st.sampled_from(ListFormat), st.sampled_from([None, *Encoding]))
def test_no_octets_break_it_and_all_of_them_are_kept(
    octets: bytes, format: ListFormat, encoding: Encoding | None
) -> None:
    """Whatever stands before it, the last line is read."""
    tabs = 10 if format is ListFormat.APPLICATIONS else 0
    last = b"	" * tabs + b"www.example"
    head = b"host\n" if format is ListFormat.CSV else b""
    whole = head + b"x\n" + octets + b"\n" + last
    lines = read(whole, options=ListOptions(format, encoding, "host" if head else ""))
    assert b"".join(line.octets for line in lines) == whole[len(head) :]
    assert lines[-1].octets == last
    assert lines[-1].reading.names == ("www.example",)
