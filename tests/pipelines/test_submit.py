"""Submitting against an emulated KFP API: what is sent, and what is said when the server says no."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines.package import compiled_for, digests, images_of
from pipelines.submit import Order, submit
from pipelines.variants import PIPELINES

from twelvelead.errors import Error, ParamsError, SetupError
from twelvelead.params import Params, parse

IMAGE = "twelvelead/steps@sha256:" + "a" * 64


def order(name: str = "default", image: str = IMAGE, **said: str | int) -> Order:
    """The training pipeline with one image."""
    return Order(PIPELINES["training"], Params(name=name), (image,), said=said)


class Server(ThreadingHTTPServer):
    """Knows experiments, runs and recurring runs, as far as the client asks; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sent: list[tuple[str, str, Any, str]] = []
        self.refuse: dict[str, int] = {}
        self.refusal: Any = {"error": "this identity may not"}
        self.states = ["SUCCEEDED"]  # of the run, one a look; the last one stays; a number is a refusal
        self.health: Any = {"multi_user": True}
        self.schedules: list[dict[str, str]] = []
        self.lists: Any = {"experiments": []}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, path: str) -> list[Any]:
        return [body for method, at, body, _ in self.sent if method == "POST" and at.endswith(path)]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.sent.append(("GET", path, None, self.headers.get("authorization", "")))
        for end, code in self.server.refuse.items():
            if end.startswith("GET ") and path.endswith(end.removeprefix("GET ")):
                return self.answer(self.server.refusal, code)
        if path.endswith("/experiments"):
            lists = self.server.lists
            return self.answer(lists.pop(0) if isinstance(lists, list) else lists)
        if path.endswith("/recurringruns"):
            return self.answer({"recurringRuns": self.server.schedules})
        if "/runs/" in path:
            states = self.server.states
            state = states.pop(0) if len(states) > 1 else states[0]
            if state == "login":
                return self.answer("<html>Log in</html>")
            if isinstance(state, int):
                return self.answer({"error": "try later"}, state)
            error = {"code": 2, "message": "gate: no disk"} if state == "FAILED" else None
            return self.answer({"run_id": "run-1", "state": state, "error": error})
        return self.answer(self.server.health)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        self.server.sent.append(("POST", path, body, self.headers.get("authorization", "")))
        for end, code in self.server.refuse.items():
            if path.endswith(end):
                return self.answer(self.server.refusal, code)
        if path.endswith("/experiments"):
            return self.answer({"experiment_id": "exp-1", "display_name": body["display_name"]})
        if path.endswith("/recurringruns"):
            return self.answer({"recurring_run_id": "rec-1", "display_name": body["display_name"]})
        return self.answer({"run_id": "run-1", "display_name": body["display_name"]})

    def answer(self, tree: Any, code: int = 200) -> None:
        data = tree.encode() if isinstance(tree, str) else json.dumps(tree).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/html" if isinstance(tree, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))  # the client keeps a context file there
    for name in ("KFP_HOST", "KFP_TOKEN", "KFP_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pipelines.server.POLL_S", 0.01)
    with Server() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def test_a_run_carries_params_identity_and_an_image_by_digest(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_TOKEN", "a token")

    done = submit(order("weekly"), host=server.address, wait_s=30)

    assert (done.id, done.state) == ("run-1", "SUCCEEDED")
    (run,) = server.bodies("/runs")
    assert run["display_name"] == "training weekly"
    assert run["service_account"] == "pipeline"
    assert json.loads(run["runtime_config"]["parameters"]["params"])["name"] == "weekly"
    spec = run["pipeline_spec"]
    executors = spec["pipeline_spec"]["deploymentSpec"]["executors"]
    assert {one["container"]["image"] for one in executors.values()} == {IMAGE}
    assert "kubernetes" in spec["platform_spec"]["platforms"], "limits and tolerations travel too"
    assert all(token == "Bearer a token" for *_, token in server.sent)


def test_a_pod_shows_the_token_of_its_own_identity(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("a pod's token\n", encoding="utf-8")
    monkeypatch.setenv("KFP_TOKEN_FILE", str(tmp_path / "token"))
    submit(order(), host=server.address)
    assert all(token == "Bearer a pod's token" for *_, token in server.sent)
    monkeypatch.setenv("KFP_TOKEN_FILE", str(tmp_path / "nothing"))
    with pytest.raises(SetupError, match="the token cannot be read"):
        submit(order(), host=server.address)


def test_a_schedule_is_one_recurring_run(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KFP_HOST", server.address)

    done = submit(order(), cron="0 0 3 * * 0")

    assert done.id == "rec-1"
    assert capsys.readouterr().out == "", "stdout is for the command's JSON"
    (made,) = server.bodies("/recurringruns")
    assert made["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 0"
    assert made["no_catchup"] is True
    assert made["service_account"] == "pipeline"
    assert not server.bodies("/runs")


@pytest.mark.parametrize("image", ["twelvelead/steps", "twelvelead/steps:1", "x@sha256:abc"])
def test_an_image_without_a_digest_is_refused_before_anything_is_sent(server: Server, image: str) -> None:
    with pytest.raises(ParamsError, match="is not named by digest"):
        submit(order(image=image), host=server.address)
    assert not server.sent


def test_a_schedule_of_five_fields_is_refused(server: Server) -> None:
    with pytest.raises(ParamsError, match="has 5 fields"):
        submit(order(), host=server.address, cron="0 3 * * 0")


def test_a_refusal_says_who_refused_and_what_to_check(server: Server) -> None:
    server.refuse = {"/runs": 403}
    with pytest.raises(SetupError, match=r"127\.0\.0\.1.*cannot be used: .*this identity may not"):
        submit(order(), host=server.address)


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(SetupError, match="cannot be used"):
        submit(order(), host="http://127.0.0.1:9")


def test_no_address_is_said_so(server: Server) -> None:
    with pytest.raises(SetupError, match="no server is named"):
        submit(order())


def test_a_failed_run_that_was_waited_for_ends_in_its_reason(server: Server) -> None:
    server.states = ["FAILED"]
    with pytest.raises(Error, match="ended as FAILED: gate: no disk"):
        submit(order(), host=server.address, wait_s=30)


@pytest.mark.parametrize("state", ["CANCELED", "SKIPPED"])
def test_a_run_that_was_cancelled_or_skipped_is_not_waited_for_any_longer(server: Server, state: str) -> None:
    server.states = ["PENDING", "RUNNING", state]
    with pytest.raises(Error, match=f"run run-1 ended as {state}"):
        submit(order(), host=server.address, wait_s=3600)


def test_a_server_that_is_restarted_while_a_run_is_waited_for_is_asked_again(server: Server) -> None:
    server.states = ["RUNNING", 503, "login", 500, "RUNNING", "SUCCEEDED"]
    assert submit(order(), host=server.address, wait_s=3600).state == "SUCCEEDED"


def test_a_server_that_stays_away_is_given_up_and_the_run_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.server.PATIENCE", 2)
    server.states = ["RUNNING", 503]
    with pytest.raises(SetupError, match=r"run run-1: it was started and goes on.*try later \(503\)"):
        submit(order(), host=server.address, wait_s=3600)


def test_a_token_that_expires_while_a_run_is_waited_for_is_said_so(server: Server) -> None:
    server.states = ["RUNNING", 401]
    with pytest.raises(SetupError, match=r"it was started and goes on[\s\S]*token is missing, has expired"):
        submit(order(), host=server.address, wait_s=3600)


def test_a_pods_token_that_is_replaced_meanwhile_is_read_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("first", encoding="utf-8")
    monkeypatch.setenv("KFP_TOKEN_FILE", str(token))
    monkeypatch.setattr("pipelines.server.time.sleep", lambda _: token.write_text("second", encoding="utf-8"))
    server.states = ["RUNNING", "SUCCEEDED"]
    submit(order(), host=server.address, wait_s=3600)
    looks = [shown for method, path, _, shown in server.sent if "/runs/" in path]
    assert looks == ["Bearer first", "Bearer second"]


def test_a_run_that_does_not_end_in_time_goes_on(server: Server) -> None:
    server.states = ["RUNNING"]
    with pytest.raises(Error, match=r"did not end in 1 s[\s\S]*it goes on"):
        submit(order(), host=server.address, wait_s=1)


@pytest.mark.parametrize(
    ("code", "refusal", "said"),
    [
        (
            401,
            {"message": "Unauthenticated: Request header error"},
            r"Unauthenticated.*\(401\)[\s\S]*KFP_TOKEN",
        ),
        (403, {"error": "no", "message": "may not list"}, r"may not list \(403\)[\s\S]*who may do what"),
        (404, "<html><body>nginx</body></html>", r"Not Found \(404\)[\s\S]*check the address"),
        (409, {"message": "already exists"}, r"already exists \(409\)"),
        (500, {"message": "database is locked"}, r"database is locked \(500\)[\s\S]*try again later"),
        (502, "<html><h1>Bad Gateway</h1></html>", r"Bad Gateway \(502\)"),
        (200, "<html>Log in with Dex</html>", r"no pipelines server[\s\S]*login page"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_whatever_a_server_answers_becomes_a_sentence(
    server: Server, code: int, refusal: Any, said: str
) -> None:
    server.refuse, server.refusal = {"GET /experiments": code}, refusal
    if code == 200:
        server.health = refusal
    with pytest.raises(SetupError, match=said) as caught:
        submit(order(), host=server.address)
    assert "<" not in str(caught.value)
    assert not server.bodies("/runs")


@pytest.mark.parametrize("ends", [("/experiments", "/healthz"), ("/healthz",)])
def test_a_server_that_refuses_everything_is_asked_a_few_times_and_without_tracebacks(
    server: Server, ends: tuple[str, ...], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The client asks for its health when it is made: five times with pauses, a traceback each."""
    server.refuse = {f"GET {end}": 401 for end in ends}
    with pytest.raises(SetupError, match="cannot be used"):
        submit(order(), host=server.address)
    assert len(server.sent) <= 6
    assert "Traceback" not in capfd.readouterr().err + caplog.text


def test_an_answer_of_another_form_is_no_traceback(server: Server) -> None:
    server.lists = {"experiments": 7}
    with pytest.raises(SetupError, match="the pipelines server cannot be used: TypeError"):
        submit(order(), host=server.address)


def test_a_server_with_one_user_is_not_given_a_run_it_would_put_elsewhere(server: Server) -> None:
    server.health = {"multi_user": False}
    with pytest.raises(
        SetupError, match="runs every step in its own namespace, without what 'twelvelead' has"
    ):
        submit(order(), host=server.address)
    assert not server.bodies("/runs")
    assert submit(order(), host=server.address, namespace="").id == "run-1"


def test_of_two_who_make_the_experiment_at_once_both_may_submit(server: Server) -> None:
    server.refuse, server.refusal = {"/experiments": 409}, {"message": "already exists"}
    there = {"experiments": [{"experiment_id": "exp-7", "display_name": "twelvelead"}]}
    answers = [{"experiments": []}, {"experiments": []}, there]  # by us twice, then the other's
    server.lists = answers
    submit(order(), host=server.address)
    (run,) = server.bodies("/runs")
    assert run["experiment_id"] == "exp-7"


def test_a_schedule_is_set_up_once(server: Server) -> None:
    server.schedules = [
        {"recurring_run_id": "r", "display_name": "training default by schedule", "status": "ENABLED"}
    ]
    with pytest.raises(SetupError, match="there is a schedule 'training default by schedule' already: r"):
        submit(order(), host=server.address, cron="0 0 3 * * 0")
    server.schedules[0]["status"] = "DISABLED"
    assert submit(order(), host=server.address, cron="0 0 3 * * 0").id == "rec-1"


def caching(body: Any) -> dict[str, bool]:
    """Whether each task of the road comes from the cache."""
    tasks = body["pipeline_spec"]["pipeline_spec"]["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return {name: bool(task.get("cachingOptions", {}).get("enableCache")) for name, task in tasks.items()}


def test_a_schedule_reads_the_records_again_each_time(server: Server) -> None:
    """Its arguments never change, so the cache would hand out the first week's records for ever."""
    submit(order(), host=server.address, cron="0 0 3 * * 0")
    submit(order(), host=server.address)
    submit(replace(order(), fresh=True), host=server.address)
    (scheduled,), (once, fresh) = server.bodies("/recurringruns"), server.bodies("/runs")
    assert caching(scheduled)["ingest"] is False
    assert caching(scheduled)["validate"] is True
    assert caching(once)["ingest"] is True
    assert caching(fresh)["ingest"] is False


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (replace(order(), profile="local"), "--profile: 'local' is for this machine"),
        (Order(PIPELINES["evaluation"], Params(), (IMAGE,), said={"place": "runs/latest"}),
         "--place: 'runs/latest' is a path of this machine"),
        (order(remote="/data/dvc"), "--remote: '/data/dvc' is a path of this machine"),
        (replace(order(), params=parse({"ingest": {"source": "ptb-xl", "path": "data/x"}}, where="here")),
         "ingest.path: 'data/x' is a path of this machine"),
    ],
)  # fmt: skip
def test_what_only_this_machine_has_is_refused_before_anything_is_sent(
    server: Server, made: Order, said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        submit(made, host=server.address)
    assert not server.sent


@pytest.mark.parametrize("path", ["s3://ecg/ptb-xl", "/work/ptb-xl"])
def test_records_may_lie_in_a_bucket_or_on_the_volume_of_the_step(server: Server, path: str) -> None:
    params = parse({"ingest": {"source": "ptb-xl", "path": path}}, where="here")
    assert submit(replace(order(), params=params), host=server.address).id == "run-1"


def test_steps_know_their_images_and_where_data_go(server: Server) -> None:
    submit(order(remote="s3://ecg/dvc"), host=server.address)

    (run,) = server.bodies("/runs")
    executors = run["pipeline_spec"]["pipeline_spec"]["deploymentSpec"]["executors"]
    told = {item["name"]: item["value"] for item in executors["exec-register"]["container"]["env"]}
    assert told["TWELVELEAD_IMAGE_DIGEST"] == ",".join(
        f"{target}=sha256:{'a' * 64}" for target in ("cpu", "gate", "gpu")
    )
    assert told["TWELVELEAD_DVC_REMOTE"] == "s3://ecg/dvc"
    assert told["HF_HUB_OFFLINE"] == "1", "what the profile sets is kept"
    assert run["runtime_config"]["parameters"]["remote"] == "s3://ecg/dvc"


def test_a_trainjob_is_started_by_a_step_without_a_gpu_and_gets_the_gpu_image(tmp_path: Path) -> None:
    launch = {"backend": "trainjob", "nodes": 2, "hours": 200}
    params = parse({"train_lora": {"launch": launch}}, where="here")
    images = tuple(f"{target}=x/{target}@sha256:{'b' * 64}" for target in ("cpu", "gpu", "gate"))

    path = Order(PIPELINES["training"], params, images).written(tmp_path / "p.yaml")

    pipeline, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    container = pipeline["deploymentSpec"]["executors"]["exec-train-lora"]["container"]
    assert container["image"].startswith("x/cpu@")
    assert "accelerator" not in container["resources"]
    told = {item["name"]: item["value"] for item in container["env"]}
    assert told["TWELVELEAD_TRAINING_IMAGE"].startswith("x/gpu@")
    assert told["TWELVELEAD_WORK"] == "/work"
    step = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-lora"]
    assert int(step["activeDeadlineSeconds"]) > params.train_lora.launch.hours * 3600
    assert "TWELVELEAD_PLACEMENT" in str(step["configMapAsEnv"])
    assert "tolerations" not in step


@pytest.mark.parametrize("name", ["data", "evaluation", "promotion"])
def test_the_other_pipelines_are_submitted_with_their_own_arguments(server: Server, name: str) -> None:
    said: dict[str, str | int] = {"place": "s3://ecg/runs/7"} if name == "evaluation" else {}

    submit(Order(PIPELINES[name], Params(), (IMAGE,), "airgap", said), host=server.address)

    (run,) = server.bodies("/runs")
    given = run["runtime_config"]["parameters"]
    assert {"params", "code", *PIPELINES[name].arguments, *PIPELINES[name].prints} == set(given)
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == f"twelvelead-{name}"


def test_each_step_gets_the_image_of_its_target_and_both_documents_survive(tmp_path: Path) -> None:
    images = images_of([f"{target}=x/{target}@sha256:{'b' * 64}" for target in ("cpu", "gpu", "gate")],
                       by_digest=True)  # fmt: skip
    path = compiled_for(tmp_path / "p.yaml", PIPELINES["training"], images, "cluster")
    documents = list(yaml.safe_load_all(path.read_text()))
    assert len(documents) == 2
    steps = documents[0]["deploymentSpec"]["executors"]
    named = {name: step["container"]["image"].partition("@")[0] for name, step in steps.items()}
    assert named["exec-train-lora"] == named["exec-evaluate"] == "x/gpu"
    assert named["exec-gate"] == named["exec-register"] == named["exec-outcome"] == "x/gate"
    assert named["exec-ingest"] == named["exec-draw"] == named["exec-publish"] == "x/cpu"
    limits = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert limits["exec-train-lora"]["tolerations"]


def test_a_target_without_an_image_or_an_unknown_one_is_refused() -> None:
    with pytest.raises(ParamsError, match="no image is named for gpu, gate"):
        images_of(["cpu=a"], by_digest=False)
    with pytest.raises(ParamsError, match="there is no image 'tpu'"):
        images_of(["tpu=a"], by_digest=False)
    assert digests(images_of(["a:1"], by_digest=False)) == "cpu=a:1,gate=a:1,gpu=a:1"
