"""How many questions an agent looks up at a time: fewer while its own side does not keep up."""

from hypothesis import given
from hypothesis import strategies as st

from perspective_agent.servicer import QuestionLimit


def test_the_limit_shrinks_while_it_strains_and_grows_again() -> None:
    limit = QuestionLimit(4096)
    limit.adjust(1000, strained=True)
    assert limit.now == 700
    limit.adjust(500, strained=True)
    assert limit.now == 350
    limit.adjust(0, strained=False)
    assert limit.now == 437
    for _ in range(20):
        limit.adjust(0, strained=False)
    assert limit.now == 4096


@given(st.lists(st.tuples(st.integers(0, 5000), st.booleans())), st.integers(1, 5000))
def test_there_is_room_for_one_certificate_and_never_for_more_than_allowed(
    beats: list[tuple[int, bool]], most: int
) -> None:
    limit = QuestionLimit(most)
    for in_flight, is_strained in beats:
        limit.adjust(in_flight, strained=is_strained)
        assert min(most, QuestionLimit.LEAST) <= limit.now <= most
