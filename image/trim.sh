#!/bin/sh
# What packages bring along and no program of an image reads: tests, headers, sources, symbols, other people's tools.
# Usage: trim.sh SITE_PACKAGES
set -eu
cd "$1"

# `evidently/tests` is a part of its interface, not its tests.
find . -depth -type d \( -name tests -o -name test -o -name include \) ! -path '*/evidently/*' -exec rm -r {} +
find . -type f \( -name '*.a' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' \) -delete
# SQLAlchemy's plugin for a type checker, a notebook extension, a user interface that is never served, and what
# installed all of this.
pip uninstall --quiet --yes mypy
rm -rf jupyterlab_plotly feast/ui/build pip pip-*.dist-info

# Libraries that a wheel's builder has moved (*.libs) do not survive this; the others lose only their symbol tables.
find . -type f \( -name '*.so' -o -name '*.so.[0-9]*' \) ! -path '*.libs/*' -exec strip --strip-unneeded {} +
