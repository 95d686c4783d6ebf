"""What is loaded in a lean way is hidden only meanwhile."""

import sys

import pytest

from mpic.imports import hidden


def test_a_hidden_package_is_not_found_until_afterwards() -> None:
    import json  # noqa: PLC0415 - it is there before

    with hidden("json"), pytest.raises(ModuleNotFoundError):
        import json  # noqa: PLC0415
    assert sys.modules["json"] is json


def test_what_was_not_loaded_is_not_loaded_afterwards() -> None:
    with hidden("this_is_nowhere"):
        pass
    assert "this_is_nowhere" not in sys.modules
