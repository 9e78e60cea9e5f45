from collections import Counter

from twelvelead.data.folds import fold_of_patient


def test_a_patients_fold_never_changes():
    assert [fold_of_patient(name) for name in ("10000032", "10000117", "dicom-1", "")] == [7, 3, 10, 3]


def test_every_fold_gets_a_tenth_of_the_patients():
    shares = Counter(fold_of_patient(str(number)) for number in range(20_000))
    assert sorted(shares) == list(range(1, 11))
    assert all(1800 < count < 2200 for count in shares.values())
