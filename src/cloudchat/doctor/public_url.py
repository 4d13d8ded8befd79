"""What stands between the server and its users: origins, proxies, TLS."""

import http.client
import ipaddress
import json
import secrets
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cloudchat.doctor.certificate import CertificateUnreadable, certificate_problem, kept_chain, served_certificate
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.store import store_url
from cloudchat.doctor.store_check import StoreUnusable
from cloudchat.observability.store_stats import holds_key_like
from cloudchat.settings import Settings

_SECONDS = 5.0


def check_edge(settings: Settings) -> list[CheckResult]:
    """What the settings say of pages and proxies."""
    return [_origins(settings), _proxies(settings)]


def check_public_url(url: str, settings: Settings) -> list[CheckResult]:
    """What a client of `https://chat.example.com` finds."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [CheckResult("public address", f"{url!a} is none: write https://chat.example.com")]
    findings = []
    if parts.scheme == "https":
        findings.append(_certificate(parts.hostname, parts.port or 443))
    try:
        status = _ask(url, "GET", "/readyz").status
    except OSError as error:  # ssl.SSLError is one
        return [*findings, CheckResult("public address", f"{url} does not answer ({error}): see the web server's log")]
    mend = f"{url}/readyz answers {status}: the web server does not reach cloudchat, or it is not ready; see both logs"
    findings.append(CheckResult(f"public address {url}", None if status == 200 else mend))
    if status == 200:
        findings.append(_truth_of_forwarded_addresses(url, settings))
    return findings


def _origins(settings: Settings) -> CheckResult:
    if settings.on_loopback or settings.origins:
        return CheckResult("allowed origins")
    return CheckResult(
        "allowed origins", "no page may use this server: set CLOUDCHAT_ALLOWED_ORIGINS=https://your.domain"
    )


def _proxies(settings: Settings) -> CheckResult:
    """Whom to believe about who asks: neither everybody, nor nobody behind a proxy."""
    networks = [ipaddress.ip_network(proxy) for proxy in settings.trusted_proxies]
    if any(network.prefixlen == 0 for network in networks):
        return CheckResult("trusted proxies", "everybody is: any client could say that it is another; name the proxies")
    pages_elsewhere = any(origin.startswith("https:") for origin in settings.allowed_origins)
    if settings.on_loopback and pages_elsewhere and not networks:
        return CheckResult(
            "trusted proxies",
            "all clients count as one, the proxy in front: set CLOUDCHAT_TRUSTED_PROXIES=127.0.0.1,::1, unless it "
            "speaks to cloudchat over a unix socket",
        )
    return CheckResult(f"trusted proxies: {', '.join(map(str, networks)) or 'none'}")


def _certificate(domain: str, port: int) -> CheckResult:
    name = f"certificate of {domain}"
    try:
        kept_here = kept_chain(domain).exists()
    except PermissionError:
        kept_here = False
    if kept_here:
        return CheckResult(name, certificate_problem(domain, address=(domain, port)))
    try:
        served = served_certificate(domain, (domain, port))
    except CertificateUnreadable as problem:
        return CheckResult(name, str(problem))
    name = f"{name}, good until {served.not_after:%Y-%m-%d}"
    if datetime.now(UTC) >= served.overdue_at:
        return CheckResult(name, "it was not renewed in time: journalctl -u certbot-renew")
    return CheckResult(name)


def _truth_of_forwarded_addresses(url: str, settings: Settings) -> CheckResult:
    """Ask as a client would who lies about its address, and see under which address that was counted.

    The address is of a network that is kept for documentation (RFC 3849), and new each time: nobody has it, so nobody's
    allowance is used up, and a count under it can only be this one.
    """
    name = "a client's own word for its address"
    store = store_url(settings)
    if store is None:
        return CheckResult(f"{name}: not tried, the store does not run")
    network = f"2001:db8:{secrets.randbelow(0xEFFF) + 0x1000:x}:{secrets.randbelow(0xEFFF) + 0x1000:x}"
    lie = f"{network}::1"
    headers = {"X-Forwarded-For": lie, "X-Real-IP": lie, "Forwarded": f'for="[{lie}]"'}
    try:
        status = _ask(url, "POST", "/api/auth/refresh", headers, {"refresh_token": "A" * 43}).status
        believed = holds_key_like(store, network)
    except (OSError, StoreUnusable) as problem:
        return CheckResult(f"{name}: not tried, {problem}")
    if believed is None or status not in (401, 429):
        return CheckResult(f"{name}: not known, the answer was {status}, or the store has too many keys to look")
    mend = (
        "it is believed: let the proxy in front set X-Forwarded-For to the address it sees, not add to it, and name "
        "only that proxy in CLOUDCHAT_TRUSTED_PROXIES"
    )
    return CheckResult(f"{name} is not believed" if not believed else name, mend if believed else None)


def _ask(
    url: str, method: str, path: str, headers: dict[str, str] | None = None, body: object = None
) -> http.client.HTTPResponse:
    """One request of this machine, whose certificate is checked as a browser does. Raises OSError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(host, parts.port, timeout=_SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    )
    try:
        sent = {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {}
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=sent)
        response = connection.getresponse()
        response.read(65536)
    except http.client.HTTPException as error:
        raise OSError(f"no answer of a web server: {error!r}") from error
    finally:
        connection.close()
    return response
