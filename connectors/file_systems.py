# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The file systems that file stores lie in: a disk of this server, SFTP, S3.

What fsspec leaves open is closed here: addresses are checked before anything is
connected to, an SFTP server has to have the key that was entered, S3 takes only the
credentials it was given, and a disk only opens below folders that whoever runs the
server names in METERED_FOLDERS.
"""

import base64
import hashlib
import io
import logging
import os
from urllib.parse import urlsplit

from .addresses import AddressPolicy, checked_socket, parse_networks
from .credentials import Redaction, credential
from .errors import (
    SourceError,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)

FOLDERS = "METERED_FOLDERS"
CONNECT_SECONDS = 10
READ_SECONDS = 60
#: while a person waits
HURRIED_SECONDS = 8
SSH_PORT = 22
#: a path that nothing is at
NOWHERE = "/dev/null/none"


def open_file_system(settings, policy=None):
    """Connect to where the files are.

    :param settings: dict: ``kind`` (local, sftp, s3), ``folder``; for sftp ``host``,
        ``port``, ``username``, ``password`` or ``private_key``, ``host_key``; for s3
        ``address`` (empty: Amazon), ``region``, ``username``, ``password``;
        ``allowed_networks``; ``hurried``: a person waits, nothing is tried twice
    :return: (fsspec file system, folder, :class:`~.credentials.Redaction`)
    :raise SourceError: it cannot be connected to, or must not be
    """
    policy = policy or AddressPolicy(parse_networks(settings.get("allowed_networks")))
    redact = Redaction()
    kind = settings.get("kind") or "local"
    opener = {"local": _local, "sftp": _sftp, "s3": _s3}.get(kind)
    if opener is None:
        raise SourceSettingsError(
            f"Unknown file store: {kind}.",
            remedy="Choose a folder on this server, SFTP or S3.",
        )
    return opener(settings, policy, redact), settings.get("folder") or "", redact


def _unconfigured(kind):
    """The file system without what fsspec finds about it on this server.

    ``FSSPEC_S3_KEY`` and the like, and files in the home folder, fill in what is not
    given: by the names of protocols.

    :param kind: class of fsspec
    :return: class
    """

    class Own(kind):
        protocol = "metered"
        _strip_protocol = staticmethod(kind._strip_protocol)

        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.protocol = kind.protocol

    return Own


def _local(settings, _policy, _redact):
    from .file_disk import DiskFolder

    folder = settings.get("folder") or ""
    real = os.path.realpath(folder)
    roots = [
        os.path.realpath(root)
        for root in os.environ.get(FOLDERS, "").split(os.pathsep)
        if root
    ]
    open_to = [root for root in roots if os.path.commonpath((root, real)) == root]
    if not os.path.isabs(folder) or not open_to:
        raise SourceSettingsError(
            f"The folder {folder or '(none)'} on this server cannot be used by "
            "sources.",
            remedy="The server administrator has to list the allowed folders in the "
            f"environment variable {FOLDERS}, separated by {os.pathsep}"
            + (f". Currently allowed: {', '.join(roots)}." if roots else "."),
        )
    return _unconfigured(DiskFolder)(open_to[0], real, skip_instance_cache=True)


def _sftp(settings, policy, redact):
    try:
        import paramiko
        from fsspec.implementations.sftp import SFTPFileSystem
    except ImportError as error:
        raise _missing("paramiko", "SFTP") from error
    # What goes wrong is told by the errors below; its threads log it with tracebacks.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    host, port = settings.get("host"), int(settings.get("port") or SSH_PORT)
    if not host or not settings.get("username"):
        raise SourceSettingsError(
            "The source is missing a host or user name.",
            remedy="Enter the SFTP server and the user name.",
        )
    password = redact.add(credential(settings.get("password"), "password"))
    key_text = redact.add(credential(settings.get("private_key"), "private key"))
    if not password and not key_text:
        raise SourceSettingsError(
            "The source is missing a password or private key.",
            remedy="Enter one of them.",
        )
    where = f"sftp://{host}:{port}"
    keys = _host_keys(settings.get("host_key"))
    try:
        sock = policy.connect(host, port, CONNECT_SECONDS)
    except OSError as error:
        raise SourceUnreachable(
            f"Could not connect to the server: {error.strerror or error}.",
            where,
            "Check the host and port, and whether a firewall blocks the connection.",
        ) from None

    class Sftp(_unconfigured(SFTPFileSystem)):
        def _connect(self):  # pylint: disable=missing-return
            try:
                super()._connect()
            except BaseException:
                # Otherwise its thread and its socket stay.
                self.client.close()
                raise

    try:
        return Sftp(
            host,
            port=port,
            username=settings["username"],
            password=password or None,
            pkey=_private_key(paramiko, key_text) if key_text else None,
            sock=sock,
            host_key_policy=_known_keys(paramiko, keys, where),
            allow_agent=False,
            look_for_keys=False,
            timeout=CONNECT_SECONDS,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
            channel_timeout=READ_SECONDS,
            skip_instance_cache=True,
        )
    except SourceError:
        raise
    except paramiko.AuthenticationException:
        raise SourceRefused(
            "The server rejected the login.",
            where,
            "Correct the user name and the password or private key.",
        ) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise SourceUnreachable(
            f"The server does not respond as an SFTP server: {redact(error)}.",
            where,
            "Check the host and port.",
        ) from None


def _host_keys(text):
    """Lines such as ``ssh-ed25519 AAAA…``, or of a known_hosts file, as key data."""
    keys = set()
    for line in (text or "").splitlines():
        for part in line.split():
            if part.startswith("AAAA"):
                keys.add(part)
    return keys


def _known_keys(paramiko, keys, where):
    """Accepts the keys that were entered, and no other."""

    class KnownKeys(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client, hostname, key):
            if key.get_base64() in keys:
                return
            shown = f"{key.get_name()} {key.get_base64()}"
            digest = hashlib.sha256(key.asbytes()).digest()
            fingerprint = base64.b64encode(digest).decode().rstrip("=")
            if keys:
                raise SourceRefused(
                    "The server has a different key than the one entered on the "
                    f"source. Its fingerprint is SHA256:{fingerprint}.",
                    where,
                    "Ask the server administrator whether the key was changed. If "
                    "not, another server may be impersonating it.",
                )
            raise SourceSettingsError(
                f"The server's key is unknown. The server sent {shown} (fingerprint "
                f"SHA256:{fingerprint}).",
                where,
                "Compare the fingerprint with the one from the server administrator, "
                "then enter the key as the Server Key.",
            )

    return KnownKeys()


def _private_key(paramiko, text):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text + "\n"))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise SourceSettingsError(
        "The private key cannot be read.",
        remedy="Enter an ED25519, ECDSA or RSA key in OpenSSH format, without a "
        "passphrase.",
    )


def _s3(settings, policy, redact):
    try:
        import s3fs
    except ImportError as error:
        raise _missing("s3fs", "S3") from error
    address = settings.get("address") or ""
    if address:
        parts = urlsplit(address)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise SourceSettingsError(
                f"{redact(address)} is not the address of an S3 server.",
                remedy="Enter an address such as https://s3.example.com, or "
                "leave it empty for Amazon.",
            )
        policy.addresses(
            parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        )
    key = credential(settings.get("username"), "access key")
    secret = redact.add(credential(settings.get("password"), "secret key"))
    if not key or not secret:
        # It would otherwise take the ones of this server.
        raise SourceSettingsError(
            "The source is missing an access key or secret key.",
            remedy="Enter them as user name and password.",
        )
    client = {"region_name": settings.get("region") or None}
    if address:
        client["endpoint_url"] = address
    hurried = settings.get("hurried")
    store = _unconfigured(s3fs.S3FileSystem)(
        key=key,
        secret=secret,
        client_kwargs=client,
        session=_own_session(),
        config_kwargs={
            "connector_args": {"socket_factory": checked_socket(policy)},
            "proxies": {},
            "ignore_configured_endpoint_urls": True,
            "connect_timeout": HURRIED_SECONDS if hurried else CONNECT_SECONDS,
            "read_timeout": HURRIED_SECONDS if hurried else READ_SECONDS,
            "retries": {"max_attempts": 0 if hurried else 2},
        },
        skip_instance_cache=True,
    )
    # Its own attempts, each with those of the library below it.
    store.retries = 1 if hurried else 2
    return store


def _own_session():
    """A session that reads no environment, profile or file of this server."""
    from aiobotocore.session import AioSession

    known = AioSession.SESSION_VARIABLES
    variables = {
        name: (None, None, default, kind)
        for name, (_setting, _environment, default, kind) in known.items()
    }
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, NOWHERE, None)
    return AioSession(session_vars=variables)


def _missing(library, what):
    return SourceSettingsError(
        f"{what} needs the Python library {library}, which is not installed.",
        remedy=f"Ask the server administrator to install it: pip install {library}",
    )
