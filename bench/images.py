"""How large the images are and what a container a step costs: the smoke road in containers and beside them.

Sizes are those of the engine, unpacked and with the base. Seconds are wall seconds of one run each, one after
the other on the same cores. Needs `make images` and an engine at DOCKER_HOST, for podman
`podman system service --time=0 unix:///tmp/podman.sock &`.

    python bench/images.py --json bench/results/images.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hardware import describe

TARGETS = ("cpu", "gpu", "gate", "serve", "submit")
LARGEST = 8
# Bytes by top-level name in the environment's own site-packages; libraries that a wheel brings count to it.
WEIGH = """
import collections, json, pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path("purelib"))
sizes = collections.Counter()
for path in site.rglob("*"):
    if path.is_file() and not path.is_symlink():
        size = path.stat().st_size
        sizes[path.relative_to(site).parts[0].removesuffix(".libs")] += size
        sizes["byte code, in all"] += size * (path.suffix == ".pyc")
print(json.dumps(dict(sizes)))
"""


def main() -> None:
    """Print a table; with --json also write every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", default="localhost/twelvelead/{target}:dev", help="name with {target}")
    parser.add_argument("--no-road", action="store_true", help="sizes alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import docker

    client = docker.from_env(timeout=600)
    found: dict[str, Any] = {"images": {}}
    images = [
        word
        for target in ("cpu", "gpu", "gate")
        for word in ("--image", f"{target}={options.images.format(target=target)}")
    ]
    for target in TARGETS:
        found["images"][target] = image = weigh(client, options.images.format(target=target))
        print(f"{target:<8}{image['mb']:>7} MB  base {image['base_mb']} MB, start {image['start_s']:.1f} s")
        print("  largest, MB: " + ", ".join(f"{name} {mb}" for name, mb in image["packages_mb"].items()))
    if not options.no_road:
        found["smoke_road_s"] = {
            "in containers": road(*images),
            "beside": road(),
        }
        print("smoke road, seconds: " + ", ".join(f"{name} {s}" for name, s in found["smoke_road_s"].items()))
    if options.json:
        whole = {
            "what": "sizes of the images; wall seconds of params.smoke.yaml, a container a step, and without",
            **describe("kfp", "docker"),
            "engine": engine(client),
            "data": "300 simulated records; the gpu image on a stand-in base with torch's CPU build",
            **found,
        }
        options.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def weigh(client: Any, name: str) -> dict[str, Any]:
    """Size, layers, base, the heaviest packages, and the seconds of `twelvelead version` in a container."""
    image = client.images.get(name)
    base = client.images.get(image.labels["org.opencontainers.image.base.name"])
    begun = time.perf_counter()
    client.containers.run(name, ["twelvelead", "version"], remove=True)
    seconds = time.perf_counter() - begun
    sizes = json.loads(client.containers.run(name, ["python3", "-c", WEIGH], remove=True))
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST]
    return {
        "mb": _mb(image.attrs["Size"]),
        "base_mb": _mb(base.attrs["Size"]),
        "layers": len(image.attrs["RootFS"]["Layers"]),
        "start_s": round(seconds, 2),
        "packages_mb": {package: _mb(size) for package, size in heaviest},
    }


def road(*options: str) -> float:
    """Seconds of the smallest whole run."""
    with tempfile.TemporaryDirectory() as aside:
        command = [sys.executable, "-m", "pipelines", "run", "--params", "params.smoke.yaml", "--runs", aside]
        begun = time.perf_counter()
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return round(time.perf_counter() - begun, 1)


def engine(client: Any) -> str:
    """Name and version of what runs the containers."""
    parts = client.version().get("Components") or [{"Name": "engine", "Version": client.version()["Version"]}]
    return f"{parts[0]['Name']} {parts[0]['Version']}"


def _mb(size: int) -> int:
    return round(size / 1e6)


if __name__ == "__main__":
    main()
