"""Register a judged candidate: the run, the model, the version with all its tags, and last the alias."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead import __version__
from twelvelead.data.digest import model_sha256
from twelvelead.errors import ParamsError, SetupError
from twelvelead.gate.verdict import PASSED, REJECTED, SMOKE
from twelvelead.params import Register
from twelvelead.progress import say
from twelvelead.registry import belonging, champion
from twelvelead.registry.card import card
from twelvelead.registry.champion import CHALLENGER, ROLLED_BACK, holder, number
from twelvelead.registry.figures import flat_metrics, flat_params
from twelvelead.registry.lineage import CNN_SHA256, Candidate, home, version_tags
from twelvelead.registry.promote import BASELINE, PREDICTIONS, against, drop_challenger, versions
from twelvelead.registry.tracking import (
    experiment_id,
    log_metrics,
    log_params,
    masked,
    session,
    tracking_uri,
    without_advice,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

Registration = dict[str, Any]
WEIGHTS = "adapter_model.safetensors"
AGAINST = "against_champion"
ABOUT = "Reads pictures of 12-lead paper ECGs. Not a medical device."


def register(candidate: Candidate, params: Register) -> Registration:
    """Put a candidate into the registry, whatever its verdict; only a passed one may take the alias.

    A passed version becomes `challenger`. It takes the alias if it is not worse than the champion on the
    records that both were judged on, and `params.promote` does not ask for a person's word first.

    The same candidate with the same verdict is never registered twice: its version is found again, an alias
    that a killed run left unset is set, and the CNN is added where an earlier release left it out.

    Args:
        candidate: Adapter, scorecard, verdict and lineage.
        params: Model name, alias and tracking URI.

    Returns:
        The tree of registration.json.

    Raises:
        ParamsError: The model name or the alias is none MLflow takes.
        SetupError: The adapter has no weights, or mlflow/model.py is not found.
        RegistryError: The verdict belongs to other bytes, the champion changed meanwhile, or the registry
            refused or cannot be reached.
    """
    _check_names(params)
    if not (candidate.adapter / WEIGHTS).is_file():
        raise SetupError(
            f"adapter folder has no {WEIGHTS}", where=str(candidate.adapter), fix="run train-lora again"
        )
    folders = candidate.evaluation, candidate.adapter, candidate.baseline
    belonging.check(candidate.verdict, *folders, where=str(candidate.verdict_file))
    tags = version_tags(candidate)
    with session(params.tracking_uri) as client:
        version = _existing(client, params.model_name, tags["fingerprint"])
        if version is None:
            version = _create(client, candidate, params, tags)
        else:
            say(f"register: already registered as {params.model_name} version {version.version}")
            if CNN_SHA256 not in version.tags:
                _add_cnn(client, candidate, version)
        alias, seat = None, "the verdict gives it none"
        if candidate.passed:
            alias, seat = _seat(client, candidate, params, version)
            say(f"register: version {version.version} · {seat}")
        stored = client.get_model_version(params.model_name, version.version)
        return {
            "model": params.model_name,
            "version": int(version.version),
            "passed": candidate.passed,
            "alias": alias,
            "seat": seat,
            "tracking_uri": masked(tracking_uri(params.tracking_uri)),
            "run_id": version.run_id,
            "tags": dict(sorted(stored.tags.items())),
            "reasons": list(candidate.verdict.get("reasons", [])),
        }


def _create(
    client: MlflowClient, candidate: Candidate, params: Register, tags: Mapping[str, str]
) -> ModelVersion:
    import mlflow

    experiment = experiment_id(client, tracking_uri(params.tracking_uri))
    name = f"{candidate.verdict.get('candidate', 'candidate')} {tags['gate']}"
    with (
        mlflow.start_run(experiment_id=experiment, run_name=name, tags=dict(tags)) as run,
        tempfile.TemporaryDirectory() as folder,
    ):
        readme = Path(folder) / "README.md"
        readme.write_text(card(candidate, tags, params.model_name), encoding="utf-8")
        run_id = run.info.run_id
        log_params(client, run_id, flat_params(candidate))
        log_metrics(client, run_id, flat_metrics(candidate.scorecard))
        _log_datasets(client, run_id, tags)
        verdict = Path(folder) / "verdict.json"  # Kubeflow's step has it under a name without a suffix
        shutil.copyfile(candidate.verdict_file, verdict)
        for path in _files(candidate, readme, verdict):
            client.log_artifact(run_id, str(path), "plots" if path.suffix == ".png" else None)
        client.log_artifacts(run_id, str(candidate.baseline), BASELINE)
        uri = _log_model(candidate, readme, tags)
    _ensure_model(client, params.model_name)
    # Tags travel in the request that makes the version: there is no moment in which it exists without them.
    return client.create_model_version(
        params.model_name,
        uri,
        run_id=run_id,
        tags=dict(tags),
        description=_description(candidate),
        model_id=uri.rpartition("/")[2],
    )


def _log_model(candidate: Candidate, readme: Path, tags: Mapping[str, str]) -> str:
    codes = list(candidate.scorecard.get("data", {}).get("statements", []))
    fitted = candidate.scorecard["models"][candidate.verdict["candidate"]]["statements"]
    config = {
        "base": candidate.base,
        "codes": codes,
        "slope": [fitted[code]["slope"] for code in codes],
        "intercept": [fitted[code]["intercept"] for code in codes],
    }
    with without_advice():
        import mlflow.pyfunc

        logged = mlflow.pyfunc.log_model(
            name="reader",
            python_model=str(home() / "mlflow" / "model.py"),
            artifacts={"adapter": str(candidate.adapter), "card": str(readme)},
            model_config=config,
            metadata={"base_sha256": tags["base_sha256"], "adapter_sha256": tags["adapter_sha256"]},
            # Named, not inferred: inferring would import the model, and with it torch and the base.
            pip_requirements=[f"twelvelead[train]=={__version__}", f"mlflow=={mlflow.__version__}"],
        )
    return str(logged.model_uri)


def _add_cnn(client: MlflowClient, candidate: Candidate, version: ModelVersion) -> None:
    """Bytes first, tag last: whoever sees the tag finds the CNN."""
    client.log_artifacts(str(version.run_id), str(candidate.baseline), BASELINE)
    client.set_model_version_tag(version.name, version.version, CNN_SHA256, model_sha256(candidate.baseline))
    say(f"register: version {version.version} has its CNN beside it now")


def _files(candidate: Candidate, *made: Path) -> list[Path]:
    evaluation = candidate.evaluation
    named = [evaluation / name for name in ("scorecard.json", "lineage.json")]
    found = [*made, *named, *sorted(evaluation.glob("*.parquet"))]
    return [path for path in [*found, *sorted((evaluation / "plots").glob("*.png"))] if path.is_file()]


def _log_datasets(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Name the data by DVC's md5; MLflow's own digest would cover only the first 10,000 rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    context = [InputTag("mlflow.data.context", "lineage")]
    inputs = [
        DatasetInput(Dataset(key.partition(".")[2], md5, "dvc", f'{{"dvc_md5": "{md5}"}}'), context)
        for key, md5 in tags.items()
        if key.startswith("dvc_md5.")
    ]
    client.log_inputs(run_id, inputs)


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=ABOUT)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _existing(client: MlflowClient, name: str, fingerprint: str) -> ModelVersion | None:
    found = [item for item in versions(client, name) if item.tags.get("fingerprint") == fingerprint]
    return found[0] if found else None


def _seat(
    client: MlflowClient, candidate: Candidate, params: Register, version: ModelVersion
) -> tuple[str | None, str]:
    """Let a passed version challenge the champion: the alias it holds in the end, and why, in a sentence.

    A later version that holds the seat keeps it, and so does whoever replaced a version that was rolled
    back: a re-run undoes neither.
    """
    name, own = params.model_name, int(version.version)
    now = holder(client, name, params.alias)
    current = client.get_model_version(name, version.version)
    if number(now) == own:
        drop_challenger(client, name, version)
        return params.alias, current.tags.get(AGAINST, "it holds the alias already")
    if now is not None and int(now.version) > own:
        return None, f"the later version {now.version} holds the alias"
    if current.tags.get(ROLLED_BACK):
        return None, "it was rolled back; `twelvelead promote` would bring it back"
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    with tempfile.TemporaryDirectory() as folder:
        predictions = candidate.evaluation / PREDICTIONS
        outcome = against(client, version, now, dict(candidate.verdict), Path(folder), predictions)
    client.set_model_version_tag(name, version.version, AGAINST, outcome.sentence)
    if not outcome.holds or not params.promote:
        return CHALLENGER, outcome.sentence if not outcome.holds else "register.promote is false"
    champion.move(client, name, params.alias, version, number(now))
    drop_challenger(client, name, version)
    return params.alias, outcome.sentence


def _description(candidate: Candidate) -> str:
    outcome = {
        PASSED: "Passed the gate.",
        SMOKE: "Passed a policy that may not promote.",
        REJECTED: "Rejected by the gate.",
    }[candidate.decision]
    simulated = candidate.scorecard.get("data", {}).get("source") == "simulated"
    data = " Trained and judged on simulated records." if simulated else ""
    reasons = "".join(f"\n- {reason}" for reason in candidate.verdict.get("reasons", []))
    return f"{outcome}{data} Not a medical device.{reasons}"[:5000]


def _check_names(params: Register) -> None:
    if not re.fullmatch(r"[\w .-]+", params.model_name):
        raise ParamsError(
            f"register.model_name: {params.model_name!r} is no model name",
            expected="letters, digits, spaces, dots, dashes and underscores",
        )
    if not re.fullmatch(r"[\w-]+", params.alias) or re.fullmatch(r"latest|v\d+", params.alias, re.IGNORECASE):
        raise ParamsError(
            f"register.alias: {params.alias!r} is no alias MLflow takes",
            expected="letters, digits, dashes and underscores; not 'latest' or 'v1'",
        )
