"""What people read about an answer, in English and Japanese: fact, then code, then sentence.

`facts` takes facts from an answer, and `problems` makes codes of them: what went wrong at a
perspective. `problem_sentences` and `sentences` (of a verdict) put both into the words of
`catalogue`, by message ids that are the codes. No sentence is ever parsed.

The words are in `locale/<language>/LC_MESSAGES/mpic.po`. An id is a code and what is said of it:
`reason.QUORUM_NOT_MET.message`, `failure.BOGUS.cause`, `caa.issuer.remedy`. After a
change: `pybabel compile --domain mpic --directory proto/mpic/words/locale`.
"""

from mpic.words.catalogue import LANGUAGES, Language, choose_language
from mpic.words.sentences import Words, sentence

__all__ = ["LANGUAGES", "Language", "Words", "choose_language", "sentence"]
