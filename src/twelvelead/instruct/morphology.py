"""Morphology and pathology: diagnostic and form statements, their classes, the stage of an infarction."""

from __future__ import annotations

from twelvelead.instruct import forms
from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.case import Case
from twelvelead.instruct.feature import FILL
from twelvelead.instruct.grammar import Draws, Grammar
from twelvelead.instruct.sample import Item, Sample

CLOSED = [
    "{opening}does {ecg} [show|display|demonstrate|reveal] [|evidence of |signs of ]{name}?",
    "{opening}[is|was] there [evidence|a sign|an indication] of {name} [in|on] {ecg}?",
    "{opening}[do|would] you [see|find|report|note|state|read] {name} [in|on|from] {ecg}?",
    "{opening}[could|can|may] {name} be [seen|recognized|identified|read] [in|on|from] {ecg}?",
    "{opening}[should|would] [the report|a report|the chart] of {ecg} [mention|name|list|state] {name}?",
    "{opening}{ecg}: {name}, or not?",
    "{opening}[do|would] the [waves|leads|curves] of {ecg} [suggest|point to|support|speak for] {name}?",
    "{opening}is {name} among the [findings|statements|entries] of {ecg}?",
]
CLOSED_STAGE = [
    "{opening}does {ecg} [show|display|come with] {stage}?",
    "{opening}[is|was] {stage} [stated|noted|recorded] [of|for] {ecg}?",
    "{opening}[would|do] you [read|see|state|report] {stage} [in|on|from] {ecg}?",
]
QUESTIONS = Grammar(
    {
        "closed.statement": CLOSED,
        "closed.statement.NORM": [
            "{opening}is {ecg} {name}?",
            "{opening}[would|do] you [call|consider|read] {ecg} {name}?",
            "{opening}[is|can] {ecg} [to be |be ]read as {name}?",
            "{opening}[does|would] {ecg} [count|pass] as {name}?",
            "{opening}[should|would] the [report|chart] of {ecg} [read|say|state]: {name}?",
            "{opening}[was|is] {name} stated of {ecg}?",
        ],
        "closed.subclass": CLOSED,
        "closed.superclass": CLOSED,
        "closed.group": CLOSED,
        "closed.stage": CLOSED_STAGE,
        "open.superclass": [
            "{opening}[which|what] findings of {topic} does {ecg} [show|display|have]?",
            "{opening}what [can be said|do you say|do you find|do you see] "
            "[about|as to|regarding] {topic} [in|on] {ecg}?",
            "{opening}[describe|report|state|list|interpret] the {topic} findings [of|in|on] {ecg}.",
            "{opening}[comment on|tell me about|report on] {topic} [in|on] {ecg}.",
            "{opening}{ecg}: [what of|what about|any finding of] {topic}?",
            "{opening}is there [something|anything] to [say|note|report] "
            "[about|on] {topic} [in|on] {ecg}, and what?",
        ],
        "open.group": [
            "{opening}[which|what] statements of {topic} [apply to|fit|belong to|were made of] {ecg}?",
            "{opening}what [can be said|do you say|do you find|do you see] "
            "[about|as to|regarding] {topic} [in|on] {ecg}?",
            "{opening}[list|name|give|state] [all |every ]you [find|read|see] of {topic} [in|on] {ecg}.",
            "{opening}[comment on|tell me about|report on] {topic} [in|on] {ecg}.",
            "{opening}{ecg}: [what of|what about] {topic}?",
            "{opening}[summarize|interpret] {ecg} as to {topic}.",
        ],
        "open.subclass": [
            "{opening}if {ecg} [shows|displays|has] {name}, [which|what] exactly?",
            "{opening}[specify|name|detail] {name} [in|on] {ecg}, if there is any.",
        ],
        "open.stage": [
            "{opening}in [which|what] stage is the infarction [of|in|on] {ecg}?",
            "{opening}how old is the infarction [of|in|on] {ecg}, as to its stage?",
            "{opening}[state|name|give] the stage of infarction [of|in|on] {ecg}.",
        ],
        "choice.statement": [
            "{opening}[which|what] of these does {ecg} [show|display|demonstrate|reveal]?",
            "{opening}which [option|finding|statement] [fits|applies to|belongs to] {ecg}?",
            "{opening}[choose|pick|mark|find] the finding [of|in|on] {ecg}.",
            "{opening}[which|what] [diagnosis|finding|entry] [is supported by|can "
            "be read from|belongs in the report of] {ecg}?",
            "{opening}{ecg} [shows|displays|reveals|is compatible with] which of these?",
        ],
        "choice.superclass": [
            "{opening}[which|what] class of findings does {ecg} [show|display|fall into]?",
            "{opening}to which [class|group] [does|do] the findings of {ecg} belong?",
            "{opening}[choose|pick|mark] a class of findings [seen|present] [in|on] {ecg}.",
        ],
        "choice.subclass": [
            "{opening}[which|what] kind of finding does {ecg} [show|display]?",
            "{opening}to which [kind|subclass] [does|do] findings of {ecg} belong?",
            "{opening}[choose|pick|mark] a kind of finding [seen|present] [in|on] {ecg}.",
        ],
        "choice.stage": [
            "{opening}in [which|what] stage is the infarction [of|in|on] {ecg}?",
            "{opening}which stage [fits|describes] the infarction [of|in|on] {ecg}?",
            "{opening}[choose|pick|mark] the stage of infarction [of|in|on] {ecg}.",
        ],
        **FILL,
    },
    ASKING,
)


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A sample about shapes and diagnoses: kinds statement, subclass, superclass, group and stage.

    Raises:
        DataError: The record does not tell it, or the item is of another kind.
    """
    return forms.make(QUESTIONS, case, item, rng)
