"""Exercises that check themselves, and say why an answer is wrong.

>>> from micrograd_plus import exercises as ex
>>> report = ex.check("mul_backward", lambda a, b, upstream: (b, a))
mul_backward: not yet (1 of 4 right).
  mul_backward(a=2, b=3, upstream=5)
    expected   [15, 10]
    by nudging [15, 10]
    got        [3, 2]
    why        Your [3, 2] is what you get if upstream is forgotten. A local slope
               says how y changes. How much does y matter for the result?
  … and 2 more like it.
Stuck? ex.hint('mul_backward')
"""

from .asking import check as check
from .asking import grade as grade
from .asking import hint as hint
from .asking import predict as predict
from .asking import solution as solution
from .asking import task as task
from .engines import check_engine as check_engine
from .exercise import Exercise as Exercise
from .exercise import Wrong as Wrong
from .listing import listing as _listing
from .quizzes import quiz as quiz
from .report import Case as Case
from .report import Grade as Grade
from .report import Report as Report

list = _listing  # by assignment: for type checkers, an import under another name is not public
