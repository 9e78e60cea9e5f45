"""Basic features: rate, intervals, axis, regularity, P waves, wave heights, noise and its leads."""

from __future__ import annotations

from twelvelead.instruct import forms
from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.case import Case
from twelvelead.instruct.grammar import Draws, Grammar
from twelvelead.instruct.sample import Item, Sample

SIGNS = {
    "closed.sign.irregular": [
        "{opening}is the rhythm [of|in|on] {ecg} irregular?",
        "{opening}[do|would] you call the rhythm [of|in|on] {ecg} irregular?",
        "{opening}do the RR intervals [of|in|on] {ecg} [vary|differ] more than in a regular rhythm?",
        "{opening}[are|do you find] the [QRS complexes|beats] [of|in|on] {ecg} irregularly spaced?",
    ],
    "closed.sign.p_present": [
        "{opening}[is|can you see|do you find] a P wave before [each|every] QRS complex [of|in|on] {ecg}?",
        "{opening}does a P wave [come|stand] before [each|every] QRS complex [of|in|on] {ecg}?",
        "{opening}are the QRS complexes [of|in|on] {ecg} preceded by P waves?",
        "{opening}do P waves [lead|precede] the QRS complexes [of|in|on] {ecg} "
        "at a [constant|fixed] distance?",
    ],
    "open.sign.irregular": [
        "{opening}how regular is the rhythm [of|in|on] {ecg}?",
        "{opening}[what can be said|what do you say|what is known] of the regularity of {ecg}?",
        "{opening}[describe|characterize] the [spacing|sequence] of the QRS complexes [of|in|on] {ecg}.",
        "{opening}is the rhythm [of|in|on] {ecg} regular or irregular?",
    ],
    "open.sign.p_present": [
        "{opening}how do P waves and QRS complexes [relate|stand to each other] [in|on] {ecg}?",
        "{opening}what do you [see|find] before the QRS complexes [of|in|on] {ecg}?",
        "{opening}[describe|characterize] the relation of P waves to QRS complexes [in|on] {ecg}.",
        "{opening}are there P waves before the QRS complexes [of|in|on] {ecg}, or not?",
    ],
}
NUMBERS = {
    "closed.above": [
        "{opening}is the {measure} [of|in|on] {ecg} [more|greater|higher|larger] than {low}?",
        "{opening}does the {measure} [of|in|on] {ecg} [exceed|pass|lie above|come out above] {low}?",
        "{opening}would you [measure|read] a {measure} [above|of more than|beyond] {low} [in|on|from] {ecg}?",
        "{opening}{ecg}: {measure} [above|over|beyond|more than] {low}?",
        "{opening}[is it true|is it so|can it be said] that the {measure} "
        "[of|in|on] {ecg} [exceeds|is above] {low}?",
    ],
    "closed.below": [
        "{opening}is the {measure} [of|in|on] {ecg} [less|smaller|lower] than {high}?",
        "{opening}does the {measure} [of|in|on] {ecg} [stay|remain|lie|come out] [below|under] {high}?",
        "{opening}would you [measure|read] a {measure} [below|of less than|under] {high} [in|on|from] {ecg}?",
        "{opening}{ecg}: {measure} [below|under|less than] {high}?",
        "{opening}[is it true|is it so|can it be said] that the {measure} "
        "[of|in|on] {ecg} is [below|under] {high}?",
    ],
    "closed.within": [
        "{opening}is the {measure} [of|in|on] {ecg} [from|within|between] "
        "{low} [to|and] {high}, limits included?",
        "{opening}does the {measure} [of|in|on] {ecg} [lie|fall|come out] "
        "between {low} and {high}[ inclusive|]?",
        "{opening}{ecg}: {measure} in the range {low} to {high}?",
        "{opening}would you [measure|read] a {measure} of {low} to {high} [in|on|from] {ecg}?",
        "{opening}is a range of {low} to {high} right for the {measure} [of|in|on] {ecg}?",
    ],
    "closed.normal": [
        "{opening}is the {measure} [of|in|on] {ecg} [normal|within normal limits|within the normal range]?",
        "{opening}does the {measure} [of|in|on] {ecg} [lie|fall] within [normal limits|the normal range]?",
        "{opening}{ecg}: [normal|unremarkable] {measure}?",
        "{opening}would you call the {measure} [of|in|on] {ecg} normal?",
        "{opening}has {ecg} a normal {measure}?",
    ],
    "open.numeric": [
        "{opening}what is the {measure} [of|in|on] {ecg}?",
        "{opening}[measure|determine|read off|estimate|state|give] the {measure} [of|in|on] {ecg}.",
        "{opening}[which|what] {measure} do you [measure|read|find] [in|on] {ecg}?",
        "{opening}what [value|figure] [has|would you give for] the {measure} [of|in|on] {ecg}?",
        "{opening}[can|could|would] you [measure|determine|tell me] the {measure} [of|in|on] {ecg}?",
        "{opening}{ecg}: {measure}?",
    ],
    "choice.numeric": [
        "{opening}which [value|figure|number] is the {measure} [of|in|on] {ecg}?",
        "{opening}what is the {measure} [of|in|on] {ecg}?",
        "{opening}[choose|find|mark] the {measure} [of|in|on] {ecg}.",
        "{opening}the {measure} [of|in|on] {ecg} is [closest to|about|best given as] which of these?",
        "{opening}which [option|answer] [fits|gives|states] the {measure} [of|in|on] {ecg}?",
    ],
}
AXIS = {
    "closed.axis": [
        "{opening}does {ecg} [show|have|display|reveal] {axis}?",
        "{opening}is there {axis} [in|on] {ecg}?",
        "{opening}[do|would] you [see|find|read|state] {axis} [in|on|for] {ecg}?",
        "{opening}would {axis} be the right [reading|description] for the frontal plane of {ecg}?",
    ],
    "open.axis": [
        "{opening}[which|what] class of [electrical axis|heart axis|QRS axis] does {ecg} [show|have]?",
        "{opening}how does the [electrical axis|heart axis|QRS axis] lie [in|on] {ecg}?",
        "{opening}[describe|classify|characterize] the [electrical|heart|QRS] axis [of|in|on] {ecg}.",
        "{opening}is the [electrical|heart|QRS] axis [of|in|on] {ecg} normal or deviated, and to which side?",
    ],
    "choice.axis": [
        "{opening}[which|what] is the [electrical|heart|QRS] axis [of|in|on] {ecg}?",
        "{opening}which [option|description] [fits|is right for] the "
        "[electrical|heart|QRS] axis [of|in|on] {ecg}?",
        "{opening}[choose|mark] what the frontal plane of {ecg} shows.",
    ],
}
NOISE = {
    "closed.noise": [
        "{opening}[is there|do you see|do you find|can you see] [any |]{noise} [in|on] {ecg}?",
        "{opening}does {ecg} [show|suffer from|contain] [any |]{noise}?",
        "{opening}[is|was] {ecg} [disturbed|marred] by {noise}?",
        "{opening}[would|should] [a reader|one|you] [note|remark on|mark] {noise} [in|on] {ecg}?",
    ],
    "closed.noise_in": [
        "{opening}[is there|do you see|do you find|can you see] [any |]{noise} in [lead |]{lead} of {ecg}?",
        "{opening}does [lead |]{lead} of {ecg} [show|suffer from|contain] [any |]{noise}?",
        "{opening}is {noise} [visible|noted|found] in [lead |]{lead} of {ecg}?",
        "{opening}[would|should] [a reader|one|you] [note|mark] {noise} in [lead |]{lead} of {ecg}?",
    ],
    "open.noise": [
        "{opening}in which leads of {ecg} is there {noise}?",
        "{opening}which leads of {ecg} [show|suffer from|contain] {noise}, if any?",
        "{opening}[name|list|give] the leads of {ecg} with {noise}[, if any|].",
        "{opening}where[, if anywhere,|] [do you see|is there] {noise} [in|on] {ecg}?",
    ],
}
FILL = {
    "fill": [
        "[fill in the blank|fill the gap|complete the sentence|complete "
        'this|fill in what is missing][ from {ecg}|]: "{gap}"',
        '{opening}what belongs [in the blank|in the gap|on the line]? "{gap}"',
        '{opening}[which words complete|which entry completes|what completes] "{gap}" for {ecg}?',
        '[use|read|look at|study] {ecg} and [complete|finish|fill in]: "{gap}"',
    ]
}
QUESTIONS = Grammar({**NUMBERS, **SIGNS, **AXIS, **NOISE, **FILL}, ASKING)


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A sample about a feature: kinds numeric, sign, axis and noise.

    Raises:
        DataError: The record does not tell it, or the item is of another kind.
    """
    return forms.make(QUESTIONS, case, item, rng)
