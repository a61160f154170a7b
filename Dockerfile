# The steps of `make app`, in two stages: build the environment, then run it as a user without rights.
FROM python:3.11-slim AS build
WORKDIR /srv/argminn
RUN python -m venv /opt/venv
COPY requirements.txt pyproject.toml README.md ./
RUN /opt/venv/bin/pip install --no-cache-dir -r requirements.txt
COPY argminn_core argminn_core
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 argminn
WORKDIR /srv/argminn
COPY --from=build /opt/venv /opt/venv
COPY .streamlit .streamlit
COPY argminn_core argminn_core
COPY app app
COPY pages pages
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 ARGMINN_HOME=/home/argminn/.argminn
USER argminn
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"
CMD ["streamlit", "run", "app/main.py", "--server.port=8501", "--server.address=0.0.0.0"]
