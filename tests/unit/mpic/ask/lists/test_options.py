"""The options of lists: which go together, and what is said of others."""

from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from mpic.runtime.cli import build_app

GOOD = "www.example.com"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--file", "-", GOOD), "not both"),
        (("--output", "out", GOOD), "this option is for lists"),
        (("--file", "-", "--json"), "give --jsonl"),
        (("--file", "-", "--csv", "--tsv"), "give one of --csv and --tsv"),
        (("--file", "-", "--encoding", "latin-1"), "utf-8 or shift_jis"),
        (("--file", "-", "--format", "names", "--column", "c"), "--column is for CSV"),
        (("--file", "-", "--dns-01", "token.thumbprint"), "belongs to one name"),
        (("--file", "-", "--validation"), "belongs to one name"),
        (("--file", "/dev/null", "--output", "/dev/null"), "a file of its own"),
    ],
)
def test_options_that_do_not_go_together(arguments: Sequence[str], says: str) -> None:
    done = CliRunner().invoke(build_app("ask"), ["ask", *arguments])
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())
