"""MLflow's own validation of the policy's plain bounds: a second pair of eyes before an alias moves by hand.

It knows bounds from above or below on a logged metric; "between", and what a missing figure means, are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from twelvelead.errors import RegistryError
from twelvelead.gate.policy import Policy


def check(metrics: Mapping[str, float], policy: Policy, where: str) -> int:
    """Hold the metrics of a run against the policy by `mlflow.validate_evaluation_results`.

    Args:
        metrics: As logged with the run: dotted names as in the policy, without `models.` at their head.
        policy: The policy.
        where: What the message calls the candidate.

    Returns:
        How many bounds MLflow looked at.

    Raises:
        RegistryError: MLflow finds one broken, or a figure that the policy asks for was not logged.
    """
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.models import EvaluationResult, MetricThreshold

    plain = [check for check in policy.checks if check.between is None]
    bounds = {
        check.metric.removeprefix("models."): MetricThreshold(
            threshold=check.at_least if check.at_least is not None else check.at_most,
            greater_is_better=check.at_least is not None,
        )
        for check in plain
    }
    try:
        mlflow.validate_evaluation_results(
            candidate_result=EvaluationResult(metrics=dict(metrics), artifacts={}),
            validation_thresholds=bounds,
        )
    except MlflowException as fault:
        raise RegistryError(
            f"MLflow's validation says no: {fault.message.splitlines()[0]}",
            where=where,
            expected="logged metrics that keep the policy's bounds",
        ) from None
    return len(bounds)
