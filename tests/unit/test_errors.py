"""An error is a sentence that says what, where, what was expected and how to mend it."""

from __future__ import annotations

import re

import pytest

from twelvelead import errors


def test_a_message_has_all_four_parts_in_order() -> None:
    fault = errors.DataError("fold 9 is empty", where="index.parquet", expected="10 folds", fix="add records")
    assert str(fault) == "index.parquet: fold 9 is empty\n  Expected: 10 folds\n  Fix: add records"
    assert (fault.what, fault.where) == ("fold 9 is empty", "index.parquet")


def test_parts_that_are_not_given_leave_no_trace() -> None:
    assert str(errors.Error("it broke")) == "it broke"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.Error, 1),
        (errors.ParamsError, 2),
        (errors.DataError, 3),
        (errors.RecordError, 3),
        (errors.LeakageError, 3),
        (errors.SetupError, 5),
        (errors.RegistryError, 5),
        (errors.Interrupted, 143),
    ],
)
def test_every_kind_ends_in_its_own_exit_code(kind: type[errors.Error], code: int) -> None:
    assert kind("x").exit_code == code
    assert re.search(rf"\b{kind.__name__} +{code}\b", errors.__doc__ or "")


def test_one_except_clause_catches_them_all_and_nothing_else() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert all(issubclass(kind, errors.Error) for kind in kinds)
    assert not issubclass(errors.Error, OSError | ValueError)
