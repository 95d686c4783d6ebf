"""One bad file for each rule, with its exact message."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from mpic.runtime.config import ConfigError, ConfigPath, ConfigTable, Flaw, load_config


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(ConfigTable):
    latitude: float = Field(default=0, ge=-90, le=90)


class Perspective(ConfigTable):
    id: Annotated[str, StringConstraints(pattern="^[a-z]+$")]
    egress: Place = Place()


class Tls(ConfigTable):
    certificate: ConfigPath = Field(description="PEM, with a DNS SAN")
    authority: ConfigPath | None = None


class Agent(ConfigTable):
    listen: Annotated[str, StringConstraints(pattern=r"^\S+:\d+$")] = Field(
        default="[::]:1", examples=["0.0.0.0:7310"]
    )
    server: Annotated[str, StringConstraints(pattern="^[a-z.]+$")] = Field(
        default="a.b", description="a DNS name"
    )
    port: int = Field(default=1, gt=0, lt=10)
    workers: int | None = Field(default=None, examples=[4])
    name: str = Field(default="abc", min_length=2, max_length=4)
    on: bool = True
    colour: Colour = Colour.RED
    mode: Literal["private", "beside"] = "private"
    """private: its own; beside: another's."""
    pairs: tuple[tuple[int, int], ...] = ()
    names: list[str] = Field(default=["a"], min_length=1, max_length=2)
    since: AwareDatetime | None = None
    token: SecretStr = Field(default=SecretStr("secret"), min_length=5)
    scale: int = Field(default=2, multiple_of=2)
    first: int = 1
    second: int = 2

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name == "flaw":
            raise Flaw("a flaw", "Mend it")
        if name == "bar":
            raise ValueError("a message | a mend")
        if name == "bare":
            raise ValueError("a message")
        return name

    @model_validator(mode="after")
    def _check_order(self) -> "Agent":
        if self.first > self.second:
            raise Flaw("first comes after second", "Exchange them", place="first")
        return self


class Whole(ConfigTable):
    agent: Agent = Agent()
    tls: Tls
    perspective: list[Perspective] = Field(min_length=1)
    issuer: dict[str, Place] = Field(default={})


GOOD = '[tls]\ncertificate = "a.pem"\n[[perspective]]\nid = "a"\n'


def complaints(directory: Path, text: str, model: type[BaseModel] = Whole) -> list[str]:
    """Return what is said of a file, without its path."""
    file = directory / "file.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file, model)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


# A bad [agent] table, and what is said of it.
AGENT = [
    ("prot = 1", "agent.prot: there is no such option. Did you mean port?"),
    (
        "xyzzy = 1",
        (
            "agent.xyzzy: there is no such option. Known here: listen, server, port, workers, name,"
            " on, colour, mode, pairs, names, since, token, scale, first, second"
        ),
    ),
    (
        '"a\\nb" = 1',
        (
            'agent."a\\nb": there is no such option. Known here: listen, server, port, workers,'
            " name, on, colour, mode, pairs, names, since, token, scale, first, second"
        ),
    ),
    (
        'port = "3"',
        'agent.port: is "3", but must be a whole number. Write digits alone, without quotes',
    ),
    (
        "port = true",
        "agent.port: is true, but must be a whole number. Write digits alone, without quotes",
    ),
    (
        "port = 3.5",
        "agent.port: is 3.5, but must be a whole number. Write digits alone, without quotes",
    ),
    (
        "workers = []",
        "agent.workers: is a list, but must be a whole number. Write it like this: workers = 4",
    ),
    ("port = 0", "agent.port: is 0, which is too small. Write more than 0"),
    ("port = 10", "agent.port: is 10, which is too large. Write less than 10"),
    ("name = 3", "agent.name: is 3, but must be text. Put it in double quotes"),
    ('name = "a"', 'agent.name: "a" is too short. Write 2 characters or more'),
    ('name = "abcde"', 'agent.name: "abcde" is too long. Write 4 characters or less'),
    (
        f'name = "{"a" * 99}"',
        f'agent.name: "{"a" * 75}..." is too long. Write 4 characters or less',
    ),
    ('name = "flaw"', "agent.name: a flaw. Mend it"),
    ('name = "bar"', "agent.name: a message. a mend"),
    ('name = "bare"', "agent.name: a message. Correct the value"),
    (
        'on = "yes"',
        'agent.on: is "yes", but must be true or false. Write true or false, without quotes',
    ),
    ('colour = "green"', 'agent.colour: "green" is not one of the choices. Write "red" or "blue"'),
    (
        'mode = "besides"',
        'agent.mode: "besides" is not one of the choices. Write "private" or "beside"',
    ),
    (
        'listen = "here"',
        (
            'agent.listen: "here" does not have the right form.'
            ' Write it like this: listen = "0.0.0.0:7310"'
        ),
    ),
    ('server = "A"', 'agent.server: "A" does not have the right form. Write a DNS name'),
    (
        'pairs = [[1, 2], [3, "x"]]',
        'agent.pairs[1][1]: is "x", but must be a whole number. Write digits alone, without quotes',
    ),
    (
        "pairs = 3",
        "agent.pairs: is 3, but must be a list. Put it in square brackets, with commas between",
    ),
    ("names = []", "agent.names: has 0 entries. List 1 or more"),
    ('names = ["a", "b", "c"]', "agent.names: has 3 entries. List 2 or fewer"),
    (
        'since = "soon"',
        (
            'agent.since: is "soon", but must be a date and time.'
            " Write it like this, without quotes: 2026-12-15T00:00:00Z"
        ),
    ),
    (
        "since = 2026-12-15T00:00:00",
        (
            'agent.since: is "2026-12-15T00:00:00", but must be a time with its time zone.'
            " Write it like this, without quotes: 2026-12-15T00:00:00Z"
        ),
    ),
    ('token = "hush"', "agent.token: the secret is too short. Write 5 characters or more"),
    ("token = 7", "agent.token: is the secret, but must be text. Put it in double quotes"),
    ("scale = 3", "agent.scale: input should be a multiple of 2. Correct the value"),
    ("first = 3", "agent.first: first comes after second. Exchange them"),
]

# A bad file, and all that is said of it.
WHOLE = [
    (
        "",
        [
            "tls: is missing. Add the table [tls]",
            "perspective: is missing. Add a table [[perspective]]",
        ],
    ),
    (
        '[tls]\ncertficate = "a"\n[[perspective]]\n',
        [
            "tls.certificate: is missing. Add the line: certificate = ... (PEM, with a DNS SAN)",
            "tls.certficate: there is no such option. Did you mean certificate?",
            "perspective[0].id: is missing. Add the line: id = ...",
        ],
    ),
    (
        GOOD + "[perspective.egress]\nlatitude = 91\n[[perspective]]\nid = 'b'\negress.latitud = 1",
        [
            "perspective[0].egress.latitude: is 91, which is too large. Write 90 or less",
            "perspective[1].egress.latitud: there is no such option. Did you mean latitude?",
        ],
    ),
    (
        GOOD + "egress = {latitude = -90.5}",
        ["perspective[0].egress.latitude: is -90.5, which is too small. Write -90 or more"],
    ),
    (
        GOOD + "egress = {latitude = nan}",
        ["perspective[0].egress.latitude: is not a finite number. Write digits"],
    ),
    (
        GOOD + 'egress = {latitude = "1"}',
        [
            (
                'perspective[0].egress.latitude: is "1", but must be a number.'
                " Write a number, without quotes"
            )
        ],
    ),
    (
        GOOD + "[[perspective.egress]]\nlatitude = 1",
        [
            (
                "perspective[0].egress: is a list, but must be a table."
                " Write [perspective.egress], in single brackets"
            )
        ],
    ),
    (
        GOOD + "[issuer]\nmain = 3\n[issuer.other]\nlatitud = 1",
        [
            (
                "issuer.main: is 3, but must be a table."
                " Give it options of its own: a line [table], then key = value"
            ),
            "issuer.other.latitud: there is no such option. Did you mean latitude?",
        ],
    ),
    (
        '[tls]\ncertificate = ""\n[[perspective]]\nid = "A"',
        [
            "tls.certificate: names no file. Write the path of a file",
            'perspective[0].id: "A" does not have the right form. It has to match ^[a-z]+$',
        ],
    ),
    (
        '[tls]\ncertificate = 3\n[perspective]\nid = "a"',
        [
            "tls.certificate: is 3, but must be text. Put it in double quotes",
            (
                "perspective: is a table, but must be a list."
                " Write [[perspective]], in double brackets"
            ),
        ],
    ),
    (GOOD + "[agnet]\n", ["agnet: there is no such option. Did you mean agent?"]),
]

SYNTAX = [
    (
        "\na = b\n",
        'line 2, column 5: there is no value here. Put text in quotes: key = "value"',
    ),
    (
        "a = 1\na = 2\n",
        "line 2, column 6: the key stands there twice. Keep one of the two",
    ),
    (
        "[a.b]\n[a.b]\n",
        "line 2, column 5: the table [a.b] stands there twice. Join the two",
    ),
    (
        "a = {b = 1}\na.c = 2\n",
        "line 2, column 8: the table [a] is complete already. Put all its keys in one place",
    ),
    ("a b\n", "line 1, column 3: there is no = after the key. Write key = value"),
    (
        "a = 1 b = 2\n",
        (
            "line 1, column 7: more follows after the value."
            " Give each key a line of its own, and put text in quotes"
        ),
    ),
    ("a = '''b", "end of document: a quotation mark is missing. Close the text with one"),
    (
        "= 3\n",
        "line 1, column 1: this begins neither a key nor a table. Write key = value, or [table]",
    ),
    (
        "[a\n",
        (
            "line 1, column 3: expected ']' at the end of a table declaration."
            " Mend the syntax; toml.io explains it"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), AGENT)
def test_says_what_is_wrong_with_a_value(tmp_path: Path, text: str, message: str) -> None:
    assert complaints(tmp_path, f"{GOOD}[agent]\n{text}\n") == [message]


@pytest.mark.parametrize(("text", "messages"), WHOLE)
def test_says_everything_wrong_with_a_file(tmp_path: Path, text: str, messages: list[str]) -> None:
    assert complaints(tmp_path, text) == messages


@pytest.mark.parametrize(("text", "message"), SYNTAX)
def test_says_where_the_syntax_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    assert complaints(tmp_path, text) == [message]


def test_says_which_option_is_missing_by_example(tmp_path: Path) -> None:
    class Table(ConfigTable):
        listen: str = Field(examples=["[::]:1"])

    assert complaints(tmp_path, "", Table) == [
        'listen: is missing. Add a line such as: listen = "[::]:1"'
    ]


def test_says_what_a_missing_option_means(tmp_path: Path) -> None:
    class Table(ConfigTable):
        listen: str
        """an address"""

    assert complaints(tmp_path, "", Table) == [
        "listen: is missing. Add the line: listen = ... (an address)"
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("maybe.latitud = 1", "maybe"),
        ("many = [{latitud = 1}]", "many[0]"),
        ("by.3.latitud=1", "by.3"),
    ],
)
def test_knows_the_options_of_tables_within_other_types(
    tmp_path: Path, text: str, place: str
) -> None:
    class Table(ConfigTable):
        maybe: Place | None = None
        many: tuple[Place, ...] = ()
        by: dict[int, Place] = Field(default={})

    assert complaints(tmp_path, text, Table) == [
        f"{place}.latitud: there is no such option. Did you mean latitude?"
    ]


def test_knows_options_by_the_name_they_have_in_the_file(tmp_path: Path) -> None:
    class Table(ConfigTable):
        class_: Place = Field(alias="class")

    assert complaints(tmp_path, "[class]\nlatitud = 3", Table) == [
        "class.latitud: there is no such option. Did you mean latitude?"
    ]


def test_a_value_of_a_union_is_placed_at_its_option(tmp_path: Path) -> None:
    class Table(ConfigTable):
        size: int | str

    assert complaints(tmp_path, "size = []", Table) == [
        "size: is a list, but must be a whole number. Write digits alone, without quotes",
        "size: is a list, but must be text. Put it in double quotes",
    ]
