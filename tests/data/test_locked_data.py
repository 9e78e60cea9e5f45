"""dvc.lock names the data of the default params; whoever makes them again must get those very bytes."""

import os
import subprocess
import sys

import pytest
import yaml

from twelvelead.data.digest import dvc_md5

DATA = {"ingest": "records", "validate": "validation", "synthesize": "pages", "instruct": "instructions"}


@pytest.mark.slow
def test_the_locked_data_revision_is_made_again_to_the_byte(root, tmp_path):
    locked = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    for number, (stage, artifact) in enumerate(DATA.items()):
        subprocess.run(
            [sys.executable, "-m", "twelvelead.cli", stage, "--at", str(tmp_path)],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": str(number + 1)},
            check=True,
            capture_output=True,
        )
        assert dvc_md5(tmp_path / artifact) == locked[stage]["outs"][0]["md5"], stage
