"""What the admin port shows, without the port."""

import pytest

from mpic.runtime.admin import Readiness, hide_secrets


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"tls": {"private_key": "/pki/a.key"}}, {"tls": {"private_key": "/pki/a.key"}}),
        ({"store": {"password": "geheim"}}, {"store": {"password": "(hidden)"}}),
        ({"api_token": ["a", "b"]}, {"api_token": ["(hidden)", "(hidden)"]}),
        (
            {"url": "postgresql://mpic:geh:eim@db.example/mpic?sslmode=require"},
            {"url": "postgresql://mpic:(hidden)@db.example/mpic?sslmode=require"},
        ),
        (
            {"dsn": "host=db.example password='ge heim' user=mpic"},
            {"dsn": "host=db.example password=(hidden) user=mpic"},
        ),
        ({"workers": 2, "ipv6": True, "x": None}, {"workers": 2, "ipv6": True, "x": None}),
        ({"listen": "[::1]:8300"}, {"listen": "[::1]:8300"}),
    ],
)
def test_no_secret_is_shown(config: dict[str, object], shown: dict[str, object]) -> None:
    assert hide_secrets(config) == shown


def test_readiness_is_a_register_of_conditions() -> None:
    readiness = Readiness()
    readiness.require("serving", lambda: "it is starting")
    readiness.require("store", lambda: "")
    assert readiness.judge() == {"serving": "it is starting", "store": ""}
    readiness.require("serving", lambda: "")
    assert not any(readiness.judge().values())
