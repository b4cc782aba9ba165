"""The parts of `diagnose`: the case, the checks by subject, and the report."""
