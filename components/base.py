"""What all components share: the image, which has everything, so that nothing is installed at start."""

import os

from kfp import dsl

component = dsl.component(base_image=os.environ.get("ATTUNE_IMAGE", "attune:dev"), install_kfp_package=False)
