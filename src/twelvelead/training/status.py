"""How far a training is, in the words of a TrainJob's status: a file beside the checkpoints, and a post.

Kubeflow Trainer 2.3 takes the status of a training from its pods if its feature gate TrainJobStatus is on,
and then tells them where by three variables. The file is for whoever started the training.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twelvelead.progress import say
from twelvelead.training.job import put

URL, CA, TOKEN = (f"KUBEFLOW_TRAINER_SERVER_{name}" for name in ("URL", "CA_CERT", "TOKEN"))
SECONDS_BETWEEN_POSTS = 5.0  # what the Trainer asks of its clients
SECONDS_FOR_A_POST = 5.0


class StatusTracker:
    """Keeps the latest figures as the `trainerStatus` of a TrainJob.

    Args:
        file: Where they are kept.
        total: Steps of the whole training.
    """

    def __init__(self, file: Path, total: int) -> None:
        self.file, self.total = file, total
        self.metrics: dict[str, float] = {}
        self._begun: tuple[int, float] | None = None
        self._posted = float("-inf")
        self._failed = False

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Take the metrics of a step; no fault on the way to the server stops a training."""
        self.metrics |= metrics | {"step": step}
        now = time.monotonic()
        self._begun = self._begun or (step, now)
        status: dict[str, Any] = {
            "lastUpdatedTime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "metrics": [
                {"name": name, "value": f"{value:.6g}"} for name, value in sorted(self.metrics.items())
            ],
            "progressPercentage": min(100 * step // max(self.total, 1), 100),
        }
        first, begun = self._begun
        if step > first:
            status["estimatedRemainingSeconds"] = int((self.total - step) * (now - begun) / (step - first))
        put(self.file, json.dumps(status, sort_keys=True) + "\n")
        if os.environ.get(URL) and (step >= self.total or now - self._posted >= SECONDS_BETWEEN_POSTS):
            self._posted = now
            self._post(status)

    def _post(self, status: dict[str, Any]) -> None:
        try:
            token = Path(os.environ[TOKEN]).read_text(encoding="utf-8")  # anew: it is renewed
            request = urllib.request.Request(
                os.environ[URL],
                data=json.dumps({"trainerStatus": status}).encode(),
                headers={"Authorization": f"Bearer {token.strip()}", "Content-Type": "application/json"},
            )
            trusted = ssl.create_default_context(cafile=os.environ.get(CA))
            with urllib.request.urlopen(request, timeout=SECONDS_FOR_A_POST, context=trusted):
                pass
        except (OSError, KeyError, ValueError, http.client.HTTPException) as fault:
            if not self._failed:
                say(f"lora: the TrainJob's status cannot be told: {fault}")
            self._failed = True
