"""Credentials: a server demands a certificate of every client, whichever way it is made."""

from pathlib import Path
from typing import Any

import grpc
import pytest

import mpic
from mpic.channel import TlsFiles, channel_credentials
from mpic.runtime.grpc import tls
from mpic.runtime.grpc.tls import server_credentials


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    names = ("certificate", "key", "authority")
    for name in names:
        (tmp_path / name).write_text(name)
    return TlsFiles(*(tmp_path / name for name in names))


def test_a_server_demands_a_certificate(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        grpc, "ssl_server_credentials", lambda *given, **named: made.append((*given, named))
    )
    server_credentials(files)
    assert made == [([(b"key", b"certificate")], b"authority", {"require_client_auth": True})]


def test_without_tls_1_3_alone_there_are_no_credentials(
    files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpic, "TLS_1_3_ONLY", False)
    for make in (server_credentials, channel_credentials, tls.ServerIdentity):
        with pytest.raises(ImportError, match="import mpic first"):
            make(files)


def test_a_key_is_shown_nowhere(files: TlsFiles) -> None:
    (files.private_key).write_text("hush-hush")
    assert "hush" not in repr(files.load())
