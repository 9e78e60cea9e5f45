"""The sections of params.yaml: one frozen, strict class a stage, units in every name."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A frozen section that refuses unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    not_shaping: ClassVar[frozenset[str]] = frozenset()  # keys that say where, not what: not of the lineage


class Ingest(Section):
    """Where records come from."""

    source: Literal["simulate", "ptb-xl", "mimic-iv-ecg", "folder"] = Field(
        "simulate", description="simulated patients, a published data set, or a folder of WFDB or DICOM ECGs"
    )
    path: str = Field(
        "",
        description="folder, s3://bucket/prefix or dvc:REPO#REVISION:PATH of the source; empty for simulate",
    )
    records: int = Field(
        3000,
        ge=40,
        description="records to simulate, or the most to take from a source (0 rows are never taken)",
    )
    rate_hz: Literal[0, 100, 500] = Field(
        0, description="simulate and ptb-xl: only this sampling rate; 0 = both"
    )
    prevalence: Literal["auto", "natural", "boosted"] = Field(
        "auto", description="simulate: PTB-XL's own frequencies of the statements, or rare ones boosted"
    )
    anonymous: bool = Field(False, description="s3://: a public bucket, read without credentials")
    pack: bool = Field(
        False, description="keep record files in a few ZIP volumes of 256 MB, which DVC and S3 move faster"
    )
    seed: int = Field(1, ge=0, description="seed of the simulated population")

    @model_validator(mode="after")
    def _fits_source(self) -> Ingest:
        simulated = self.source == "simulate"
        if simulated == bool(self.path):
            raise ValueError(
                "path must be empty when source is 'simulate'"
                if self.path
                else f"path is needed when source is {self.source!r}"
            )
        if self.rate_hz and self.source not in ("simulate", "ptb-xl"):
            raise ValueError(f"rate_hz must be 0 when source is {self.source!r}: its records keep their rate")
        if self.prevalence != "auto" and not simulated:
            raise ValueError(f"prevalence is of simulated records; source is {self.source!r}")
        if self.anonymous and not self.path.startswith("s3://"):
            raise ValueError("anonymous is for an s3:// path")
        return self


class Validate(Section):
    """What a usable record and a usable data set look like."""

    min_duration_s: float = Field(9.5, gt=0, description="shortest record kept")
    max_abs_mv: float = Field(20.0, gt=0, description="largest believable amplitude")
    max_typical_mv: float = Field(5.0, gt=0, description="largest believable height of a typical beat")
    max_nan_share: float = Field(0.05, ge=0, le=1, description="largest share of missing samples in a record")
    max_flat_leads: int = Field(2, ge=0, le=12, description="most leads without any signal")
    max_einthoven_mv: float = Field(
        0.1, gt=0, description="largest median |II - I - III|, and residual of aVR, aVL and aVF"
    )
    max_quarantined_share: float = Field(
        0.2, ge=0, le=1, description="more bad records than this reject the data set"
    )
    min_train_positives: int = Field(
        5, ge=1, description="a statement with fewer positives in folds 1-8 is not asked or scored"
    )
    pictures: int = Field(12, ge=0, le=100, description="worst records drawn in the report")


class Synthesize(Section):
    """How a page looks."""

    layout: Literal["12x1", "6x2", "6x2+1r", "3x4", "3x4+1r", "3x4+3r", "4x3", "4x3+1r", "median"] = Field(
        "12x1", description="arrangement of the leads"
    )
    paper: Literal["fit", "a4", "letter"] = Field(
        "fit", description="fit: as wide as the layout needs; else landscape paper at `dpi`"
    )
    dpi: float = Field(203.2, ge=50, le=600, description="of a4 and letter; 203.2 is 8 px/mm")
    width_px: int = Field(336, ge=112, le=4096, description="page width where paper is fit")
    height_px: int = Field(336, ge=112, le=4096, description="page height where paper is fit")
    speed_mm_s: float = Field(25.0, gt=0, description="paper speed")
    gain_mm_mv: float = Field(10.0, gt=0, description="gain")
    chest_gain_mm_mv: float = Field(0.0, ge=0, description="gain of V1 to V6; 0 = that of the limb leads")
    grid: Literal["red", "pink", "grey", "blue", "beige", "none"] = Field("red", description="grid colour")
    grid_form: Literal["lines", "dotted", "faint", "coarse"] = Field("lines", description="how it is printed")
    ink: Literal["black", "blue", "violet", "brown"] = Field("black", description="colour of the signals")
    trace_mm: float = Field(0.0, ge=0, description="width of the pen; 0 = 0.35 mm, at least 1.4 px")
    font: Literal["strokes", "sans", "serif", "mono"] = Field("strokes", description="lettering")
    pulse: Literal["left", "right", "both", "none"] = Field("left", description="calibration pulses")
    separators: Literal["tick", "line", "dashed", "double", "none"] = Field(
        "tick", description="between columns"
    )
    order: Literal["standard", "cabrera"] = Field("standard", description="order of the limb leads")
    timing: Literal["sequential", "simultaneous"] = Field(
        "sequential", description="whether columns show consecutive stretches or the same one"
    )
    look: Literal["fixed", "varied"] = Field(
        "fixed", description="varied: layout, colours, scale and print are drawn anew for each training page"
    )
    degradation: Literal["clean", "scan", "photo", "harsh", "ecginstruct"] = Field(
        "clean", description="what happens to the paper; other than clean gives JPEGs"
    )
    evaluate_degradation: Literal["clean", "scan", "photo", "harsh"] = Field(
        "clean", description="the same for folds 9 and 10, which always have one page of the fixed look"
    )
    variants: int = Field(1, ge=1, le=1000, description="pages of a training record")
    words: bool = Field(
        False, description="print measurements and a made-up identity on training pages; never on folds 9, 10"
    )
    truth: Literal["boxes", "traces"] = Field(
        "boxes", description="traces: keep a sidecar with every trace, box and mask of each page"
    )
    shard_mb: int = Field(128, ge=1, description="pages are cut into Parquet shards of about this size")
    seed: int = Field(1, ge=0, description="seed of looks and degradations")


class Shares(Section):
    """Weights of the families among the free questions; a dialogue of two to four turns counts as one."""

    feature: float = Field(0.25, ge=0, description="rate, intervals, axis, wave heights, noise")
    rhythm: float = Field(0.15, ge=0, description="rate, rhythm and regularity")
    morphology: float = Field(0.3, ge=0, description="diagnoses, forms, classes, infarction stages")
    ecgqa: float = Field(0.18, ge=0, description="ECG-QA's verify, choose and query")
    dialogue: float = Field(0.1, ge=0, description="two to four turns about one page")
    report: float = Field(0.02, ge=0, description="impressions, beside the whole report of each page")


class Instruct(Section):
    """Which questions are asked of a page."""

    slots: bool = Field(True, description="ask every scored statement of each page, in the scorer's words")
    questions: float = Field(
        5.0, ge=0, le=200, description="average number of free questions a page, beside its report"
    )
    shares: Shares = Shares()
    report: bool = Field(True, description="one structured report a page")
    measurement_questions: int = Field(
        0, ge=0, le=40, description="measured-value questions a page in the fixed words of pretraining"
    )
    norm_cap: float = Field(0.5, gt=0, le=1, description="largest share of NORM pages among training pages")
    seed: int = Field(1, ge=0, description="seed of the questions and their wording")


class TrainBaseline(Section):
    """The signal CNN the adapter must match."""

    architecture: Literal["xresnet1d18", "xresnet1d50", "xresnet1d101", "resnet1d_wang", "inception1d"] = (
        Field("xresnet1d18", description="network, as in the benchmark of Strodthoff et al. 2021")
    )
    seeds: int = Field(
        3, ge=1, le=20, description="how many are trained; the median by fold 9 stands for the CNN"
    )
    epochs: int = Field(30, ge=1, description="passes over the training folds, one cycle over all of them")
    batch: int = Field(
        32,
        ge=2,
        description="records a step; the published 128 takes too few steps on a few thousand records",
    )
    lr_max: float = Field(1.0e-2, gt=0, description="peak of the one-cycle schedule")
    weight_decay: float = Field(1.0e-2, ge=0, description="of AdamW")
    crop_s: float = Field(2.5, gt=0, description="length of a training crop")
    seed: int = Field(1, ge=0, description="seed of weights, order and crops")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")


class TrainPageBaseline(Section):
    """The CNN that sees the same pages as the language model; reported beside the gate's."""

    height_px: int = Field(336, ge=64, le=2048, description="pages are brought to this height")
    width_px: int = Field(
        448, ge=64, le=2048, description="and width; below 320 × 448 a sheet loses its small boxes"
    )
    epochs: int = Field(12, ge=1, description="passes over the training folds, one cycle over all of them")
    batch: int = Field(32, ge=2, description="pages a step")
    lr_max: float = Field(5.0e-3, gt=0, description="peak of the one-cycle schedule")
    weight_decay: float = Field(1.0e-2, ge=0, description="of AdamW")
    seed: int = Field(1, ge=0, description="seed of weights and order")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")


class Launch(Section):
    """Where the adapter is trained. None of it changes what is learnt, so none of it is of the lineage."""

    backend: Literal["auto", "here", "processes", "trainjob"] = Field(
        "auto",
        description="here: in this process; processes: torchrun on this machine; trainjob: a Kubeflow "
        "TrainJob; auto: processes where `processes` is above 1, else here",
    )
    nodes: int = Field(1, ge=1, le=1024, description="trainjob: pods, one a node")
    gpus_per_node: int = Field(
        1, ge=0, le=64, description="trainjob: GPUs and processes of a node; 0 = CPUs, `processes` on each"
    )
    hours: int = Field(48, ge=1, description="trainjob: it is ended after so long; checkpoints stay")
    runtime: str = Field(
        "twelvelead-lora", min_length=1, description="trainjob: the ClusterTrainingRuntime it starts from"
    )


class TrainLora(Section):
    """LoRA on the language layers (and, if asked, the vision tower) of a Mllama base."""

    not_shaping = frozenset({"launch"})

    base: str = Field("models/tiny", description="folder or s3:// prefix of a MllamaForConditionalGeneration")
    rank: int = Field(16, ge=1, le=256, description="rank of the adapter's matrices")
    alpha: int = Field(32, ge=1, description="what the adapter is scaled by, over the rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the adapter's inputs left out in training")
    rslora: bool = Field(False, description="scale by alpha / sqrt(rank) instead of alpha / rank")
    dora: bool = Field(False, description="learn magnitude and direction apart (DoRA); slower")
    vision: bool = Field(False, description="adapt the vision tower too; forbids caching its states")
    projector: bool = Field(False, description="adapt the layer between tower and language; forbids it too")
    lr: float = Field(3.0e-3, gt=0, description="peak of the schedule, after the warm-up")
    weight_decay: float = Field(0.0, ge=0, description="of AdamW")
    epochs: int = Field(6, ge=1, description="passes over the training pages; the best by fold 9 is kept")
    pages_per_step: int = Field(16, ge=1, description="pages an optimizer step, over all processes")
    questions_per_page: int = Field(
        15, ge=1, description="questions packed behind one page in a training step"
    )
    vision_cache: Literal["auto", "memory", "disk", "nowhere"] = Field(
        "auto", description="where states of a frozen tower are kept; auto = as speeds measured here say"
    )
    vision_int8: bool = Field(
        False, description="keep them in one byte a number, if answers on fold 9 stay what they are"
    )
    families: tuple[str, ...] = Field(
        (), description="families of questions to learn beside the statements' fixed ones; empty = all"
    )
    token_budget: int = Field(
        16_384, ge=0, description="most tokens, padding included, at once on one device; 0 = a whole step"
    )
    processes: int = Field(1, ge=1, description="data-parallel processes on this machine, one a GPU")
    shard: bool = Field(
        False, description="spread the base over the processes (FSDP), where one GPU cannot hold it"
    )
    patience: int = Field(0, ge=0, description="epochs without a better fold 9 before it stops; 0 = never")
    warmup_share: float = Field(0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    checkpoint_every_steps: int = Field(100, ge=1, description="steps from one checkpoint to the next")
    seed: int = Field(1, ge=0, description="seed of weights, order and questions")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")
    launch: Launch = Launch()


class Evaluate(Section):
    """How models are scored on fold 10."""

    bootstrap: int = Field(2000, ge=20, description="patient-cluster bootstrap replicates")
    min_positives: int = Field(
        10, ge=1, description="a statement with fewer positives in fold 10 is reported, not compared"
    )
    robustness_pages: int = Field(
        150, ge=0, description="pages of fold 10 that are made again in other looks; 0 leaves that out"
    )
    seed: int = Field(1, ge=0, description="seed of the bootstrap")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")


class Gate(Section):
    """Where the policy is."""

    policy: str = Field("mlflow/gate.yaml", description="the policy file")


class Register(Section):
    """Where models are registered."""

    model_name: str = Field("twelvelead-reader", min_length=1, description="name in the model registry")
    tracking_uri: str = Field(
        "", description="MLflow tracking URI; empty: MLFLOW_TRACKING_URI, else sqlite in runs/"
    )
    alias: str = Field("champion", min_length=1, description="alias that a passing version takes")
    promote: bool = Field(
        True, description="move the alias at once; false: a passing version becomes `challenger` and waits"
    )


class Report(Section):
    """The report page."""

    title: str = Field("Twelvelead run", description="heading of the page")
    example_pages: int = Field(6, ge=0, le=60, description="pages shown with their questions and answers")


class Pretrain(Section):
    """The embedded base: a tiny Mllama taught to see and measure, never to diagnose."""

    records: int = Field(36000, ge=64, description="simulated records to learn from; 512 more are held out")
    steps: int = Field(7000, ge=1, description="optimizer steps")
    pages_per_step: int = Field(16, ge=1, description="pages a step")
    questions_per_page: int = Field(12, ge=1, description="questions of each page in a step")
    lr: float = Field(1.0e-3, gt=0, description="peak of the schedule")
    seed: int = Field(20251123, ge=0, description="seed of records, weights and order")
    threads: int = Field(0, ge=0, description="torch threads; 0 = all cores")
