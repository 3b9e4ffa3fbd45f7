# Two images from one file: `attune`, in which every component and command runs, and `serving` (--target serving),
# which answers and can neither train nor compute features. What is in each: /opt/attune/sbom.cdx.json (CycloneDX).
FROM python:3.11-slim AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_COMPILE=0 PATH=/opt/attune/bin:$PATH
RUN apt-get update && apt-get install -y --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && python -m venv /opt/attune
WORKDIR /build
COPY constraints.txt ./
RUN python -m venv /opt/sbom && /opt/sbom/bin/pip install --constraint constraints.txt cyclonedx-bom

FROM base AS everything
# "torch==2.13.0" for the processor build where the package index offers it; a CUDA build by another requirement.
ARG TORCH="torch==2.13.0"
RUN pip install --constraint constraints.txt "$TORCH"
COPY pyproject.toml README.md ./
# First what the project needs, which seldom changes, then the project.
RUN mkdir src && pip install --constraint constraints.txt \
      ".[features,training,tuning,cluster,registry,postgres,s3,serving,monitoring]"
COPY src src
COPY components components
COPY pipelines pipelines
COPY serving serving
COPY monitoring monitoring
RUN pip install --no-deps --force-reinstall .
COPY image image
RUN sh image/trim.sh /opt/attune/lib/python3.11/site-packages \
    && python -W ignore image/import_all.py attune components pipelines serving monitoring \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /opt/attune/sbom.cdx.json \
      /opt/attune/bin/python

FROM base AS answering
COPY pyproject.toml README.md ./
RUN mkdir src && pip install --constraint constraints.txt ".[server]"
COPY src src
COPY components components
COPY pipelines pipelines
COPY serving serving
COPY monitoring monitoring
RUN pip install --no-deps --force-reinstall .
COPY image image
RUN sh image/trim.sh /opt/attune/lib/python3.11/site-packages \
    && python -W ignore image/import_all.py serving pipelines.cli \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-file /opt/attune/sbom.cdx.json \
      /opt/attune/bin/python

FROM python:3.11-slim AS system
ENV PATH=/opt/attune/bin:$PATH
COPY image/trim_system.sh /tmp/trim_system.sh
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 \
    && useradd --uid 10001 --create-home attune && mkdir /data && chown 10001:10001 /data \
    # A login shell would forget it.
    && echo "PATH=$PATH" > /etc/profile.d/attune.sh \
    && sh /tmp/trim_system.sh && rm /tmp/trim_system.sh

# In one layer: what is taken away above is not in the image. That is why all of it is copied.
FROM scratch AS runtime
# hadolint ignore=DL3067
COPY --from=system / /
# A pod has no repository: what reads one goes without, quietly.
ENV PATH=/opt/attune/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ATTUNE_HOME=/data \
    DO_NOT_TRACK=1 BENTOML_DO_NOT_TRACK=True DVC_NO_ANALYTICS=1 GIT_PYTHON_REFRESH=quiet
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="attune" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
WORKDIR /app
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/readyz', timeout=4)"]
# Beyond this machine it answers only callers with a key: ATTUNE_API_KEYS or ATTUNE_API_KEYS_FILE.
CMD ["attune", "serve", "--host", "0.0.0.0", "--port", "3000"]

FROM runtime AS serving
LABEL org.opencontainers.image.description="Attune's server: recommendations and probabilities"
COPY --from=answering /opt/attune /opt/attune
USER 10001

FROM runtime AS attune
LABEL org.opencontainers.image.description="Pipelines, models and services of Attune"
COPY --from=everything /opt/attune /opt/attune
COPY feature_repo /app/feature_repo
COPY params.yaml /app/params.yaml
ENV ATTUNE_FEATURE_REPO=/app/feature_repo
USER 10001
