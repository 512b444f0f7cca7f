"""TLS of container groups: a certificate of each version's own, or the operator's, or none by explicit choice.

Container groups have no certificates of Azure, and the whole name of a group is known only once it exists. So
whoever asks compares the certificate itself, which is on record with the key of the service.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from retrain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.ports import ObjectStore

SELF_SIGNED, OFF = "self-signed", "off"
CERTIFICATE, KEY = "certificate.pem", "key.pem"
VALID = timedelta(days=3650)  # a service lives as long as its version; a new version has a new one
CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM; both empty for plain HTTP."""

    certificate: str = ""
    key: str = field(default="", repr=False)

    @property
    def files(self) -> Mapping[str, str]:
        """The text of each file by its name; none for plain HTTP."""
        return {CERTIFICATE: self.certificate, KEY: self.key} if self.certificate else {}


def self_signed(name: str) -> Pair:
    """A new pair for the service of this name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(pem).decode(), private.decode())


def own(folder: str, state: ObjectStore) -> Pair:
    """The operator's pair in a folder of the state container. Raises: ConfigError for what is not a PEM file."""
    found: dict[str, str] = {}
    for file in (CERTIFICATE, KEY):
        stored, where = state.read(f"{folder}/{file}"), state.address(f"{folder}/{file}")
        if stored is None:
            raise ConfigError(
                f"RETRAIN_TLS names a folder without {where}; upload it, or set RETRAIN_TLS={SELF_SIGNED}"
            )
        found[file] = stored.data.decode(errors="replace")
        if "-----BEGIN " not in found[file]:
            raise ConfigError(f"{where} is not a PEM file; convert it, for example with openssl")
    return Pair(found[CERTIFICATE], found[KEY])
