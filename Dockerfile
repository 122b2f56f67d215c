# syntax=docker/dockerfile:1
# Images are pinned by exact version tags. A build that must be bit for bit the same pins them by digest as well:
#   docker build --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:... .
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
RUN python -m venv --without-pip /opt/watchstander
# The dependencies first: they change less often than the code.
COPY requirements.lock ./
RUN python -m pip --python /opt/watchstander/bin/python install --require-hashes --only-binary :all: --requirement requirements.lock
# The build backend has hashes too, and stays out of the final image.
COPY requirements-dev.lock packaging/backend.py ./
RUN python backend.py requirements-dev.lock > backend.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary :all: --requirement backend.lock
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY providers providers
COPY policies policies
COPY storage storage
COPY daemon daemon
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && python -m pip --python /opt/watchstander/bin/python install --no-deps --no-index /dist/watchstander-*.whl \
    && /opt/watchstander/bin/python -m compileall -q /opt/watchstander/lib

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Watchstander" \
      org.opencontainers.image.description="Stands the watch over AWS, Azure and Google Cloud." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# pip is a door nobody needs here.
RUN python -m pip uninstall --yes --root-user-action ignore setuptools wheel pip \
    && groupadd --system --gid 65532 watchstander \
    && useradd --system --uid 65532 --gid 65532 --no-create-home --home-dir /var/lib/watchstander --shell /usr/sbin/nologin watchstander \
    && install -d -o 65532 -g 65532 -m 0700 /var/lib/watchstander
COPY --from=build /opt/watchstander /opt/watchstander
ENV PATH=/opt/watchstander/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WATCHSTANDER_API__HOST=0.0.0.0
USER 65532:65532
WORKDIR /var/lib/watchstander
# Everything but this and /tmp may be read-only: docker run --read-only --tmpfs /tmp -v watchstander:/var/lib/watchstander
VOLUME /var/lib/watchstander
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('WATCHSTANDER_API__PORT', '9464') + '/healthz', timeout=4)"]
ENTRYPOINT ["watchstander"]
CMD ["run"]
