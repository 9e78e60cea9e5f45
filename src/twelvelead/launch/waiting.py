"""Why a TrainJob does not run yet, in the cluster's words, each told once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twelvelead.errors import SetupError
from twelvelead.launch.cluster import Cluster, Tree
from twelvelead.progress import say


class Waiting:
    """Tells what keeps a TrainJob from running.

    Args:
        cluster: Where it is.
        name: Its name.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.told: set[str] = set()
        self._may_list_events = True

    def tell(self, found: Tree, pods: list[Tree]) -> None:
        """Tell what is new, of the TrainJob and its pods as they are now."""
        pending = [pod for pod in pods if pod.get("status", {}).get("phase", "Pending") == "Pending"]
        for why in [*_suspension(found), *(why for pod in pending for why in _reasons(pod))]:
            self._once(why)
        if pending or not pods:
            for why in self._events():
                self._once(why)

    def _once(self, why: str) -> None:
        if why not in self.told:
            say(f"lora: TrainJob {self.name} waits: {why}")
        self.told.add(why)

    def _events(self) -> list[str]:
        if not self._may_list_events:
            return []
        try:
            return self.cluster.warnings(self.name)
        except SetupError as fault:
            self._may_list_events = False
            say(f"lora: {fault}")
            return []


def _suspension(found: Tree) -> Iterator[str]:
    for condition in found.get("status", {}).get("conditions", []):
        if (condition["type"], condition["status"]) == ("Suspended", "True"):
            why = condition.get("message") or condition["reason"]
            yield f"it is suspended, by a queue or by hand ({why})"


def _reasons(pod: dict[str, Any]) -> Iterator[str]:
    """Why one pod is pending: no node takes it, or its container cannot start."""
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            yield f"FailedScheduling: {condition['message']}"
    for container in status.get("containerStatuses", []):
        held = container.get("state", {}).get("waiting", {})
        if held.get("message"):
            yield f"{held['reason']}: {held['message']}"
