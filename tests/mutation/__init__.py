"""Mutation testing: would the tests notice, if a line of the engine were wrong?

A *mutant* is a module with one small mistake put in: a minus for a plus, a 2 for a 1, a line left out. The tests of the
module are run on it. If one fails, the mutant is *killed*; if all pass, it *survives*, and either a test is missing or
the mistake makes no difference (`reasons.toml` says which, survivor by survivor).

    python -m pip install -e ".[test,mutation]"
    python -m tests.mutation optim                     # one room or one module; all of them without a name
    python -m tests.mutation engine/tensor.py --share 0.2 --seed 1
    python -m tests.mutation --report                  # docs/mutants.md from the results so far

Results are kept in `.mutants/`, a line a mutant, and a later run goes on where this one stopped (Ctrl-C is safe). A
result holds as long as the text of the function around the mutant stays the same. When tests have been added, `--again`
runs the survivors once more. `--seconds 2` tries no mutant longer than that, the quickest tests first: a first look.

How it is quick: NumPy, PyTorch and the tests are loaded once. For each mutant the process is forked; the child puts the
changed code into the functions that are loaded, and runs the tests that call this function, first those that killed its
neighbours, until one fails. What is computed while a module is imported can't be changed afterwards: there, the child
imports everything anew, with the changed source in place of the file's. Nothing is written over on disk.

    mutants.py     which mistakes are made (cosmic-ray's operators, and three more), and where none is
    operators.py   the three
    trial.py       one process: collects the tests, checks that they pass, forks a child for each mutant
    running.py     all mutants of a module
    results.py     the file of results, the reasons, the report
    tables.py      which tests belong to which module
"""
