"""What the service bears: broken uploads by the thousand, and more load than it can take.

A server is started by its command on a loopback port. `fuzz` sends mutations of valid PNG, JPEG, TIFF,
PDF, DICOM, WFDB, ZIP and multipart uploads (flipped, cut, repeated and spliced bytes, wrong lengths) and
counts answers by status: a 5xx other than 503 is a fault. Memory is that of the server and its children.
`load` sends one page over and over with wrk: from few connections, from ten times as many as may wait, and
from few again. `killed` ends the server with SIGKILL while it reads, and starts another. `others` is the load
average when a part begins: what else the machine did.

    python bench/serving.py --model models/reader --uploads 10000 --json bench/results/serving.json
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe

from twelvelead.data.wfdb import encode
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.page import PageStyle, render
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

PACKAGES = ("torch", "starlette", "uvicorn", "pillow", "pypdfium2", "pydicom")
TOKEN = "only for this bench, on loopback"
WAITING = 16
FS_HZ = 500.0  # of simulated records
BOUNDARY = "frontier"
WRK_ANSWERS = """
local statuses = {}
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  codes = {}
  local file = io.open(os.getenv("PAGE"), "rb")
  wrk.method, wrk.body = "POST", file:read("*all")
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
end
function response(status, headers, body) codes[status] = (codes[status] or 0) + 1 end
function done(summary, latency, requests)
  local all = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("codes")) do all[status] = (all[status] or 0) + count end
  end
  for status, count in pairs(all) do io.write("status ", status, " ", count, "\\n") end
  for _, p in pairs({50, 95, 99}) do io.write("p", p, " ", latency:percentile(p) / 1000, "\\n") end
  io.write("errors ", summary.errors.connect + summary.errors.read + summary.errors.timeout, "\\n")
  io.write("seconds ", summary.duration / 1e6, "\\n")
end
"""


class Server:
    """The service as a process."""

    def __init__(self, model: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "twelvelead", "serve", "--model", model, "--port", str(self.port),
                   "--waiting", str(WAITING)]  # fmt: skip
        self.log = folder / "log.txt"
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(
                command, env={**os.environ, "TWELVELEAD_TOKEN": TOKEN}, stderr=stream
            )
        for _ in range(1200):
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text())
            try:
                if send(f"{self.base}/readyz", None, {})[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit("the server was never ready")

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of the server, and of the processes that open uploads together."""
        own = resident_mb(self.process.pid)
        return {"server": own, "chambers": round(sum(map(resident_mb, self.helpers())), 1)}

    def helpers(self) -> list[int]:
        """The processes that open uploads."""
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/stat")
            if parent(path) == self.process.pid
        ]

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)
        return round(time.monotonic() - begun, 2)


def parent(stat: Path) -> int:
    """The parent of a process; 0 where it is gone."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", text)
    return round(int(found[1]) / 1024, 1) if found else 0.0


def folder_of(pid: int) -> Path:
    """Where a process that opens uploads has its files."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(Path(one[7:].decode()) for one in variables if one.startswith(b"TMPDIR="))


def send(url: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request."""
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {TOKEN}", **headers})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read()


def page(number: int = 0, layout: str = "12x1") -> bytes:
    """A page of the tiny model's own size: decoding it costs little, so more mutations can be sent."""
    samples_uv = simulate_record(draw_population(8, seed=5)[number])
    style = PageStyle(layout) if layout == "12x1" else PageStyle(layout, 1120, 560)
    return png_bytes(render(samples_uv.T / 1000.0, FS_HZ, style))


def dicom(shared: str) -> bytes:
    """The real DICOM ECG where there is one, else an empty shell."""
    files = sorted(Path(shared, "data", "dicom").rglob("*.dcm")) if shared else []
    return files[0].read_bytes() if files else b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\x04\0\0\0\0\0"


def seeds(shared: str) -> dict[str, tuple[bytes, str]]:
    """Valid uploads by kind: body and content type."""
    import zipfile

    from PIL import Image

    png = page()
    image = Image.open(io.BytesIO(png)).convert("RGB")

    def saved(form: str, **more: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, form, **more)
        return stream.getvalue()

    header, signals = encode(
        "r", (np.random.default_rng(1).normal(size=(1000, 12)) * 500).astype(np.int16), 100.0
    )
    raw = "application/octet-stream"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as entries:
        entries.writestr("a.png", png)
        entries.writestr("r.hea", header)
        entries.writestr("r.dat", signals)
    form = f"multipart/form-data; boundary={BOUNDARY}"
    return {
        "png": (png, raw), "jpeg": (saved("JPEG"), raw), "pdf": (saved("PDF"), raw),
        "tiff": (saved("TIFF", save_all=True, append_images=[image.resize((300, 300))]), raw),
        "tiff lzw": (saved("TIFF", compression="tiff_lzw"), raw), "dicom": (dicom(shared), raw),
        "wfdb": (multipart(("r.hea", header), ("r.dat", signals)), form),
        "multipart": (multipart(("a.png", png)), form), "zip": (archive.getvalue(), raw),
    }  # fmt: skip


def multipart(*files: tuple[str, bytes]) -> bytes:
    """A form's body."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        + data
        for name, data in files
    ]
    return b"\r\n".join(parts) + f"\r\n--{BOUNDARY}--\r\n".encode()


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four things go wrong with a file; most of them near its beginning, where structure is."""
    body = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if len(body) < 8:
            break
        reach = len(body) if rng.random() < 0.4 else min(len(body), 600)
        at, kind = int(rng.integers(reach)), int(rng.integers(7))
        if kind == 0:
            body[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            body[at : at + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
        elif kind == 2:
            body[at : at + 4] = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")[int(rng.integers(3))]
        elif kind == 3:
            del body[at:]
        elif kind == 4:
            del body[at : at + int(rng.integers(1, 64))]
        elif kind == 5:
            body[at:at] = body[at : at + int(rng.integers(1, 256))] * int(rng.integers(1, 20))
        else:
            body[at:at] = rng.integers(0, 256, int(rng.integers(1, 64)), dtype=np.uint8).tobytes()
    return bytes(body)


def fuzz(server: Server, first: int, uploads: int, limit_s: float, shared: str) -> dict[str, Any]:
    """Send mutations from a few threads until so many were sent or the time is up."""
    valid, begun, others = seeds(shared), time.monotonic(), round(os.getloadavg()[0], 1)
    kinds, counts, faults = list(valid), Counter(), []
    memory, lock, numbers = [], threading.Lock(), iter(range(first, first + uploads))
    for body, content_type in valid.values():
        send(f"{server.base}/v1/batch", body, {"Content-Type": content_type})
    sent = 0

    def work() -> None:
        nonlocal sent
        while time.monotonic() - begun < limit_s:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            kind = kinds[number % len(kinds)]
            body = mutated(valid[kind][0], np.random.default_rng((7, number)))
            route = "batch" if kind == "zip" or number % 13 == 0 else "interpret"
            try:
                status, _ = send(f"{server.base}/v1/{route}", body, {"Content-Type": valid[kind][1]})
            except OSError as fault:
                status = -1
                faults.append({"number": number, "kind": kind, "fault": str(fault)})
            with lock:
                sent += 1
                counts[f"{kind} {status}"] += 1
                if status >= 500 and status != 503:
                    faults.append({"number": number, "kind": kind, "status": status})
                if sent % 500 == 0:
                    memory.append({"sent": sent, **server.memory_mb()})
                    print(sent, memory[-1], len(faults), f"{time.monotonic() - begun:.0f} s", flush=True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses: Counter[str] = Counter()
    for key, count in counts.items():
        statuses[key.rpartition(" ")[2]] += count
    alive = send(f"{server.base}/v1/interpret", page(), {})[0]
    return {
        "first": first, "others": others, "uploads": sent, "seconds": round(time.monotonic() - begun, 1),
        "by_status": dict(sorted(statuses.items())),
        "by_kind": dict(sorted(counts.items())), "faults": faults, "reads_afterwards": alive == 200,
        "memory_mb": memory,
    }  # fmt: skip


def load(server: Server, folder: Path, seconds: int) -> dict[str, Any]:
    """wrk at three loads, one after the other, once the server has worked itself warm."""
    for _ in range(20):
        send(f"{server.base}/v1/interpret", page(), {})
    (folder / "page.png").write_bytes(page())
    (folder / "load.lua").write_text(WRK_ANSWERS)
    found = {}
    for name, connections in (
        ("four at once", 4),
        ("ten times what may wait", 10 * WAITING),
        ("four again", 4),
    ):
        command = ["wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "60s", "-s",
                   str(folder / "load.lua"), f"{server.base}/v1/interpret"]  # fmt: skip
        others = round(os.getloadavg()[0], 1)
        environment = {**os.environ, "PAGE": str(folder / "page.png"), "TOKEN": TOKEN}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        lines = [line.split() for line in said.splitlines() if line.strip()]
        statuses = {line[1]: int(line[2]) for line in lines if line[:1] == ["status"]}
        spent = next(float(line[1]) for line in lines if line[:1] == ["seconds"])
        found[name] = {
            "connections": connections, "others": others, "statuses": statuses,
            "read_per_s": round(statuses.get("200", 0) / spent, 2),
            "refused_per_s": round(statuses.get("429", 0) / spent, 1),
            "ms": {line[0]: round(float(line[1]), 1) for line in lines if re.fullmatch(r"p\d+", line[0])},
            "errors": next(int(line[1]) for line in lines if line[:1] == ["errors"]), **server.memory_mb(),
        }  # fmt: skip
        print(name, found[name], flush=True)
    return found


def killed(server: Server, model: str, folder: Path) -> dict[str, Any]:
    """SIGKILL while four clients are read, and what is left; then another server."""
    before = json.loads(send(f"{server.base}/v1/interpret", page(), {})[1])["statements"]
    helpers = server.helpers()
    folders = [folder_of(pid) for pid in helpers]

    def work() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                send(f"{server.base}/v1/interpret", page(), {})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    begun = time.monotonic()
    server.process.kill()
    server.process.wait()
    while any(resident_mb(pid) for pid in helpers) and time.monotonic() - begun < 60:
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    found: dict[str, Any] = {
        "helpers": len(helpers), "helpers_left": sum(resident_mb(pid) > 0 for pid in helpers),
        "gone_after_s": round(time.monotonic() - begun, 2),
    }  # fmt: skip
    begun = time.monotonic()
    other = Server(model, folder)
    found["ready_again_after_s"] = round(time.monotonic() - begun, 1)
    after = json.loads(send(f"{other.base}/v1/interpret", page(), {})[1])["statements"]
    other.stop()
    found["answers_alike"] = after == before
    found["folders_left"] = sum(one.exists() for one in folders)
    print(found, flush=True)
    return found


def main() -> None:
    """Start, fuzz, load, stop, kill, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="models/reader")
    parser.add_argument("--uploads", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation: runs add up")
    parser.add_argument("--fuzz-s", type=float, default=420, help="stop fuzzing after so long")
    parser.add_argument("--load-s", type=int, default=15, help="seconds of each load")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    shared = os.environ.get("TWELVELEAD_SHARED", "")
    result: dict[str, Any] = describe(*PACKAGES)
    with tempfile.TemporaryDirectory() as name:
        server = Server(options.model, Path(name))
        try:
            if options.uploads:
                result["fuzz"] = fuzz(server, options.first, options.uploads, options.fuzz_s, shared)
            if shutil.which("wrk"):
                result["load"] = load(server, Path(name), options.load_s)
            result["stopped_after_s"] = server.stop()
            server = Server(options.model, Path(name))
            result["killed"] = killed(server, options.model, Path(name))
        finally:
            server.process.kill()
    if options.json:
        before = json.loads(options.json.read_text()) if options.json.is_file() else {}
        if "fuzz" in result:
            result["fuzz"] = [*before.get("fuzz", []), result["fuzz"]]
        options.json.write_text(json.dumps({**before, **result}, indent=1) + "\n", encoding="utf-8")
    if faults := [one for run in result.get("fuzz", []) for one in run["faults"]]:
        raise SystemExit(f"faults: {faults[:5]}")


if __name__ == "__main__":
    main()
