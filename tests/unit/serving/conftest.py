import pytest


@pytest.fixture
def road(tmp_path, base, base_folder):
    pytest.importorskip("torch")
    from tests.serving.road import write_road

    return write_road(tmp_path / "road", base, base_folder)
