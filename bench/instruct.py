"""How fast instructions are made, in how much memory, how varied they are, and what questions give away.

The index is that of a simulated data set of PTB-XL's size: statements, patients, folds and persons are the
simulator's own, measured values and remarks are drawn here from the statements, for no signal is needed.
The stage runs in a process of its own, on one core, reading and writing included.

    python bench/instruct.py --json bench/results/instruct.json
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1", "TWELVELEAD_WORKERS": "1"})  # before numpy is imported

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hardware import describe

from twelvelead.data.index import INDEX
from twelvelead.data.shard import write_parquet
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.case import NOISES, WAVES
from twelvelead.params import Instruct
from twelvelead.simulate.plan import RecordPlan
from twelvelead.simulate.population import draw_population
from twelvelead.stages.instruct import instruct

RECORDS = 21799
SCALARS = ("rate_bpm", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg", "irregular", "p_present")
SCALARS = (*SCALARS, "premature_beats", "ectopic_beats")
RATE = {"STACH": 115.0, "SBRAD": 50.0, "AFIB": 85.0, "AFLT": 95.0, "SVTAC": 150.0, "PSVT": 150.0}
QRS_MS = dict.fromkeys(("CRBBB", "CLBBB", "PACE", "WPW"), 145.0) | {
    "IRBBB": 108.0,
    "ILBBB": 108.0,
    "IVCD": 118.0,
}
AXIS_DEG = {"LAFB": -55.0, "LPFB": 110.0, "RVH": 105.0, "LVH": 5.0}
RUNS = {"free questions only": {"questions": 52.0, "slots": False}, "defaults": {}}
CLOSED = ("closed", "verify")
SLOTS = ("fill", "choice", "choose", "query", "verify")  # their answers are a slot, no sentence
PEAK_SAMPLE = 200_000
_WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?")
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_OPTION = re.compile(r"[A-E]\. ")


def facts(plan: RecordPlan, rng: np.random.Generator) -> dict[str, Any]:
    """Values that fit the statements, as a measurement would find them."""
    codes = [code for code in STATEMENTS if code in plan.scp_codes]

    def of(table: Mapping[str, float], usual: float) -> float:
        return next((table[code] for code in codes if code in table), usual)

    rate = max(30.0, rng.normal(of(RATE, 72.0), 9.0))
    absent = any(code in ("AFIB", "AFLT", "PACE", "SVTAC", "PSVT") for code in codes)
    long_pr = any(code in ("1AVB", "LPR") for code in codes)
    qtc = rng.normal(of({"LNGQT": 485.0}, 415.0), 20.0)
    early = int(rng.poisson(2.0)) if any(c in ("PVC", "PAC", "PRC(S)", "BIGU", "TRIGU") for c in codes) else 0
    values = {
        "rate_bpm": rate,
        "p_ms": math.nan if absent else rng.normal(104.0, 11.0),
        "pr_ms": math.nan if absent else rng.normal(225.0 if long_pr else 158.0, 18.0),
        "qrs_ms": rng.normal(of(QRS_MS, 91.0), 8.0),
        "qtc_ms": qtc,
        "qt_ms": qtc * (60.0 / rate) ** (1 / 3),
        "axis_deg": rng.normal(of(AXIS_DEG, 40.0), 28.0),
        "irregular": float("AFIB" in codes or "SARRH" in codes),
        "p_present": float(not absent),
        "premature_beats": float(early),
        "ectopic_beats": float(rng.binomial(early, 0.6)),
    }
    heights = {wave: rng.normal(0.1 if wave in ("p_mv", "t_mv") else 0.5, 0.3, len(LEADS)) for wave in WAVES}
    noisy = {
        kind: ",".join(np.array(LEADS)[rng.permutation(12)[: rng.integers(1, 4)]])
        if rng.random() < 0.08
        else None
        for kind in NOISES
    }
    infarct = any(STATEMENTS[code].superclass == "MI" for code in codes)
    stage = str(rng.choice(["Stadium I", "Stadium II", "Stadium II-III", "Stadium III", "unknown"]))
    return {**values, **heights, **noisy, "infarction_stadium1": stage if infarct else None}


def make_inputs(folder: Path, records: int) -> dict[str, Path]:
    """Validation and pages as the stages before would leave them, without pictures."""
    rng = np.random.default_rng(7)
    index, pages = [], []
    for plan in draw_population(records, 1):
        who = f"{plan.patient_id:.0f}"
        row = dict.fromkeys(INDEX.names) | facts(plan, rng)
        row |= {"record_id": f"{plan.ecg_id:05d}", "patient_id": who, "fold": plan.strat_fold, "status": "ok"}
        row |= {"age": plan.years, "sex": ("male", "female")[plan.sex], "source": "simulated"}
        row["statements"] = [{"code": code, "likelihood": value} for code, value in plan.scp_codes.items()]
        index.append(row)
        pages.append(
            {"page_id": f"{plan.ecg_id:05d}-0", **{k: row[k] for k in ("record_id", "patient_id", "fold")}}
        )
    validation, made = folder / "validation", folder / "pages"
    validation.mkdir()
    made.mkdir()
    fields = [("status", pa.string()), *((name, pa.float32()) for name in SCALARS)]
    fields += [(wave, pa.list_(pa.float32())) for wave in WAVES]
    schema = pa.schema([*INDEX, *fields])
    write_parquet(pa.Table.from_pylist(index, schema=schema), validation / "index.parquet")
    write_parquet(pa.Table.from_pylist(pages), made / "manifest.parquet")
    scored = {"scored": list(STATEMENTS)}
    (validation / "statements.json").write_text(json.dumps(scored), encoding="utf-8")
    return {"validation": validation, "pages": made}


def run(inputs: Mapping[str, Path], folder: Path, changes: Mapping[str, Any], results: Any) -> None:
    """The stage in this process: samples, seconds, peak memory."""
    pa.set_cpu_count(1)
    begun, used = time.perf_counter(), time.process_time()
    found = instruct(inputs, folder / "out", Instruct(**changes), folder / "work")
    results.put(
        {
            "samples": sum(found["samples"].values()),
            "wall_s": round(time.perf_counter() - begun, 1),
            "cpu_s": round(time.process_time() - used, 1),
            "peak_mb": peak_mb(),
            "disk_mb": round(sum(p.stat().st_size for p in (folder / "out").iterdir()) / 2**20, 1),
        }
    )


def peak_mb() -> int:
    """Largest resident memory of this process; ru_maxrss would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return round(int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024)


def rows(folder: Path, split: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of a split, with the turns as texts."""
    for path in sorted(folder.glob(f"{split}-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(8192, columns=[*columns, "messages"]):
            for row in batch.to_pylist():
                said = ["".join(part["text"] for part in turn["content"]) for turn in row.pop("messages")]
                yield row | {"turns": list(zip(said[::2], said[1::2], strict=True))}


def forms(row: Mapping[str, Any]) -> list[str]:
    """The form of each turn."""
    if row["format"] != "dialogue":
        return [row["format"]]
    return [part.partition(".")[2] for part in row["template"].removeprefix("dialogue.dialogue.").split("+")]


def closed(folder: Path, split: str) -> dict[str, list[tuple[str, bool]]]:
    """Questions and their Yes, by where they are asked: alone, in a dialogue, in a fixed slot."""
    found: dict[str, list[tuple[str, bool]]] = {"alone": [], "in dialogues": [], "slots": []}
    for row in rows(folder, split, ["family", "format", "template"]):
        if row["family"] == "dialogue":
            turns = zip(forms(row), row["turns"], strict=True)
            told = [turn for form, turn in turns if form == "closed"]
            found["in dialogues"] += [(question, answer.startswith("Yes")) for question, answer in told]
        elif row["format"] in CLOSED:
            question, answer = row["turns"][0]
            place = "slots" if row["family"] == "statement" else "alone"
            found[place].append((question, answer.startswith("Yes")))
    return found


def question_only(folder: Path) -> dict[str, Any]:
    """AUC on fold 10 of a bag of words and word pairs learnt on the closed questions of folds 1 to 8."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    training, testing = closed(folder, "train"), closed(folder, "test")
    found: dict[str, Any] = {}
    for place, seen in training.items():
        if not seen or not testing[place]:
            continue
        bag = CountVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)[^\s?.,:]+", min_df=3, dtype=np.float32)
        texts, said = bag.fit_transform([text for text, _ in seen]), [yes for _, yes in seen]
        model = LogisticRegression(C=0.1, solver="liblinear", max_iter=200).fit(texts, said)
        score = model.decision_function(bag.transform([text for text, _ in testing[place]]))
        truth = np.array([yes for _, yes in testing[place]])
        one: dict[str, Any] = {
            "train": len(seen),
            "test": len(truth),
            "auc": round(float(roc_auc_score(truth, score)), 4),
        }
        if place == "slots":  # the question is always the same, so its score is too
            of = np.array([text for text, _ in testing[place]])
            each = [
                roc_auc_score(truth[of == q], score[of == q])
                for q in set(of)
                if 0 < truth[of == q].mean() < 1
            ]
            one |= {"auc_within_a_statement": round(float(np.mean(each)), 4)}
        found[place] = one
    return found


def variety(folder: Path) -> dict[str, Any]:
    """Distinct n-grams, template entropy and most frequent sentences of the free samples of folds 1 to 8."""
    grams: list[set[tuple[str, ...]]] = [set(), set(), set()]
    totals, templates = [0, 0, 0], Counter[str]()
    sentences: dict[str, Counter[str]] = {"question": Counter(), "answer": Counter()}
    whole: Counter[str] = Counter()
    count = 0
    for row in rows(folder, "train", ["family", "format", "template"]):
        if row["family"] == "statement":
            continue
        count += 1
        templates[row["template"]] += 1
        said: dict[str, set[str]] = {"question": set(), "answer": set()}
        for form, (question, answer) in zip(forms(row), row["turns"], strict=True):
            whole[question] += 1
            asked = [line for line in question.split("\n") if not _OPTION.match(line)]
            told = () if form in SLOTS or answer in ("Yes", "No") else answer.split("\n")
            for place, lines in (("question", asked), ("answer", told)):
                said[place].update(one for line in lines for one in _SENTENCE.split(line) if one)
            for text in (question, answer):
                words = [word.lower() for word in _WORD.findall(text)]
                for n, seen in enumerate(grams if count <= PEAK_SAMPLE else ()):
                    chain = list(zip(*(words[k:] for k in range(n + 1)), strict=False))
                    totals[n] += len(chain)
                    seen.update(chain)
        for place, texts in said.items():
            sentences[place].update(texts)
    shares = np.array(list(templates.values())) / count
    peaks = {place: found.most_common(5) for place, found in sentences.items()}
    return {
        "samples": count,
        "distinct_of_samples": min(count, PEAK_SAMPLE),
        "distinct": {n + 1: round(len(seen) / max(totals[n], 1), 5) for n, seen in enumerate(grams)},
        "distinct_counts": {n + 1: len(seen) for n, seen in enumerate(grams)},
        "templates": len(templates),
        "template_entropy_bits": round(float(-(shares * np.log2(shares)).sum()), 2),
        "different_questions_share": round(len(whole) / whole.total(), 4),
        "most_frequent_sentences": {
            place: [[text, round(number / count, 5)] for text, number in found]
            for place, found in peaks.items()
        },
    }


def main() -> None:
    """Measure, print, and write every figure where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    whole = describe("numpy", "pyarrow", "pandas", "scikit-learn") | {
        "records": arguments.records,
        "runs": {},
    }
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        inputs = make_inputs(Path(place), arguments.records)
        for number, (name, changes) in enumerate(RUNS.items()):
            folder = Path(place) / str(number)
            folder.mkdir()
            results = context.Queue()
            process = context.Process(target=run, args=(inputs, folder, changes, results))
            process.start()
            speed = results.get()
            process.join()
            found = {
                "params": changes,
                "speed": speed,
                "question_only": question_only(folder / "out"),
                "variety": variety(folder / "out"),
            }
            whole["runs"][name] = found
            print(name, json.dumps(found, indent=1), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
