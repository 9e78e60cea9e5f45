"""ECGBench: the published figures with their faults, and figures without them."""

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, hamming_loss, roc_auc_score

from twelvelead.errors import DataError
from twelvelead.evaluation.ecgbench import reading
from twelvelead.evaluation.ecgbench.files import Answer, read_answers, read_gold
from twelvelead.evaluation.ecgbench.judge import judge
from twelvelead.evaluation.ecgbench.score import score
from twelvelead.evaluation.ecgbench.task import TASKS, task_of

TASK = {task.name: task for task in TASKS}
SUPER, CODE, QA = TASK["ptb-test"], TASK["code15-test"], TASK["ecgqa-test"]


@pytest.mark.parametrize(
    ("name", "text", "legacy", "strict"),
    [
        ("ptb-test", "NORM", ["NORM"], {"NORM"}),
        ("ptb-test", "MI, CD", ["MI", "CD"], {"MI", "CD"}),
        ("ptb-test", "ABNORMAL MIXED", ["NORM", "MI"], None),  # labels inside of words
        ("ptb-test", "There is no MI, but STTC.", ["MI", "STTC"], {"STTC"}),
        ("ptb-test", "Not HYP. MI it is.", ["MI", "HYP"], {"MI"}),
        ("ptb-test", "no MI", ["MI"], set()),
        ("ptb-test", "None of them", [], set()),
        ("ptb-test", "I cannot read this picture", [], None),
        ("ptb-test", "norm", [], None),
        ("cpsc-test", "IRBBB", ["RBBB"], None),
        ("cpsc-test", "I-AVB and AF", ["AF", "I-AVB"], {"AF", "I-AVB"}),
        ("code15-test", "ABNORMAL. Answer: ABNORMAL, AF", ["ABNORMAL", "AF"], {"ABNORMAL", "AF"}),
        ("code15-test", "It is AF. Answer: NORM", ["NORM"], {"NORM"}),
        ("code15-test", "ST depression", ["ST"], {"ST"}),
        ("code15-test", "LAFB", ["AF"], None),
    ],
)
def test_labels_by_both_rules(name, text, legacy, strict):
    assert reading.legacy_labels(TASK[name], text) == legacy
    assert reading.strict_labels(TASK[name], text) == strict


@pytest.mark.parametrize(
    ("text", "legacy", "strict"),
    [
        ("B", "B", "B"),
        ("C. Atrial fibrillation", "C", "C"),
        ("D. It is not A. flutter", "A", "D"),  # the alphabet comes before the place
        ("The correct option is F", "F", "F"),
        ("The correct option is none", None, None),
        ("Answer: G", "G", "G"),
        ("Answer: A normal ECG", "A", "A"),
        ("(E)", None, "E"),
        ("Probably B or C", None, None),
        ("Answer: B. Answer: C", "B", None),
        ("", None, None),
    ],
)
def test_letters_by_both_rules(text, legacy, strict):
    assert reading.legacy_letter(text) == legacy
    assert reading.strict_letter(TASK["csn-test"], text) == strict


def answers(*texts, **more):
    return [Answer(str(number), text, **more) for number, text in enumerate(texts)]


def gold(*texts):
    return {str(number): text for number, text in enumerate(texts)}


def test_legacy_figures_are_those_of_the_published_calls():
    rng = np.random.default_rng(0)

    def drawn(count, labels):
        return [", ".join(label for label in labels if rng.random() < 0.4) or labels[0] for _ in range(count)]

    right = drawn(60, ("NORM", "MI", "STTC", "CD"))  # HYP is never right: the published classes lack it
    told = drawn(60, SUPER.words)
    found = score(SUPER, answers(*told), gold(*right))
    known = sorted({label for text in right for label in reading.gold_labels(SUPER, text)})
    truth, said = (
        np.array([[label in reading.legacy_labels(SUPER, text) for label in known] for text in texts])
        for texts in (right, told)
    )
    assert known == ["CD", "MI", "NORM", "STTC"]
    assert found["legacy"]["f1"] == pytest.approx(np.mean(f1_score(truth, said, average=None)))
    assert found["legacy"]["hamming_loss"] == pytest.approx(hamming_loss(truth, said))
    aucs = [roc_auc_score(truth[:, j], said[:, j]) for j in range(len(known))]
    assert found["legacy"]["auc"] == pytest.approx(np.mean(aucs))
    assert found["strict"]["hamming_loss"] != found["legacy"]["hamming_loss"]  # HYP counts there


def test_a_class_that_is_always_right_spoils_the_published_auc_and_not_ours():
    found = score(SUPER, answers("MI", "MI, CD", "MI"), gold("MI", "MI, CD", "MI"))
    assert found["legacy"]["auc"] is None
    assert found["strict"]["balanced_accuracy"] == 1.0


def test_what_cannot_be_read_is_counted_and_is_wrong():
    found = score(SUPER, answers("MI", "a fine picture"), gold("MI", "MI"))["strict"]
    assert found["failures"] == 1
    assert found["exact"] == 0.5


def test_probabilities_give_an_auc_that_is_one():
    rng = np.random.default_rng(1)
    truth = rng.random((50, 5)) < 0.4
    chances = np.clip(truth * 0.2 + rng.random((50, 5)) * 0.8, 0, 1)
    told = [
        Answer(str(n), "", probabilities=dict(zip(SUPER.words, row.tolist(), strict=True)))
        for n, row in enumerate(chances)
    ]
    right = [", ".join(np.array(SUPER.words)[row]) or "?" for row in truth]
    soft = score(SUPER, told, gold(*right))["soft"]
    assert soft["macro_auc"] == pytest.approx(roc_auc_score(truth, chances, average="macro"), abs=1e-12)
    assert soft["auc"]["CD"] == pytest.approx(roc_auc_score(truth[:, 3], chances[:, 3]), abs=1e-12)
    del told[3].probabilities["HYP"]
    with pytest.raises(DataError, match="lack the probability of a label"):
        score(SUPER, told, gold(*right))


def test_letters_that_are_not_there_are_guessed_as_published_and_wrong_in_strict():
    texts = ["nothing"] * 1611
    found = score(TASK["csn-test"], answers(*texts), gold(*["C. AF"] * 1611))
    assert 0.09 < found["legacy"]["accuracy"] < 0.16
    assert found == score(TASK["csn-test"], answers(*texts), gold(*["C. AF"] * 1611))
    assert found["strict"] == {"accuracy": 0.0, "failures": 1611}
    short = score(TASK["csn-test"], answers("C"), gold("C. AF"))
    assert short["legacy"]["accuracy"] is None
    assert short["strict"]["accuracy"] == 1.0


def test_options_are_compared_as_characters_by_the_published_rule_and_as_words_by_ours():
    prompt = f"What is seen? Options: sr, rs, qt interval, qt, none {reading.ONLY_OPTIONS}"
    told = answers("sr", "qt interval", "none", "I do not know", prompt=prompt)
    found = score(QA, told, gold("rs", "qt interval", "none", "sr"))
    assert found["legacy"]["accuracy"] == 0.75  # "sr" for "rs"
    assert found["strict"] == {"accuracy": 0.5, "failures": 1}
    with pytest.raises(DataError, match="without the options"):
        score(QA, answers("sr"), gold("sr"))


def test_reports_are_scored_by_the_statements_they_make():
    right = "Sinus rhythm. Left bundle branch block, no ischemia."
    told = "Sinus rhythm. Right bundle branch block."
    found = score(TASK["ptb-test-report"], answers(told, "???"), gold(right, "Atrial fibrillation."))[
        "statements"
    ]
    assert found["precision"] == 0.5  # SR of SR and CRBBB
    assert found["recall"] == pytest.approx(1 / 3)  # of SR, CLBBB, AFIB
    assert found["f1"] == pytest.approx(2 / 5)
    assert found["reports_without_a_statement"] == 1


def test_files_of_every_spelling_are_read(tmp_path):
    lines = [
        {"question_id": 1, "text": "NORM"},
        {"id": "2", "response": "MI", "prompt": {"prompt": "Which?"}},
    ]
    file = tmp_path / "step-final.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_answers(file)
    assert [(a.question_id, a.text, a.prompt) for a in found] == [("1", "NORM", ""), ("2", "MI", "Which?")]
    rows = [
        {"id": "1", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "NORM"}]},
        {"No": 2, "conversation": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "MI"}]},
    ]
    (tmp_path / "gold.json").write_text(json.dumps(rows))
    assert read_gold(tmp_path / "gold.json") == {"1": "NORM", "2": "MI"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("{", "line 1"),
        ("[1]", "no JSON object"),
        ('{"id": 1}', "lacks an id or a text"),
        ('{"id": 1, "text": "", "probabilities": {"MI": 7}}', "probabilities that are none"),
    ],
)
def test_a_broken_output_file_is_named(tmp_path, text, fault):
    file = tmp_path / "x.jsonl"
    file.write_text(text)
    with pytest.raises(DataError, match=fault):
        read_answers(file)
    with pytest.raises(DataError, match="no such output file"):
        read_answers(tmp_path / "none.jsonl")


def test_the_nearest_name_in_a_path_tells_the_task(tmp_path):
    from pathlib import Path

    assert task_of(Path("ptb-test-report/step-final.jsonl")).kind == "report"
    assert task_of(Path("a/ptb-test/step.jsonl")) is SUPER
    assert task_of(Path("ptb-test/cpsc-test.jsonl")).name == "cpsc-test"
    with pytest.raises(DataError, match="names no task"):
        task_of(Path("a/b.jsonl"))


def test_a_folder_of_outputs_is_judged_file_by_file(tmp_path):
    outputs, questions = tmp_path / "outputs", tmp_path / "gold"
    with pytest.raises(DataError, match="no such file or folder"):
        judge(outputs, questions)
    (outputs / "ptb-test").mkdir(parents=True)
    questions.mkdir()
    (outputs / "ptb-test" / "step-final.jsonl").write_text('{"id": "1", "text": "MI"}\n')
    with pytest.raises(DataError, match="there is no question file"):
        judge(outputs, questions)
    rows = [
        {"id": n, "conversations": [{"value": "?"}, {"value": label}]}
        for n, label in (("1", "MI"), ("2", "CD"))
    ]
    (questions / "ptb-test.json").write_text(json.dumps(rows))
    shown = judge(outputs, questions, tmp_path / "out.json")
    assert "PTB-XL Super, 1 answers, 1 questions unanswered" in shown
    assert (
        json.loads((tmp_path / "out.json").read_text())["ptb-test/step-final.jsonl"]["strict"]["exact"] == 1.0
    )
    (outputs / "ptb-test" / "step-final.jsonl").write_text('{"id": "9", "text": "MI"}\n')
    with pytest.raises(DataError, match="unknown questions"):
        judge(outputs, questions)
    (outputs / "ptb-test" / "step-final.jsonl").write_text('{"id": "1", "text": "MI"}\n' * 2)
    with pytest.raises(DataError, match="answered twice"):
        judge(outputs, questions)
