"""Names in flight: never beyond a bound, and none lost on the way out."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.overload.admission import CALLER_LIMIT, OVERLOADED, Admission, Bounds, weigh
from mpic.bounds import MAX_NAMES

BOUNDS = Bounds(names=500, caller_names=200, by_caller={"bulk": 100, "trusted": 9_999})


def test_up_to_the_bound_and_not_one_more() -> None:
    admission = Admission(BOUNDS)
    assert admission.admit("pipeline", 199) is None
    assert admission.admit("pipeline", 1) is None
    refusal = admission.admit("pipeline", 1)
    assert refusal is not None
    assert refusal.reason == CALLER_LIMIT
    assert refusal.message == "200 names of 'pipeline' are in flight here; 200 may be"


def test_one_caller_does_not_take_the_room_of_another() -> None:
    admission = Admission(BOUNDS)
    admission.admit("pipeline", 200)
    assert admission.admit("other", 200) is None


def test_the_process_has_a_bound_of_its_own() -> None:
    admission = Admission(BOUNDS)
    for caller in ("one", "two"):
        assert admission.admit(caller, 200) is None
    refusal = admission.admit("three", 101)
    assert refusal is not None
    assert refusal.reason == OVERLOADED
    assert admission.admit("three", 100) is None


def test_a_caller_may_have_a_bound_of_its_own() -> None:
    admission = Admission(BOUNDS)
    assert admission.admit("bulk", 100) is None
    assert admission.admit("bulk", 1) is not None
    assert BOUNDS.of("trusted") == BOUNDS.names


def test_a_limit_of_the_moment_holds_for_all_callers_together() -> None:
    admission = Admission(BOUNDS)
    assert admission.admit("bulk", 100, 250) is None
    assert admission.admit("one", 150, 250) is None
    refusal = admission.admit("two", 1, 250)
    assert refusal is not None
    assert refusal.reason == OVERLOADED
    assert refusal.message == "250 names are in flight here; 250 may be"


def test_a_question_with_many_names_comes_in_where_one_with_few_does() -> None:
    """Otherwise many small ones would keep it out for as long as fewer may be in."""
    admission = Admission(BOUNDS)
    admission.admit("one", 9, 10)
    assert admission.find_refusal("one", 100, 10) is None
    assert admission.admit("two", 100, 10) is None
    assert admission.find_refusal("three", 1, 10) is not None


def test_but_never_beyond_the_bounds() -> None:
    admission = Admission(BOUNDS)
    admission.admit("one", 150, 499)
    refusal = admission.admit("one", 51, 499)
    assert refusal is not None
    assert refusal.message == "150 names of 'one' are in flight here; 200 may be"
    assert admission.admit("one", 50, 499) is None
    admission.admit("two", 200, 499)
    admission.admit("three", 90, 499)
    assert admission.admit("three", 11, 499) is not None
    assert admission.admit("three", 10, 499) is None


def test_one_callers_limit_is_as_many_as_come_in() -> None:
    for limit in (9_999, 499, 30, 1):
        for caller in ("bulk", "one", "trusted"):
            admission, most = Admission(BOUNDS), 0
            while admission.admit(caller, 1, limit) is None:
                most += 1
            assert min(admission.limit_of(caller, limit), BOUNDS.names) == most


def test_what_goes_makes_room() -> None:
    admission = Admission(BOUNDS)
    admission.admit("pipeline", 200)
    admission.release("pipeline", 1)
    assert admission.admit("pipeline", 2) is not None
    assert admission.admit("pipeline", 1) is None


def test_new_bounds_hold_for_what_comes_after_them() -> None:
    admission = Admission(BOUNDS)
    admission.admit("pipeline", 200)
    admission.bounds = Bounds(caller_names=150)
    assert admission.admit("pipeline", 1) is not None
    admission.release("pipeline", 200)
    assert admission.admit("pipeline", 150) is None


def test_a_caller_is_counted_under_the_identity_that_has_a_bound() -> None:
    admission = Admission(BOUNDS)
    assert admission.name_caller(["spiffe://mpic.test/caller/bulk", "bulk"]) == "bulk"
    assert admission.name_caller(["one", "two"]) == "one"
    assert admission.name_caller([]) == ""


def test_a_question_counts_as_its_names() -> None:
    assert [weigh(names) for names in (0, 1, 7, MAX_NAMES, MAX_NAMES + 1)] == [1, 1, 7, 100, 100]


@given(st.lists(st.tuples(st.sampled_from(["bulk", "one", "two", "three"]), st.integers(1, 100))))
def test_never_beyond_a_bound_and_empty_in_the_end(steps: list[tuple[str, int]]) -> None:
    admission = Admission(BOUNDS)
    inside: list[tuple[str, int]] = []
    for caller, names in steps:
        if admission.admit(caller, names) is None:
            inside.append((caller, names))
        elif inside and names % 2:
            admission.release(*inside.pop(0))
        assert admission.in_flight == sum(names for _, names in inside) <= BOUNDS.names
        of_caller = sum(names for one, names in inside if one == caller)
        assert of_caller <= BOUNDS.of(caller)
    for one in inside:
        admission.release(*one)
    assert admission.in_flight == 0
    assert not admission._by_caller
