"""The table [http]: off until configured; tokens that cannot be meant are refused with the mend."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coordinator.api.http.tokens import hash_token
from coordinator.commands.token import app
from coordinator.settings import CoordinatorSettings, read_settings
from coordinator.settings.certificates import _check_links, check_certificates
from mpic.runtime.config import ConfigError
from mpic.runtime.pki import Subject, create_authority, issue_certificate

SHIPPED = Path(__file__).parents[5] / "deploy/coordinator.toml"
CALLER = "spiffe://mpic.example/caller/pipeline"
ONE, TWO = "1" * 64, "2" * 64
LISTEN = 'listen = "127.0.0.1:8443"\n'


def with_http(directory: Path, table: str) -> Path:
    file = directory / "coordinator.toml"
    file.write_text(f"{SHIPPED.read_text().replace('[http]', '[http]' + chr(10) + table, 1)}")
    return file


def token(sha256: str, caller: str = CALLER) -> str:
    return f'{{ caller = "{caller}", sha256 = "{sha256}" }}'


def read(directory: Path, table: str) -> CoordinatorSettings:
    return read_settings(with_http(directory, table))


def test_it_is_off_until_configured() -> None:
    http = read_settings(SHIPPED).http
    assert (http.listen, http.client_certificates, http.token) == ("", "required", ())


def test_tokens_are_known_by_their_hashes(tmp_path: Path) -> None:
    http = read(tmp_path, f"{LISTEN}token = [{token(ONE)}, {token(TWO)}]\n").http
    assert http.callers_by_hash == {b"\x11" * 32: CALLER, b"\x22" * 32: CALLER}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (f"token = [{token(ONE)}, {token(ONE)}]", "[1] is the token of [0] again"),
        (f"token = [{token(ONE.upper().replace('1', 'A'))}]", "http.token[0].sha256"),
        (f"token = [{token('1' * 63)}]", "http.token[0].sha256"),
        (
            f"token = [{token(ONE)}, {token(TWO, CALLER + '2')}]",
            f"http.token[1].caller: '{CALLER}2' has a token, but may not call",
        ),
        (LISTEN + 'client_certificates = "none"', "nobody could call"),
        ('client_certificates = "maybe"', "http.client_certificates"),
        ('listen = "8443"', "http.listen"),
        ("listne = 1", "Did you mean listen?"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, f"{table}\n")
    assert says in str(raised.value)


def test_tokens_alone_are_enough(tmp_path: Path) -> None:
    table = f'{LISTEN}client_certificates = "none"\ntoken = [{token(ONE)}]\n'
    assert read(tmp_path, table).http.client_certificates == "none"


def test_the_files_are_those_of_tls_unless_others_are_named(tmp_path: Path) -> None:
    settings = read(tmp_path, LISTEN)
    assert settings.http.files(settings.tls) == settings.tls.paths()
    own = 'tls = { certificate = "a.pem", private_key = "a.key" }\n'
    settings = read(tmp_path, LISTEN + own)
    assert [file.name for file in settings.http.files(settings.tls)] == ["a.pem", "a.key", "ca.pem"]
    own = 'tls = { certificate = "a.pem", private_key = "a.key", authority = "b.pem" }\n'
    settings = read(tmp_path, LISTEN + own)
    assert settings.http.files(settings.tls)[2].name == "b.pem"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities: that of callers, and another that has issued HTTP's certificate."""
    directory = tmp_path_factory.mktemp("http")
    for name in ("pki", "public"):
        authority = create_authority(directory / name, "mpic.example")
        issue_certificate(authority, Subject("coordinator", "main"))
        issue_certificate(authority, Subject("caller", "pipeline"))
    return directory


def check(pki: Path, table: str, now: datetime) -> list[str]:
    file = with_http(pki, table)
    settings = read_settings(file)
    return check_certificates(settings.tls, settings.http, file, now)


OWN = 'tls = {{ certificate = "public/{0}.pem", private_key = "public/{1}.key" }}\n'


def test_a_certificate_of_another_authority_will_do(pki: Path) -> None:
    own = OWN.format("coordinator-main", "coordinator-main")
    assert check(pki, LISTEN + own, datetime.now(UTC)) == []
    soon = datetime.now(UTC) + timedelta(days=80)
    (one, two) = check(pki, LISTEN + own, soon)
    assert "pki/coordinator-main.pem: expires" in one
    assert "public/coordinator-main.pem: expires" in two


@pytest.mark.parametrize(
    ("certificate", "key", "says"),
    [
        ("coordinator-main", "caller-pipeline", "caller-pipeline.key: is not the key of"),
        ("none", "coordinator-main", "none.pem: there is no such file"),
        ("caller-pipeline", "caller-pipeline", "may not be used by a TLS server"),
    ],
)
def test_files_that_cannot_work_are_refused(
    pki: Path, certificate: str, key: str, says: str
) -> None:
    own = OWN.format(certificate, key)
    with pytest.raises(ConfigError) as raised:
        check(pki, LISTEN + own, datetime.now(UTC))
    assert says in str(raised.value)
    assert check(pki, own, datetime.now(UTC)) == [], "HTTP is off"


def test_the_command_prints_a_token_and_its_table(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["new", CALLER]).output
    (made,) = re.findall(r"mpic_[\w-]{43}", printed)
    (sha256,) = re.findall(r'(?m)^sha256 = "([0-9a-f]{64})"$', printed)
    assert hash_token(made).hex() == sha256
    table = printed[printed.index("[[http.token]]") :].split("\n\n")[0]
    file = tmp_path / "coordinator.toml"
    file.write_text(SHIPPED.read_text() + "\n" + table)
    assert read_settings(file).http.callers_by_hash == {hash_token(made): CALLER}


def test_the_command_wants_an_identity() -> None:
    result = CliRunner().invoke(app, ["new", "some body"])
    assert result.exit_code == 2


KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
LINKS = f'{LISTEN}public_url = "https://mpic.example.ac.jp/"\nlink_key_file = "link.key"\n'


@pytest.mark.parametrize(
    "url",
    [
        "http://mpic.example.ac.jp", "https://", "https://a b", "https://a?x=1", "https://a?",
        "https://a#x", "https://u@a", "https://a:99999", "https://a:0", "mpic.example.ac.jp",
        'https://a/"', "https://a/\\", "https://例え.jp", "https://a/" + "b" * 200,
    ],
)  # fmt: skip
def test_a_public_url_is_https_with_nothing_but_host_and_path(tmp_path: Path, url: str) -> None:
    text = LINKS.replace('"https://mpic.example.ac.jp/"', f"'{url}'")
    with pytest.raises(ConfigError, match=r"http\.public_url: .* is no https URL"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("listen", "http.public_url: is given, but there is no port. Set [http] listen"),
        ("link_key_file", "http.link_key_file: is not given, and public_url is. Make one"),
        ("public_url", "http.public_url: is not given, and link_key_file is"),
    ],
)
def test_links_need_a_port_a_url_and_a_key(tmp_path: Path, missing: str, says: str) -> None:
    lines = [line for line in LINKS.splitlines(keepends=True) if not line.startswith(missing)]
    with pytest.raises(ConfigError, match=re.escape(says)):
        read(tmp_path, "".join(lines))


def test_the_terms_of_links_are_read_from_the_file_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "link.key").write_text(KEY)
    http = read(tmp_path, LINKS + "link_days = 2\n").http
    assert http.read_link_terms() == ("https://mpic.example.ac.jp", bytes(range(32)), 172_800)
    assert read(tmp_path, LISTEN).http.read_link_terms() is None
    settings = read(tmp_path, LINKS)
    assert settings.http.all_files(settings.tls)[-1] == tmp_path / "link.key"


@pytest.mark.parametrize("days", [0, 91])
def test_a_link_lives_a_day_to_ninety(tmp_path: Path, days: int) -> None:
    with pytest.raises(ConfigError, match=r"http\.link_days"):
        read(tmp_path, LINKS + f"link_days = {days}\n")


@pytest.mark.parametrize(
    ("key", "mode", "certificates", "says"),
    [
        (None, 0o600, "accepted", ["there is no such file"]),
        ("c2hvcnQ=", 0o600, "accepted", ["is no key of 256 bits or more in base64"]),
        (KEY, 0o644, "accepted", ["can be read by every user of this host"]),
        (KEY, 0o600, "required", ["a link needs no certificate, but client_certificates is"]),
        (KEY, 0o600, "accepted", []),
    ],
)
def test_a_key_is_whole_and_kept_and_browsers_get_in(
    tmp_path: Path, key: str | None, mode: int, certificates: str, says: list[str]
) -> None:
    if key is not None:
        (tmp_path / "link.key").write_text(key)
        (tmp_path / "link.key").chmod(mode)
    http = read(tmp_path, f'{LINKS}client_certificates = "{certificates}"\n').http
    found = [str(one) for one in _check_links(http)]
    assert len(found) == len(says)
    assert all(part in one for part, one in zip(says, found, strict=True))
