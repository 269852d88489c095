# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Real servers of files on loopback: OpenSSH's sshd, and moto's S3."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import requests

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


def require(found, program, package):
    """Skip what needs a program that is not there; in CI that is a failure."""
    if not found:
        message = f"{program} is not installed: as root, run apt-get install {package}"
        if os.environ.get("CI"):
            raise AssertionError(message)
        raise unittest.SkipTest(message)


class Sshd:
    """An sshd for the user who runs the tests; ``file_system()`` logs in."""

    def __init__(self):
        require(os.access(SSHD, os.X_OK), "sshd", "openssh-server")
        require(shutil.which("ssh-keygen"), "ssh-keygen", "openssh-client")
        self._kept = tempfile.TemporaryDirectory()
        self.folder = Path(self._kept.name)
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name],
                cwd=self.folder,
                check=True,
            )
        if os.getuid() == 0:
            # What a service would have made.
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder))
        self._log = open(self.folder / "log", "w+b")  # noqa: SIM115
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(config)], stderr=self._log
        )
        self._wait()

    def _wait(self):
        """Until it listens; a program that ended says why."""
        while self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
        self._log.seek(0)
        raise AssertionError(f"sshd ended: {self._log.read().decode()}")

    def file_system(self):
        from fsspec.implementations.sftp import SFTPFileSystem

        return SFTPFileSystem(
            "127.0.0.1",
            port=self.port,
            username=getpass.getuser(),
            key_filename=str(self.folder / "user_key"),
            allow_agent=False,
            look_for_keys=False,
            skip_instance_cache=True,
        )

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._log.close()
        self._kept.cleanup()


class S3Server:
    """moto's S3, empty."""

    def __init__(self):
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]
        # what it holds is the process's, whichever server was asked to keep it
        address = f"http://127.0.0.1:{self.port}/moto-api/reset"
        requests.post(address, timeout=300).raise_for_status()

    def file_system(self):
        import s3fs

        return s3fs.S3FileSystem(
            key="test",
            secret="test",
            client_kwargs={
                "endpoint_url": f"http://127.0.0.1:{self.port}",
                "region_name": "eu-central-1",
            },
            skip_instance_cache=True,
        )

    def stop(self):
        self._server.stop()
