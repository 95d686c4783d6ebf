"""What a person needs who has to act on an answer: one pure function of what the service answers.

`explanation` has the shape, `explaining` fills it in. A page and a terminal show the same. Facts
become codes in `mpic.words.problems`, and codes become sentences there. `tasks` says of each code
whose task it is, whether asking again helps, and which clause demands it. `paste` makes lines to
copy.
"""

from mpic.explain.explaining import explain
from mpic.explain.explanation import (
    CaaLevel,
    CaaWalk,
    CheckView,
    Coded,
    Difference,
    Explanation,
    NameExplanation,
    PasteLine,
    PerspectiveView,
    ProblemView,
    ValueGroup,
)

__all__ = [
    "CaaLevel",
    "CaaWalk",
    "CheckView",
    "Coded",
    "Difference",
    "Explanation",
    "NameExplanation",
    "PasteLine",
    "PerspectiveView",
    "ProblemView",
    "ValueGroup",
    "explain",
]
