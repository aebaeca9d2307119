# For an image that others run, pin the base by digest: --build-arg BASE=python:3.13-slim-bookworm@sha256:...
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock deploy/build.lock ./
RUN python -m venv --without-pip /opt/tagline \
    && pip --python /opt/tagline/bin/python install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock \
    && pip install --no-cache-dir --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip --python /opt/tagline/bin/python install --no-cache-dir --no-deps --no-index /dist/*.whl

FROM ${BASE}
COPY --from=build /opt/tagline /opt/tagline
RUN install -d -o 10001 -g 10001 -m 0700 /data
ENV PATH=/opt/tagline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TAGLINE_HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    HOME=/data
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the receiver; a container with `worker` alone has nothing to ask and switches it off.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["python", "-c", "import http.client, os, sys; door = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); door.request('GET', '/readyz'); sys.exit(door.getresponse().status != 200)"]
ENTRYPOINT ["tagline"]
CMD ["run"]
