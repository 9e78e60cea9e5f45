"""The map between paper and picture, both ways."""

from __future__ import annotations

import json

import numpy as np
import pytest

from twelvelead.paper.camera import Pose, aim
from twelvelead.paper.relief import Relief, Shape
from twelvelead.paper.warp import CELL_PX, PERIOD_MM, STEPS, Warp

WIDTH_MM, HEIGHT_MM = 280.0, 140.0
STRIPS = np.array([(15.0, 4.0), (265.0, 4.0), (15.0, 132.0), (265.0, 132.0)])
FOLDED = Shape(WIDTH_MM, HEIGHT_MM, bend=0.6, crease=0.7, wrinkle=0.8, seeds=(1, 2, 3))
ASKEW = Pose(turn=0.02, tilt=0.06, towards=0.3, margin=0.04)


def taken(shape: Shape = FOLDED, pose: Pose = ASKEW) -> Warp:
    return aim(Relief(shape), pose, 1120, 560, STRIPS, 32.0)


def lattice(step_mm: float = 7.3) -> np.ndarray:
    x, y = np.meshgrid(np.arange(0, WIDTH_MM, step_mm), np.arange(0, HEIGHT_MM, step_mm))
    return np.column_stack([x.ravel(), y.ravel()])


def test_a_flat_page_is_a_matter_of_pixels_a_millimetre():
    warp = Warp.flat(4.0, WIDTH_MM, HEIGHT_MM)
    assert warp.shape == (560, 1120)
    np.testing.assert_allclose(warp.to_px(lattice()), lattice() * 4.0, atol=1e-9)
    assert warp.px_mm(50.0, 50.0) == pytest.approx(4.0)


def test_an_untouched_sheet_in_a_picture_of_its_own_shape_is_flat():
    warp = taken(Shape(WIDTH_MM, HEIGHT_MM), Pose())
    np.testing.assert_allclose(warp.to_px(lattice()), lattice() * 4.0, atol=1e-9)


def test_millimetres_come_back_from_a_folded_crumpled_sheet_seen_askew():
    warp = taken()
    np.testing.assert_allclose(warp.to_mm(warp.to_px(lattice())), lattice(), atol=1e-6)


def test_the_mesh_keeps_the_grid_within_half_a_pixel_of_the_ink_even_on_crumpled_paper():
    warp = taken()
    points = lattice()
    pixels = warp.to_px(points)
    cells = pixels / CELL_PX
    left, top = np.floor(cells).astype(int).T
    fx, fy = (cells - np.floor(cells)).T
    mesh = warp.mesh.astype(float)
    between = (mesh[:, top, left] * (1 - fx) + mesh[:, top, left + 1] * fx) * (1 - fy) + (
        mesh[:, top + 1, left] * (1 - fx) + mesh[:, top + 1, left + 1] * fx
    ) * fy
    away_px = np.abs(between.T * PERIOD_MM / STEPS - points) * warp.px_mm(140.0, 70.0)
    assert np.quantile(away_px, 0.99) < 0.5
    assert np.median(away_px) < 0.05


def test_gaps_stay_gaps():
    points = np.array([(10.0, 10.0), (np.nan, np.nan), (np.nan, 5.0)])
    for there in (taken().to_px(points), taken().to_mm(points)):
        assert np.isfinite(there[0]).all()
        assert np.isnan(there[1:]).all()


def test_the_sheet_fits_the_picture_with_its_margin():
    pixels = taken().to_px(lattice(2.0))
    margin = np.array([1120, 560]) * ASKEW.margin
    assert (pixels.min(axis=0) >= margin * 0.9).all()
    assert (pixels.max(axis=0) <= np.array([1120, 560]) - margin * 0.9).all()


def test_a_turned_sheet_has_turned_by_that_much_clockwise():
    west, east = taken(Shape(WIDTH_MM, HEIGHT_MM), Pose(turn=10 / 360)).to_px(
        np.array([(0.0, 70.0), (280.0, 70.0)])
    )
    assert np.degrees(np.arctan2(*(east - west)[::-1])) == pytest.approx(10.0, abs=1e-6)


def test_what_is_tilted_towards_the_camera_is_larger():
    warp = taken(Shape(WIDTH_MM, HEIGHT_MM), Pose(tilt=0.07))
    assert warp.px_mm(140.0, 135.0) / warp.px_mm(140.0, 5.0) == pytest.approx(1.0, abs=0.5)
    assert abs(warp.px_mm(140.0, 135.0) - warp.px_mm(140.0, 5.0)) > 0.3


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.2, 0.9)])
def test_however_far_zoomed_in_every_strip_is_still_to_be_seen(place):
    warp = taken(Shape(WIDTH_MM, HEIGHT_MM), Pose(zoom=3.0, cut=0.3, place=place))
    low, high = warp.to_mm(np.array([(0.0, 0.0), (1120.0, 560.0)]))
    beyond = 0.3 * 32.0 + 1e-6
    assert (low <= STRIPS.min(axis=0) + beyond).all()
    assert (high >= STRIPS.max(axis=0) - beyond).all()


def test_a_map_survives_being_written_down():
    warp = taken()
    again = Warp.from_state(json.loads(json.dumps(warp.state())))
    np.testing.assert_array_equal(again.to_px(lattice()), warp.to_px(lattice()))
    np.testing.assert_array_equal(again.mesh, warp.mesh)
    assert len(json.dumps(warp.state())) < 800


def test_a_relief_is_its_seed_and_grows_with_its_strength():
    def rough(strength: float, seed: int = 5) -> np.ndarray:
        return Relief(Shape(WIDTH_MM, HEIGHT_MM, wrinkle=strength, seeds=(0, 0, seed))).heights_mm

    np.testing.assert_array_equal(rough(0.5), rough(0.5))
    assert not np.array_equal(rough(0.5), rough(0.5, seed=6))
    spans = [np.ptp(rough(strength)) for strength in (0.0, 0.2, 0.5, 1.0)]
    assert spans[0] == 0
    assert spans == sorted(spans)
    assert 1.0 < spans[-1] < 40.0
