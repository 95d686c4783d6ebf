"""Whatever is sent as a form: its fields, or an error that is told."""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from coordinator.api.http.problems import HttpError
from coordinator.api.preflight import form
from coordinator.api.preflight.form import FORM_OCTETS, TOKEN_FORM_OCTETS, FormField, read_form

KIND = "multipart/form-data; boundary=x"
FIELD = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
END = b"--x--\r\n"


def send(octets: bytes, kind: str = KIND) -> Any:  # noqa: ANN401 - a request
    payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**24)
    payload.feed_data(octets)
    payload.feed_eof()
    return make_mocked_request("POST", "/", {"Content-Type": kind}, payload=payload)


async def test_fields_and_files_are_read() -> None:
    file = FIELD.replace(b'"%b"', b'"list"; filename="a.tsv"', 1) % b"a\tb"
    fields = await read_form(send(FIELD % (b"names", b" a.example\r\n ") + file + END))
    assert fields["names"].text == "a.example"
    assert fields["list"] == FormField(b"a\tb", "a.tsv")


PARTS = (
    b"--x\r\n",
    b"--x--",
    b"\r\n",
    b"Content-Disposition: form-data; name=a\r\n",
    b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n",
    b"Content-Length: 9\r\n",
    b"Content-Length: x\r\n",
    b"Content-Transfer-Encoding: base64\r\n\r\n",
    b"Content-Encoding: gzip\r\n\r\n",
    b": \r\n",
    b"\x00\xff",
    b"a" * 70_000,
)


@pytest.mark.parametrize("kind", [KIND, "multipart/form-data", "multipart/form-data; boundary="])
@given(st.lists(st.sampled_from(PARTS), max_size=8))
async def test_what_is_no_form_is_told_as_an_error(kind: str, parts: list[bytes]) -> None:
    with suppress(HttpError):
        await read_form(send(b"".join(parts), kind))


@pytest.mark.parametrize(
    ("octets", "kind", "status"),
    [
        (b"names=a", "application/x-www-form-urlencoded", 415),
        (b"", KIND, 400),
        (FIELD % (b"a", b"b") * 9 + END, KIND, 400),
        (FIELD % (b"a", b"b" * FORM_OCTETS + b"c") + END, KIND, 413),
        (FIELD % (b"a", b"b" * (FORM_OCTETS // 2)) * 3 + END, KIND, 413),
        (b"\n" * FORM_OCTETS + FIELD % (b"a", b"b") + END, KIND, 413),
        (FIELD % (b"a", b"b") + END + b"\n" * FORM_OCTETS, KIND, 413),
        (b"\n" + FIELD % (b"a", b"b") + END, KIND, 400),
        (b"--x junk\r\n\r\n" + FIELD % (b"a", b"b") + END, KIND, 400),
    ],
)
async def test_bounds_of_a_form(octets: bytes, kind: str, status: int) -> None:
    with pytest.raises(HttpError) as found:
        await read_form(send(octets, kind))
    assert found.value.details.status == status


async def test_the_form_to_sign_in_is_short() -> None:
    with pytest.raises(HttpError) as found:
        await read_form(send(FIELD % (b"token", b"b" * 4096) + END), TOKEN_FORM_OCTETS)
    assert found.value.details.status == 413


async def test_a_form_is_taken_apart_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes, nobody else's decision waits for it."""
    threads = []
    take_apart = form._take_apart

    def note(content_type: str, octets: bytes) -> Mapping[str, FormField]:
        threads.append(threading.current_thread())
        return take_apart(content_type, octets)

    monkeypatch.setattr(form, "_take_apart", note)
    await read_form(send(FIELD % (b"a", b"b") + END))
    assert threads
    assert threads[0] is not threading.main_thread()
