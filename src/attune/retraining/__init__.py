"""When a verdict becomes a training run, and what became of it.

`rules` says how strict, `state` where a model stands, `decide` what follows from an observation (pure
functions), `controller` keeps it in the registry's log, and `history` reads it back:

    history(workspace, "churn") -> [Entry(at, event, version, cause, figures, phase, sequence, hash), ...]
    standing(workspace, "churn") -> State(phase, windows, run, rests_until, ...)
"""
