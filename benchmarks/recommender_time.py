"""How long a network learns until it is good: it is asked after every epoch, which does not count."""

import copy

import pandas as pd

from attune.columns import LABEL
from attune.evaluation.accuracy import accuracy
from attune.evaluation.ranking import NDCG, K
from attune.training.learner import Learner


class Course:
    """Looks at a network after each epoch until it reaches a given NDCG@10 on the test examples.

    Nothing is chosen by what it sees: it notes when the weights that training would give by then, those of
    the best epoch on the validation examples, were so good.
    """

    def __init__(self, test: pd.DataFrame, wanted: float) -> None:
        self.reached: float | None = None
        self._test, self._wanted = test, wanted
        self._is_over, self._was_below = False, False

    def __call__(self, learner: Learner) -> None:
        """Ask a network that has learnt another epoch.

        One that went on from a checkpoint and is good enough at once may have been so before: then nothing
        is noted.
        """
        if self._is_over:
            return
        network = copy.deepcopy(learner.network).cpu()
        network.load_state_dict(learner.best_weights)
        lists = network.recommend(self._test, K)[0]  # type: ignore[operator]
        found = float(accuracy(NDCG, lists, self._test[LABEL].tolist()).mean())
        print(f"    test NDCG@10 {found:.4f} after {learner.processor_seconds:.0f} CPU s", flush=True)
        self._is_over = found >= self._wanted
        if self._is_over and (self._was_below or learner.epoch == 1):
            self.reached = learner.processor_seconds
        self._was_below = True
