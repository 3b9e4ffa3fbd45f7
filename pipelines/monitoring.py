"""Compare what a model sees now with what it learnt from."""

from typing import NamedTuple

from kfp import dsl

from components.detect_drift import detect_drift


class Watch(NamedTuple):
    """What a look at a model leaves: the word, the figures, and the page."""

    verdict: str
    figures: dsl.Artifact
    report: dsl.HTML


@dsl.pipeline(description="The verdict on drift of one model, and its page.")
def monitoring(model: str, now: str) -> Watch:
    """Watch one model.

    Args:
        model: The served model.
        now: The date as of which features are compared with the champion's reference.
    """
    looked = detect_drift(model=model, now=now)
    looked.set_caching_options(False)
    return Watch(
        verdict=looked.outputs["Output"],
        figures=looked.outputs["verdict_file"],
        report=looked.outputs["report"],
    )
