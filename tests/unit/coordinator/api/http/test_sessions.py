"""A cookie stands for a token, for a while, and for few browsers."""

from coordinator.api.http import sessions
from coordinator.api.http.sessions import Sessions


def test_a_cookie_stands_for_its_token_and_for_no_other() -> None:
    known = Sessions()
    one, other = known.begin("token-1"), known.begin("token-2")
    assert (known.find(one), known.find(other)) == ("token-1", "token-2")
    assert "token" not in one
    assert len(one) >= 43
    for wrong in ("", one[:-1], one.swapcase(), "\udcff"):
        assert known.find(wrong) == ""
    known.end(one)
    assert (known.find(one), known.find(other)) == ("", "token-2")


def test_it_ends_by_itself() -> None:
    now = [0.0]
    known = Sessions(lambda: now[0])
    cookie = known.begin("token")
    now[0] = sessions.SECONDS - 1
    assert known.find(cookie) == "token"
    now[0] = sessions.SECONDS
    assert known.find(cookie) == ""


def test_browsers_have_a_bound_and_the_oldest_is_forgotten() -> None:
    known = Sessions()
    cookies = [known.begin(str(number)) for number in range(300)]
    found = [known.find(one) for one in cookies]
    assert found == [""] * 44 + [str(number) for number in range(44, 300)]
