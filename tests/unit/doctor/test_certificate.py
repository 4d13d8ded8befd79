"""The check of the certificate names the fix for each problem, and finds none in a healthy one."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudchat.doctor.certificate import (
    CertificateUnreadable,
    certificate_problem,
    installed_certificate,
    served_certificate,
)
from support.certificates import Authority
from support.server import free_port

DOMAIN = "chat.example.test"


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """certbot's directory, with a certificate of 90 days."""
    Authority(tmp_path).issue(tmp_path / "live" / DOMAIN, DOMAIN)
    return tmp_path / "live"


@contextmanager
def serving(certificate: Path) -> Iterator[tuple[str, int]]:
    """Run a TLS server with this certificate; yield its address."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "fullchain.pem", certificate / "privkey.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    plain, _ = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
                        tls.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_served_and_young_certificate_has_no_problem(live: Path) -> None:
    with serving(live / DOMAIN) as address:
        assert certificate_problem(DOMAIN, live=live, address=address) is None
        assert served_certificate(DOMAIN, address) == installed_certificate(live / DOMAIN / "fullchain.pem")


def test_serving_another_certificate_than_the_installed_one_is_a_problem(live: Path, tmp_path: Path) -> None:
    Authority(tmp_path).issue(tmp_path / "older", DOMAIN)
    with serving(tmp_path / "older") as address:
        problem = certificate_problem(DOMAIN, live=live, address=address)
    assert problem is not None
    assert "nginx -t" in problem


@pytest.mark.parametrize(("left", "is_overdue"), [(timedelta(days=16), False), (timedelta(days=14), True)])
def test_certificate_in_the_last_sixth_of_its_lifetime_is_overdue(
    live: Path, left: timedelta, is_overdue: bool
) -> None:
    now = installed_certificate(live / DOMAIN / "fullchain.pem").not_after - left
    with serving(live / DOMAIN) as address:
        problem = certificate_problem(DOMAIN, now=now, live=live, address=address)
    assert (problem is not None) is is_overdue
    assert problem is None or "14 days" in problem


def test_expired_certificate_is_a_problem(live: Path) -> None:
    with serving(live / DOMAIN) as address:
        problem = certificate_problem(DOMAIN, now=datetime.now(UTC) + timedelta(days=100), live=live, address=address)
    assert problem is not None
    assert "journalctl" in problem


def test_missing_https_server_is_a_problem(live: Path) -> None:
    problem = certificate_problem(DOMAIN, live=live, address=("127.0.0.1", free_port()))
    assert problem is not None
    assert "systemctl status nginx" in problem


def test_served_certificate_times_out_when_the_server_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CertificateUnreadable):
        served_certificate(DOMAIN, silent.getsockname(), timeout_seconds=0.2)


def test_missing_and_malformed_certificate_files_are_problems(tmp_path: Path) -> None:
    assert "certbot" in (certificate_problem(DOMAIN, live=tmp_path) or "")
    garbage = tmp_path / "fullchain.pem"
    garbage.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(CertificateUnreadable, match="renew"):
        installed_certificate(garbage)
