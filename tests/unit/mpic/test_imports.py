"""What is loaded in a lean way is hidden only meanwhile."""

import os
import ssl
import sys

import pytest

from mpic.imports import hidden, trusting_nobody


def test_a_hidden_package_is_not_found_until_afterwards() -> None:
    import json  # noqa: PLC0415 - it is there before

    with hidden("json"), pytest.raises(ModuleNotFoundError):
        import json  # noqa: PLC0415
    assert sys.modules["json"] is json


def test_what_was_not_loaded_is_not_loaded_afterwards() -> None:
    with hidden("this_is_nowhere"):
        pass
    assert "this_is_nowhere" not in sys.modules


def test_contexts_trust_nobody_until_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", "/somewhere")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with trusting_nobody():
        context = ssl.create_default_context()
    assert context.get_ca_certs() == []
    assert os.environ["SSL_CERT_DIR"] == "/somewhere"
    assert "SSL_CERT_FILE" not in os.environ
