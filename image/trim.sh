#!/bin/sh
# What packages bring along and no program of an image reads: tests, headers, sources, symbols, other people's tools.
# Usage: trim.sh SITE_PACKAGES
set -eu
cd "$1"

# `evidently/tests` is a part of its interface, not its tests.
find . -depth -type d \( -name tests -o -name test -o -name include \) ! -path '*/evidently/*' -exec rm -r {} +
find . -type f \( -name '*.a' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' \) -delete
# Bytecode of what nobody imports; `import_all.py` makes the rest.
find . -type d -name __pycache__ -exec rm -r {} +
# Programs that test torch, notebooks and example data, services of a cloud that nobody calls.
[ ! -d torch/bin ] || find torch/bin -type f ! -name torch_shm_manager -delete
[ ! -d botocore/data ] || find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name 's[st][so]*' -exec rm -r {} +
find . -type f \( -name '*.ipynb' -o -path '*/statsmodels/datasets/*.csv' \) -delete
# Arrow's server and, where Feast does not ask for it, its way to S3; one library under three names, ONNX Runtime twice.
rm -f pyarrow/libarrow_flight.so* pyarrow/_flight*.so
[ -d feast ] || rm -f pyarrow/libarrow_s3.so* pyarrow/_s3fs*.so
find pyarrow -name 'libarrow_python*.so' -o -name 'libarrow_python*.so.*.*.*' | xargs rm -f
rm -f onnxruntime/capi/libonnxruntime.so*
# SQLAlchemy's plugin for a type checker, a notebook extension, a user interface that is never served, and what
# installed all of this.
pip uninstall --quiet --yes mypy
rm -rf jupyterlab_plotly feast/ui/build pip pip-*.dist-info ../../../bin/pip*

# Libraries that a wheel's builder has moved (*.libs) do not survive this; the others lose only their symbol tables.
find . -type f \( -name '*.so' -o -name '*.so.[0-9]*' \) ! -path '*.libs/*' -exec strip --strip-unneeded {} +
