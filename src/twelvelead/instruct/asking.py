"""Words around a question: how it opens, how long its answer may be, and how an option is chosen."""

from __future__ import annotations

from twelvelead.instruct.answer import COMMON
from twelvelead.instruct.grammar import Grammar

ASKING = Grammar(
    {
        "opening": [
            (8, ""),
            "looking at the [twelve leads|page|printout|curves], ",
            "on [inspection|careful reading|a close look|a second look], ",
            "in your reading, ",
            "from what [you see|is visible|the leads show], ",
            "as a [reader|second reader|cardiologist|ward doctor], ",
            "for the [report|record|chart|ward round], ",
            "judging by the [waves|leads|traces|beats], ",
            "please [tell me|say|state|answer]: ",
            "[a question|question|my question|a colleague asks]: ",
            "going by the [paper|page|recording] alone, ",
            "[to be entered in|needed for] the [record|file|report]: ",
        ],
        "briefly": [
            (9, ""),
            (3, " [Answer|Reply|Respond|Decide][|, please,] [with|by] [yes or no|a yes or a no|one word]."),
            (2, " [Just|Only|Simply|Merely] [a |][yes or no|yes or a no][, please|, no more|]."),
            " [Yes or no|Yes, or no|Is it so, or not|True or not]?",
            " [No|Without] [explanation|reason|further words][, thank you|, please|].",
            " [Yes or no will do|Yes or no suffices|A yes or no is enough][, thank you|, please|].",
        ],
        "at_length": [
            (2, " [Explain|Justify|Support|Complete] [your answer|it|your yes or no][ briefly| in short|]."),
            " [Explain|Justify your answer|Elaborate][ briefly| in a sentence| in a few words|][, please|].",
            (2, " [Give|Add|Append|Supply] [the finding|your reason|the reason|a reason][ too| as well|]."),
            (2, " Say [also |as well |]what you [see|find|read|go by|rely on]."),
            " Answer [in a|with one|in one|with a] [full|whole|complete|short] sentence[, please|].",
            (2, " [State|Name|Mention|Note][ also|] [the finding|what is found|what you find][ as well|]."),
            " [What|Which finding] do you [base it on|go by|rely on]?",
            " [A|One] [sentence|short sentence] [with|giving|naming] the [finding|reason|result], please.",
        ],
        "by_letter": [
            (2, " [Answer|Reply|Respond] [with|by] [the letter|one letter|its letter][ only| alone|]."),
            " [Give|State|Name|Write] [the letter|one letter|its letter][ only| alone|][, please|].",
            " [Letter only|The letter alone|A letter will do|One letter suffices][, please|].",
        ],
        "with_text": [
            (6, ""),
            " [Pick|Choose|Select|Mark|Take] [one|one option|one answer|the right one][, please|].",
            " [Give|State|Write] [letter and text|the letter and its text][, please|].",
            " [Only one|Exactly one|Just one] [option |answer |][is|can be] [right|correct|true].",
        ],
    },
    COMMON,
)
CHOSEN = Grammar(
    {
        "short": ["{letter}", "{letter}."],
        "long": [
            (3, "{letter}. {option}"),
            (2, "{letter}: {option}"),
            "({letter}) {option}",
            "[the answer is|the correct option is|it is|I choose|option] {letter}: {option}",
        ],
    }
)
LETTERS = "ABCDE"
NONE_OF_THESE = ("none of these", "none of the above options", "none of the other options")
