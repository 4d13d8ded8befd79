"""Does the web server serve the certificate that certbot keeps, and for how long is it good?

certbot exits with 0 when the hook fails that makes nginx load a new certificate: nothing shows until the old one
runs out. So `cloudchat doctor` asks, and certbot-renew.service does, by running this module.
"""

import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

LIVE = Path("/etc/letsencrypt/live")
SITES = Path("/etc/nginx/sites-enabled")
HTTPS = ("127.0.0.1", 443)
_SECONDS_TO_RELOAD = 3.0


class CertificateUnreadable(Exception):
    """There is nothing to look at. The message is one line for the operator and names the mend."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is compared. `serial` names it among all of its issuer's."""

    serial: int
    not_before: datetime
    not_after: datetime

    @property
    def overdue_at(self) -> datetime:
        """When renewing must have failed several times: certbot does it with a third of the time left, twice a day."""
        return self.not_after - (self.not_after - self.not_before) / 6


def kept_chain(domain: str, live: Path = LIVE) -> Path:
    """The file of certbot, or the copy that systemd shows to a user who may not read it (config/install/cloudchat)."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials is not None and (shown := Path(credentials) / f"certificate-{domain}").exists():
        return shown
    return live / domain / "fullchain.pem"


def kept_certificate(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises CertificateUnreadable."""
    try:
        return _certificate(x509.load_pem_x509_certificate(path.read_bytes()))
    except PermissionError as error:
        raise CertificateUnreadable(f"{path} may be read by root alone: ask as root") from error
    except OSError as error:
        raise CertificateUnreadable(f"{path} is not there: let certbot get one (certbot certonly)") from error
    except ValueError as error:
        raise CertificateUnreadable(f"{path} holds no certificate: renew it (certbot renew --force-renewal)") from error


def served_certificate(domain: str, address: tuple[str, int] = HTTPS, *, seconds: float = 5.0) -> Certificate:
    """The certificate that a client of `domain` is shown at `address`; `seconds` is the time for each step.

    Raises CertificateUnreadable. Trust is not asked for: this is compared with a file, and may be any certificate.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    shown = f"{address[0]} port {address[1]}"
    try:
        with (
            socket.create_connection(address, timeout=seconds) as plain,
            context.wrap_socket(plain, server_hostname=domain) as tls,
        ):
            served = tls.getpeercert(binary_form=True)
    except OSError as error:  # ssl.SSLError is one
        raise CertificateUnreadable(
            f"nothing at {shown} serves https for {domain} ({error}): systemctl status nginx, nginx -t"
        ) from error
    return _certificate(x509.load_der_x509_certificate(served or b""))


def certificate_problem(
    domain: str,
    *,
    now: datetime | None = None,
    live: Path = LIVE,
    address: tuple[str, int] = HTTPS,
) -> str | None:
    """What is wrong with the certificate of `domain`, with the mend; None when all is well."""
    now = now or datetime.now(UTC)
    try:
        kept = kept_certificate(kept_chain(domain, live))
        served = served_certificate(domain, address)
    except CertificateUnreadable as problem:
        return str(problem)
    if served.serial != kept.serial:
        return (
            f"nginx serves an older certificate, good until {served.not_after:%Y-%m-%d}, than the one on disk: "
            "the deploy hook failed; mend what `nginx -t` says, then systemctl reload nginx"
        )
    if now >= served.overdue_at:
        return (
            f"it ends at {served.not_after:%Y-%m-%d %H:%M} UTC ({_days(served.not_after - now)}) and was not renewed: "
            "systemctl list-timers certbot-renew.timer, journalctl -u certbot-renew"
        )
    return None


def main() -> int:
    """After a renewal: the exit code is 1 when nginx serves another certificate than certbot keeps."""
    deadline = time.monotonic() + _SECONDS_TO_RELOAD  # nginx reloads in its own time
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


def _days(left: timedelta) -> str:
    return "it has ended" if left < timedelta(0) else f"{left.days} days left"


if __name__ == "__main__":
    sys.exit(main())
