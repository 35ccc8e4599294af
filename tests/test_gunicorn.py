"""What gunicorn itself says in production goes the way of all lines: JSON on standard error."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

from script.children import dies_with_us
from script.console import ROOT


def test_gunicorns_own_lines_are_json() -> None:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
    command += ["--bind", "127.0.0.1:0", "wsgiref.simple_server:demo_app"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_us(signal.SIGKILL),
    ) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        (address,) = re.findall(r"http://[0-9.:]+", "".join(lines))
        # A worker that has answered hears the signal; one that only just begins would be waited for.
        urllib.request.urlopen(address, timeout=30).close()
        process.send_signal(signal.SIGTERM)
        lines += process.stderr.readlines()
    told = [json.loads(line) for line in lines if line.strip()]
    assert any(line["event"].startswith("Starting gunicorn") for line in told), told
    assert all(line["logger"] == "gunicorn.error" and line["level"] == "info" for line in told)
