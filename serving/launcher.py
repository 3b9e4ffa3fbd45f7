"""BentoML's command, made to fit: `python -m serving.launcher [--with-starter] serve ...`.

With the option it ends with the process that started it. In either way a worker that was killed is replaced
within a second; BentoML by itself looks every ten.
"""

import os
import sys
from functools import partial

from bentoml._internal.utils import circus
from bentoml_cli.cli import cli

from attune.orphans import end_with_parent
from serving.process import WITH_STARTER
from serving.supervisor import SUPERVISOR_VARIABLE

LOOK_EVERY_SECONDS = 0.2


def main() -> None:
    """Become the supervisor of a server."""
    if WITH_STARTER in sys.argv:
        sys.argv.remove(WITH_STARTER)
        end_with_parent()
    os.environ[SUPERVISOR_VARIABLE] = str(os.getpid())
    circus.create_standalone_arbiter = partial(
        circus.create_standalone_arbiter, check_delay=LOOK_EVERY_SECONDS
    )
    cli()


if __name__ == "__main__":
    main()
