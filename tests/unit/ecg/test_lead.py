import numpy as np

from twelvelead.ecg.lead import INDEPENDENT, LEADS, WFDB_LEADS, derive_limb


def test_the_limb_leads_obey_einthoven_and_goldberger() -> None:
    left, right, foot = np.array([0.5]), np.array([-0.25]), np.array([1.25])
    iii, avr, avl, avf = derive_limb(left - right, foot - right)
    np.testing.assert_allclose(iii, foot - left)
    np.testing.assert_allclose(avr, right - (left + foot) / 2)
    np.testing.assert_allclose(avl, left - (right + foot) / 2)
    np.testing.assert_allclose(avf, foot - (left + right) / 2)


def test_leads_stand_in_the_order_of_ptb_xl() -> None:
    assert WFDB_LEADS == ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert LEADS[3:6] == ("aVR", "aVL", "aVF")
    assert [LEADS[row] for row in INDEPENDENT] == ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
