"""Figures of the service, in a registry of its own so that two servers in one process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60)


class Metrics:
    """All counters and gauges."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter("twelvelead_requests", "Requests", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "twelvelead_request_seconds", "Their time", ["route"], buckets=SECONDS, registry=own
        )
        self.refused = Counter("twelvelead_refused", "Uploads that were not read", ["code"], registry=own)
        self.pictures = Counter("twelvelead_pictures", "Pictures read", registry=own)
        self.batch = Histogram(
            "twelvelead_batch", "Pictures a forward pass", buckets=(1, 2, 4, 8, 12, 16), registry=own
        )
        self.waiting = Gauge("twelvelead_waiting", "Requests inside", registry=own)
        self.held = Gauge("twelvelead_held_bytes", "Bytes of uploads inside", registry=own)
        self.swaps = Counter(
            "twelvelead_swaps", "Looks at the registry that came to something", ["outcome"], registry=own
        )
        self.trouble = Gauge(
            "twelvelead_trouble", "1 while the registry or a successor is at fault; see /readyz", registry=own
        )
        self.model = Gauge(
            "twelvelead_model", "The reader in charge", ["version", "adapter", "decision"], registry=own
        )
        self.children = Gauge(
            "twelvelead_chambers_started", "Processes that were started to open uploads", registry=own
        )

    def noticed(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)
