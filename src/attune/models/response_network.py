"""The response network: who answers a message, given how, when and with what it is sent.

What a decision chooses (channel, format, hour, weekday, days that the offer holds) enters beside what is
known of the customer, so that the same customer can be asked about messages that nobody has sent yet. Beside
the branch over past orders there is one over past messages: how each was sent, and whether it was answered.
"""

import pandas as pd
import torch
from pydantic import Field

from attune.columns import EVENT_TIMESTAMP, MESSAGE_TIMES
from attune.models.churn_network import ChurnNetwork
from attune.models.events import MESSAGES, OrderSequence, SequenceBranch
from attune.models.network import Batch
from attune.models.past_messages import PastMessages


class ResponseNetwork(ChurnNetwork):
    """Give each customer and message the probability of a response; by default with both branches."""

    class Config(ChurnNetwork.Config):
        """As of the churn network, with the branches that read past orders and past messages."""

        sequence: SequenceBranch = Field(default="gru", description="what reads the order of past orders")
        messages: SequenceBranch = Field(default="gru", description="what reads past messages")
        past_messages: int = Field(default=16, ge=1, description="messages that their branch sees")

    config: Config

    def _branches(self) -> dict[str, OrderSequence]:
        config, branches = self.config, super()._branches()
        if config.messages == "none" or MESSAGE_TIMES not in self.table.sequences:
            return branches
        facts = self._past().facts
        read = OrderSequence(config.messages, config.event_dim, config.dropout, config.past_messages, facts)
        return branches | {MESSAGES: read}

    def _sequences(self, examples: pd.DataFrame) -> Batch:
        read = super()._sequences(examples)
        if MESSAGES not in self.sequences:
            return read
        moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True).dt.as_unit("s").astype("int64")
        facts_NLE = self._past().read(examples.to_dict("records"), moments.tolist())
        return read | {MESSAGES: torch.from_numpy(facts_NLE)}

    def _past(self) -> PastMessages:
        return PastMessages(self.table, self.config.past_messages)
