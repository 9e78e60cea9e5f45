"""A pod's log, line by line as it is written: read on after a lost connection, and no line told twice."""

from __future__ import annotations

import threading
import time
from collections import deque

from twelvelead.errors import Error
from twelvelead.launch.cluster import Cluster
from twelvelead.progress import say

LINES_KEPT = 20
PAUSE_S = 1.0
MARGIN_S = 10  # clocks and buffers
LINES_KNOWN = 5000  # more than come in that time


class Log:
    """Tells what the leading node says, pod after pod, from a thread.

    Args:
        cluster: Where the pods are.

    Attributes:
        tail: The last lines.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.tail: deque[str] = deque(maxlen=LINES_KEPT)
        self.pod = ""
        self._thread: threading.Thread | None = None

    def watch(self, pod: str) -> None:
        """Follow this pod from now on; a pod that is followed already is left to its thread."""
        if pod == self.pod:
            return
        self.finish()  # of an earlier pod, which has ended
        self.pod = pod
        self._thread = threading.Thread(target=_Reader(self, pod).run, name=f"log of {pod}", daemon=True)
        self._thread.start()

    def finish(self, seconds: float = 10.0) -> None:
        """Wait until the last lines of an ended pod are told."""
        if self._thread:
            self._thread.join(seconds)

    def close(self) -> None:
        """Tell no more."""
        self.pod = ""


class _Reader:
    """Follows one pod to its end. Lines come with their times, so one that comes twice is known."""

    def __init__(self, log: Log, pod: str) -> None:
        self.log, self.pod = log, pod
        self.seen: dict[bytes, None] = {}  # in the order they came
        self.heard_s = 0.0

    def run(self) -> None:
        """Read until the pod has ended and a whole reading came after that."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        over = False
        while self.log.pod == self.pod:
            try:
                self._read()
                if over:
                    return
                over = self._ended()
            except ApiException as fault:
                if fault.status == 403:
                    say(f"lora: {self.log.cluster.refusal('get pods/log', fault)}")
                if fault.status in (403, 404):
                    return
            except (Error, HTTPError, OSError):
                pass  # whoever watches the TrainJob tells of a server that is away
            if not over:
                time.sleep(PAUSE_S)

    def _ended(self) -> bool:
        pod = self.log.cluster.pod(self.pod)
        return pod is None or pod.get("status", {}).get("phase") in ("Succeeded", "Failed")

    def _read(self) -> None:
        since_s = int(time.monotonic() - self.heard_s) + MARGIN_S if self.seen else None
        for line in self.log.cluster.log(self.pod, since_s):
            if self.log.pod != self.pod:
                return
            if line in self.seen:
                continue
            self.seen[line] = None
            if len(self.seen) > LINES_KNOWN:
                del self.seen[next(iter(self.seen))]
            self.heard_s = time.monotonic()
            text = line.decode("utf-8", "replace").partition(" ")[2]
            self.log.tail.append(text)
            say(text)
