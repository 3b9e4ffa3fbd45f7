"""The response network: who answers a message, given how, when and with what it is sent.

What a decision chooses (channel, format, hour, weekday, days that the offer holds) enters beside what is
known of the customer, so that the same customer can be asked about messages that nobody has sent yet.
"""

from pydantic import Field

from attune.models.churn_network import ChurnNetwork
from attune.models.events import SequenceBranch


class ResponseNetwork(ChurnNetwork):
    """Give each customer and message the probability of a response; by default with a sequence branch."""

    class Config(ChurnNetwork.Config):
        """As of the churn network, but for the branch that reads the order of past orders."""

        sequence: SequenceBranch = Field(default="gru", description="what reads the order of past orders")

    config: Config
