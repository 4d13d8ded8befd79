"""Check that the web server serves the certificate that certbot renewed, and that it does not expire soon.

certbot exits with 0 even if its deploy hook fails. Then nginx does not load the new certificate, which goes
unnoticed until the old one expires. Therefore `cloudchat doctor` checks it, and so does certbot-renew.service, which
runs this module.
"""

import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from msgspec import Struct

LIVE = Path("/etc/letsencrypt/live")
SITES = Path("/etc/nginx/sites-enabled")
HTTPS = ("127.0.0.1", 443)
_RELOAD_SECONDS = 3.0


class CertificateUnreadable(Exception):
    """There is no certificate to check. The message is one line for the operator and says how to fix it."""


class Certificate(Struct, frozen=True):
    """The parts that are compared. `serial` is unique among the certificates of one issuer."""

    serial: int
    not_before: datetime
    not_after: datetime

    @property
    def overdue_at(self) -> datetime:
        """When several renewals must have failed: certbot tries twice a day from the last third of the lifetime on."""
        return self.not_after - (self.not_after - self.not_before) / 6


def installed_chain(domain: str, live: Path = LIVE) -> Path:
    """Return the path of certbot's file, or of its copy.

    systemd provides the copy to a user who may not read certbot's file (config/install/cloudchat).
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials is not None and (copy := Path(credentials) / f"certificate-{domain}").exists():
        return copy
    return live / domain / "fullchain.pem"


def installed_certificate(path: Path) -> Certificate:
    """Return the first certificate of a PEM file. Raises CertificateUnreadable."""
    try:
        return _certificate(x509.load_pem_x509_certificate(path.read_bytes()))
    except PermissionError as error:
        raise CertificateUnreadable(f"only root may read {path}: run this command as root") from error
    except OSError as error:
        raise CertificateUnreadable(f"{path} does not exist: get a certificate (certbot certonly)") from error
    except ValueError as error:
        raise CertificateUnreadable(
            f"{path} does not contain a certificate: renew it (certbot renew --force-renewal)"
        ) from error


def served_certificate(domain: str, address: tuple[str, int] = HTTPS, *, timeout_seconds: float = 5.0) -> Certificate:
    """Return the certificate that a client of `domain` gets at `address`; each network step has its own timeout.

    Raises CertificateUnreadable. Trust is not verified: the certificate is only compared with the installed one.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(address, timeout=timeout_seconds) as plain,
            context.wrap_socket(plain, server_hostname=domain) as tls,
        ):
            served = tls.getpeercert(binary_form=True)
    except OSError as error:  # includes ssl.SSLError
        raise CertificateUnreadable(
            f"{address[0]} port {address[1]} does not serve https for {domain} ({error}): "
            "systemctl status nginx, nginx -t"
        ) from error
    return _certificate(x509.load_der_x509_certificate(served or b""))


def certificate_problem(
    domain: str,
    *,
    now: datetime | None = None,
    live: Path = LIVE,
    address: tuple[str, int] = HTTPS,
) -> str | None:
    """Return the problem with the certificate of `domain` and its fix; None if there is no problem."""
    now = now or datetime.now(UTC)
    try:
        installed = installed_certificate(installed_chain(domain, live))
        served = served_certificate(domain, address)
    except CertificateUnreadable as error:
        return str(error)
    if served.serial != installed.serial:
        return (
            f"nginx serves an older certificate, valid until {served.not_after:%Y-%m-%d}, than the one on disk: "
            "the deploy hook failed; fix what `nginx -t` reports, then systemctl reload nginx"
        )
    if now >= served.overdue_at:
        return (
            f"it ends at {served.not_after:%Y-%m-%d %H:%M} UTC ({_remaining(served.not_after - now)}) and was not "
            "renewed: systemctl list-timers certbot-renew.timer, journalctl -u certbot-renew"
        )
    return None


def main() -> int:
    """Check all sites after a renewal. Returns 1 if a problem remains after nginx had time to reload."""
    deadline = time.monotonic() + _RELOAD_SECONDS
    while problems := list(_problems_of_sites()):
        if time.monotonic() > deadline:
            print(*problems, sep="\n", file=sys.stderr)
            return 1
        time.sleep(0.2)
    return 0


def _problems_of_sites() -> Iterator[str]:
    sites = "".join(path.read_text() for path in SITES.glob("cloudchat*.conf"))
    for domain in sorted(set(re.findall(rf"{LIVE}/([^/]+)/fullchain\.pem", sites))):
        if (problem := certificate_problem(domain)) is not None:
            yield f"{domain}: {problem}"


def _certificate(parsed: x509.Certificate) -> Certificate:
    return Certificate(parsed.serial_number, parsed.not_valid_before_utc, parsed.not_valid_after_utc)


def _remaining(left: timedelta) -> str:
    return "it has ended" if left < timedelta(0) else f"{left.days} days left"


if __name__ == "__main__":
    sys.exit(main())
