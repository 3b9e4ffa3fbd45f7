"""`python -m serving.launcher serve ...`: BentoML's command, ending with whoever started it."""

import os

from bentoml_cli.cli import cli

from attune.orphans import end_with_parent
from serving.supervisor import SUPERVISOR_VARIABLE

if __name__ == "__main__":
    end_with_parent()
    os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())
    cli()
