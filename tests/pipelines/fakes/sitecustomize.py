"""Stand-ins for the stage functions, for steps that run in processes of their own.

Python imports a module of this name at start-up when its folder is on PYTHONPATH. FAKE_CALLS names a file
to which every call is written; FAKE_FAULTS is JSON, stage name → what it does instead of its work.
"""

import importlib.machinery
import json
import os
import signal
import sys
import types
from pathlib import Path

PREFIX = "twelvelead.stages."
SCORES = {"macro_auc": 0.91, "macro_auc_compared": 0.93, "macro_ap": 0.71, "macro_f1": None}
DELTA = {"value": 0.0123, "lower": -0.004, "upper": 0.03, "se": 0.01}
SCORECARD = {
    "data": {
        "source": "simulated", "fold10": 30, "patients_fold10": 28, "statements": ["AFIB", "NORM"],
        "compared": ["NORM"],
    },
    "models": {"cnn": SCORES, "lora": {**SCORES, "macro_auc": 0.92}, "base": SCORES},
    "comparison": {
        "candidate": "lora", "baseline": "cnn", "delta_macro_auc": DELTA, "delta_vs_base": DELTA,
        "replicates": 200, "confidence": 0.95,
    },
    "controls": {"blank": {"macro_auc": 0.5}, "shuffled": {"macro_auc": 0.49}},
}  # fmt: skip
CHECK = {"name": "not worse than the CNN", "passed": False, "reason": "delta -0.004 is below 0"}
VERDICT = {"passed": False, "decision": "rejected", "policy_name": "standard", "checks": [CHECK]}
REGISTRATION = {"model": "twelvelead-reader", "version": 3, "alias": None}


def _work(name, output, params):
    sys.stderr.write(f"fake {name} at work\n")
    if name == "evaluate":
        (output / "scorecard.json").write_text(json.dumps(SCORECARD))
        (output / "predictions.parquet").write_text("rows")
    elif name == "gate":
        output.write_text(json.dumps(VERDICT))
    elif name == "register":
        output.write_text(json.dumps({**REGISTRATION, "run": os.environ["KFP_RUN_ID"]}))
    elif name == "report":
        output.write_text("<html>")
    else:
        (output / "made.json").write_text(params.model_dump_json())


def _stage(name):
    def stage(inputs, output, params, work):
        with Path(os.environ["FAKE_CALLS"]).open("a") as calls:
            calls.write(f"{name}\n")
        fault = json.loads(os.environ.get("FAKE_FAULTS", "{}")).get(name)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "bug":
            raise ZeroDivisionError("a bug")
        elif fault == "reject":
            from twelvelead.errors import DataError

            raise DataError("fold 9 is empty", where="records", fix="add records")
        elif fault != "nothing":
            _work(name, output, params)
        return {}

    return stage


def _outcome(pipeline, status, output, params):
    """Without MLflow, which takes longer to import than all other stand-ins together."""
    with Path(os.environ["FAKE_ENDS"]).open("a") as ends:
        ends.write(f"{pipeline} {status['state']}\n")
    output.write_text(json.dumps({"state": status["state"]}))
    return {}


def _promote(params, version, expect, output):
    output.write_text(
        json.dumps({"model": params.register_.model_name, "version": version, "alias": "champion"})
    )
    return {"version": version}


ERRANDS = {"outcome": _outcome, "promote": _promote}
REAL = ("run", "component", "errands", "publish", "fetch", "draw")


class _Fakes:
    """Finds twelvelead.stages.<stage> before the real module is looked for."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        stage = name.removeprefix(PREFIX)
        if name == PREFIX + stage and stage not in REAL:
            return importlib.machinery.ModuleSpec(name, _Fakes)
        return None

    @staticmethod
    def create_module(spec):
        stage = spec.name.removeprefix(PREFIX)
        module = types.ModuleType(spec.name)
        setattr(module, stage, ERRANDS.get(stage) or _stage(stage))
        return module

    @staticmethod
    def exec_module(module):
        pass


sys.meta_path.insert(0, _Fakes)
