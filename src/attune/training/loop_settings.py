"""What a plan says of the training loop; read by many who never train and need no torch."""

from typing import Literal

from pydantic import Field

from attune.config import Settings

Precision = Literal["auto", "single", "bfloat16"]


class LoopSettings(Settings):
    """How long and how fast a network learns."""

    epochs: int = Field(default=10, ge=1)
    batch_size: int = Field(default=256, ge=1, description="examples of one step, in all processes together")
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    patience: int = Field(default=3, ge=1, description="epochs without gain before stopping")
    clip_norm: float = Field(default=1.0, gt=0)
    warmup_share: float = Field(default=0.1, ge=0, lt=1, description="steps that raise the rate")
    average: float = Field(default=0, ge=0, lt=1, description="decay of the moving average of weights")
    accumulate: int = Field(default=1, ge=1, description="parts of a batch, one after the other in memory")
    precision: Precision = Field(default="auto", description="auto: bfloat16 where a GPU has it")
    compile: bool = Field(default=False, description="by torch.compile; wants a C++ compiler")
    stream_above: int = Field(
        default=20_000_000, ge=0, description="examples with more interactions are read from disk in parts"
    )
    stream_part: int = Field(default=2_000_000, ge=1, description="interactions of a part, in each process")
    seed: int = 0
