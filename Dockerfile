# The one image in which every component and every service runs.
FROM python:3.11-slim AS build
# "torch==2.13.0" for the processor build where the package index offers it; a CUDA build by another requirement.
ARG TORCH="torch==2.13.0"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/attune
ENV PATH=/opt/attune/bin:$PATH
WORKDIR /build
COPY constraints.txt ./
RUN pip install --constraint constraints.txt "$TORCH"
COPY pyproject.toml README.md ./
COPY src src
COPY components components
COPY pipelines pipelines
COPY serving serving
COPY monitoring monitoring
RUN pip install --constraint constraints.txt ".[features,training,pipelines,registry,postgres,s3,serving,monitoring]"

FROM python:3.11-slim
LABEL org.opencontainers.image.title="attune" \
      org.opencontainers.image.description="Pipelines, models and services of Attune"
RUN apt-get update && apt-get install -y --no-install-recommends git libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home attune
COPY --from=build /opt/attune /opt/attune
COPY feature_repo /app/feature_repo
COPY params.yaml /app/params.yaml
ENV PATH=/opt/attune/bin:$PATH \
    ATTUNE_HOME=/data ATTUNE_FEATURE_REPO=/app/feature_repo \
    DO_NOT_TRACK=1 BENTOML_DO_NOT_TRACK=True DVC_NO_ANALYTICS=1
WORKDIR /app
RUN mkdir /data && chown 10001:10001 /data
USER 10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/readyz', timeout=4)"]
# Beyond this machine it answers only callers with a key: ATTUNE_API_KEYS or ATTUNE_API_KEYS_FILE.
CMD ["attune", "serve", "--host", "0.0.0.0", "--port", "3000"]
