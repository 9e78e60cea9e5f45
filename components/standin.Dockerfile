# A stand-in for the GPU base where none can be pulled: torch's CPU build in an environment of its own, as conda's is.
# With it everything of the gpu target is tried except CUDA.
ARG BASE_IMAGE=localhost/twelvelead/base:bookworm
FROM ${BASE_IMAGE}
ARG PIP_FIND_LINKS=""
ARG PIP_EXTRA_INDEX_URL="https://download.pytorch.org/whl/cpu"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/base
ENV PATH=/opt/base/bin:$PATH
RUN --mount=type=cache,target=/root/.cache/pip python3 -m pip install torch==2.13.0 numpy==2.4.6
