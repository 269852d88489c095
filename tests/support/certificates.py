# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Certificates for the time of a test: an authority, and servers that it knows."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; ``text`` is its own, in PEM's form."""

    def __init__(self, name="Private Authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        own = self._certificate(self._name, self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(True, None), critical=True)
        self.text = _text(own.sign(self._key, hashes.SHA256()))

    def _certificate(self, name, public_key):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 30 * DAY)
        )

    def sign(self, host):
        """A server's certificate and its key, both in PEM's form."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_named(host), key.public_key())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = certificate.add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _text(certificate.sign(self._key, hashes.SHA256())), private.decode()


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _text(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
