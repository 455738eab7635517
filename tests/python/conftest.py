"""The shipped binary's `sandbox` command, and clients of it: boto3 and the aws CLI.

Every test has a region of its own, because regions are separate worlds. Expected values in these
tests come from AWS's models, documentation and recorded answers, never from the binary itself.

Environment: EVENKEEL_BIN is the binary (default target/debug/evenkeel, from the repository's root).
"""

import contextlib
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("EVENKEEL_BIN", ROOT / "target" / "debug" / "evenkeel"))
ACCOUNT = "123456789012"
SPEED = 120
"""Simulated seconds in a real one."""

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
VPC = "vpc-0123456789abcdef0"
SECURITY_GROUP = "sg-0123456789abcdef0"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/task"
EXECUTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
CODEDEPLOY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/codedeploy"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Sandbox:
    """A running sandbox."""

    def __init__(self, url):
        self.url = url

    def post(self, path, body):
        """Calls the sandbox's own API."""
        request = urllib.request.Request(
            f"{self.url}/_evenkeel/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def running(folder, speed):
    """Starts the binary on a free port and stops it in the end."""
    assert BINARY.exists(), f"no binary at {BINARY}: build it, or set EVENKEEL_BIN"
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [str(BINARY), "sandbox", "--listen", address, "--speed", str(speed)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://{address}"
            for _ in range(100):
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(f"{url}/_evenkeel/health", timeout=1).close()
                    break
                if process.poll() is not None:
                    log.seek(0)
                    pytest.fail(f"the sandbox ended with {process.returncode}: {log.read()}")
                time.sleep(0.1)
            else:
                pytest.fail("the sandbox does not answer within 10 s")
            yield Sandbox(url)
            assert process.poll() is None, "the sandbox ended while the tests ran"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """The sandbox that the tests share."""
    with running(tmp_path_factory.mktemp("sandbox"), SPEED) as started:
        yield started


@pytest.fixture
def hasty_sandbox(tmp_path):
    """A sandbox in which an hour takes two seconds."""
    with running(tmp_path, 1800) as started:
        yield started


_regions = itertools.count(1)


@pytest.fixture
def region():
    """A region that no other test uses."""
    return f"xx-test-{next(_regions)}"


def connect(sandbox, region):
    """A maker of boto3 clients."""

    def make(service):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=sandbox.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # A refusal must show at once, not after retries.
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        )

    return make


@pytest.fixture
def client(sandbox, region):
    """Makes boto3 clients of services in the test's region."""
    return connect(sandbox, region)


class Cli:
    """The aws CLI, version 1, of the interpreter that runs the tests."""

    def __init__(self, url, region, folder):
        self.folder = folder
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": region,
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_CONFIG_FILE": str(folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "awscli", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def __call__(self, *arguments):
        """Runs a command that must succeed and returns what it prints, as JSON if it is."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            return done.stdout.strip()

    def refused(self, *arguments):
        """Runs a command that must fail and returns its error text."""
        done = self.run(*arguments)
        assert done.returncode != 0, f"aws {' '.join(arguments)} was not refused: {done.stdout}"
        return done.stderr

    def file(self, name, document):
        """Writes a JSON file and returns how the CLI names it."""
        (self.folder / name).write_text(json.dumps(document, indent=2))
        return f"file://{name}"


@pytest.fixture
def cli(sandbox, region, tmp_path):
    """The aws CLI in a folder of its own."""
    return Cli(sandbox.url, region, tmp_path)
