import pytest

from twelvelead.data.archive import Folder, inside, open_archive
from twelvelead.errors import RecordError, SetupError


def test_a_folder_lists_its_files_without_the_hidden_ones(tmp_path):
    for name in ("b/2.hea", "a.hea", ".git/x.hea", "b/.2.hea.etag"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    archive = Folder(tmp_path)
    assert archive.names() == ["a.hea", "b/2.hea"]
    assert archive.has("b/2.hea")
    assert not archive.has("b")


def test_a_path_is_a_folder_or_a_bucket(tmp_path):
    assert open_archive("s3://b/p", tmp_path, anonymous=True).root == tmp_path / "source"
    assert open_archive(str(tmp_path), tmp_path, anonymous=False).root == tmp_path
    with pytest.raises(SetupError, match="the folder does not exist"):
        open_archive(str(tmp_path / "no"), tmp_path, anonymous=False)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "~/x"])
def test_no_name_leads_out(tmp_path, name):
    with pytest.raises(RecordError, match="leads out of the folder"):
        inside(tmp_path, name)


def test_links_may_stay_inside_but_not_lead_out(tmp_path):
    root = tmp_path / "root"
    (root / "annex").mkdir(parents=True)
    (root / "annex/object").touch()
    (tmp_path / "secret").touch()
    (root / "good").symlink_to("annex/object")
    (root / "bad").symlink_to("../secret")
    (root / "out").symlink_to(tmp_path)
    assert inside(root, "good").is_file()
    for name in ("bad", "out/secret"):
        with pytest.raises(RecordError, match="is a link that leads out"):
            inside(root, name)
