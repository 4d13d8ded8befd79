"""What `cloudchat doctor` says about the certificate: each trouble has its mend, and a healthy one has none."""

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
    kept_certificate,
    served_certificate,
)
from support.certificates import Authority
from support.server import free_port

DOMAIN = "chat.example.test"


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """certbot's folder, with a certificate of 90 days."""
    Authority(tmp_path).issue(tmp_path / "live" / DOMAIN, DOMAIN)
    return tmp_path / "live"


@contextmanager
def serving(certificate: Path) -> Iterator[tuple[str, int]]:
    """A TLS server that shows this certificate to everybody."""
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


def test_a_certificate_that_is_served_and_young_has_no_problem(live: Path) -> None:
    with serving(live / DOMAIN) as address:
        assert certificate_problem(DOMAIN, live=live, address=address) is None
        assert served_certificate(DOMAIN, address) == kept_certificate(live / DOMAIN / "fullchain.pem")


def test_another_certificate_than_the_kept_one_is_served(live: Path, tmp_path: Path) -> None:
    Authority(tmp_path).issue(tmp_path / "older", DOMAIN)
    with serving(tmp_path / "older") as address:
        problem = certificate_problem(DOMAIN, live=live, address=address)
    assert problem is not None
    assert "nginx -t" in problem


@pytest.mark.parametrize(("left", "wrong"), [(timedelta(days=16), False), (timedelta(days=14), True)])
def test_a_certificate_in_the_last_sixth_of_its_life_was_not_renewed(live: Path, left: timedelta, wrong: bool) -> None:
    now = kept_certificate(live / DOMAIN / "fullchain.pem").not_after - left
    with serving(live / DOMAIN) as address:
        problem = certificate_problem(DOMAIN, now=now, live=live, address=address)
    assert (problem is not None) is wrong
    assert problem is None or "14 days" in problem


def test_a_certificate_that_has_ended(live: Path) -> None:
    with serving(live / DOMAIN) as address:
        problem = certificate_problem(DOMAIN, now=datetime.now(UTC) + timedelta(days=100), live=live, address=address)
    assert problem is not None
    assert "journalctl" in problem


def test_nothing_serves_https(live: Path) -> None:
    problem = certificate_problem(DOMAIN, live=live, address=("127.0.0.1", free_port()))
    assert problem is not None
    assert "systemctl status nginx" in problem


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CertificateUnreadable):
        served_certificate(DOMAIN, silent.getsockname(), seconds=0.2)


def test_there_is_no_certificate(tmp_path: Path) -> None:
    assert "certbot" in (certificate_problem(DOMAIN, live=tmp_path) or "")
    garbage = tmp_path / "fullchain.pem"
    garbage.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(CertificateUnreadable, match="renew"):
        kept_certificate(garbage)
