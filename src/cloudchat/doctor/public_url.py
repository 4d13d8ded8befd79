"""The checks of everything between the server and its users: allowed origins, proxies, TLS, forwarded addresses."""

import base64
import http.client
import ipaddress
import json
import secrets
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cloudchat.core.origin import InvalidOrigin, Origin, unencrypted_problem
from cloudchat.doctor.certificate import (
    CertificateUnreadable,
    certificate_problem,
    installed_chain,
    served_certificate,
)
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.store import has_field, store_url
from cloudchat.doctor.store_requirements import StoreUnusable
from cloudchat.rate_limiting.http_limits import stored_request_count
from cloudchat.settings import Settings

_TIMEOUT_SECONDS = 5.0
_MAX_TRIED_ORIGINS = 8
_REFRESH = "cloudchat.auth.sessions.routes.refresh"
"""The function of the route that is requested, as it is counted."""


def check_origins_and_proxies(settings: Settings) -> list[CheckResult]:
    """Check the settings that say which pages and which proxies the server trusts."""
    return [_check_origins(settings), _check_proxies(settings)]


def check_public_url(url: str, settings: Settings, page: str | None = None) -> list[CheckResult]:
    """Check what a client of a URL such as `https://chat.example.com` gets.

    `page` is the origin of the page if it is on another host than the server.
    """
    try:
        server = Origin.parse(url)
        pages = [str(Origin.parse(page)) if page else str(server)]
    except InvalidOrigin as error:
        return [CheckResult("public URL", f"{error}. cloudchat cannot be served below a path")]
    url, parts = str(server), urlsplit(str(server))
    results = []
    if parts.scheme == "https":
        results.append(_check_certificate(server.host, parts.port or 443))
    try:
        response, body = _request_with_body(url, "GET", "/readyz")
    except OSError as error:  # includes ssl.SSLError
        return [*results, CheckResult("public URL", f"{url} does not answer ({error}): see the web server's log")]
    status = response.status
    problem = f"{url}/readyz answers {status}: cloudchat is not ready, or the proxy cannot reach it; see both logs"
    results.append(CheckResult(f"public URL {url}", None if status == 200 else problem))
    if status == 200:
        pages += settings.allowed_origins[:_MAX_TRIED_ORIGINS]
        results += [_check_origin(url, origin, settings) for origin in dict.fromkeys(pages)]
        results += [_check_proxy_warning(body), _check_upgrade(url), _check_forwarded_address(url, settings)]
    return results


def _check_proxy_warning(body: bytes) -> CheckResult:
    """Check what cloudchat says of the client address with which this request came through the proxy."""
    name = "client address"
    try:
        warnings = json.loads(body).get("warnings", {})
        warning = warnings.get("proxy")
    except (ValueError, AttributeError):
        return CheckResult(f"{name}: not tested, /readyz did not answer in JSON")
    if warning is None:
        return CheckResult(name)
    return CheckResult(name, f"{warning}: configure the proxy to set X-Forwarded-For to the client's address")


def _check_upgrade(url: str) -> CheckResult:
    """Send a WebSocket handshake without a token: 401 shows that it has arrived as a handshake."""
    name = "WebSocket handshake"
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": "cloudchat.v1",
    }
    try:
        response, body = _request_with_body(url, "GET", "/ws", headers)
    except OSError as error:
        return CheckResult(name, f"{url}/ws does not answer ({error}): see the web server's log")
    if response.status == 401:
        return CheckResult(name)
    if response.status == 426:
        try:
            message = str(json.loads(body)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            message = "the handshake arrived without Connection: Upgrade and Upgrade: websocket"
        return CheckResult(name, f"the page cannot connect: {message}")
    return CheckResult(
        name,
        f"{url}/ws answers {response.status} instead of 401: the proxy must pass /ws on to cloudchat with the headers "
        "Connection: Upgrade and Upgrade: websocket, with HTTP/1.1",
    )


def _check_origins(settings: Settings) -> CheckResult:
    if not settings.origins:
        return CheckResult(
            "allowed origins", "no page may use this server: set CLOUDCHAT_ALLOWED_ORIGINS=https://your.domain"
        )
    name = f"allowed origins: {', '.join(sorted(settings.origins))}"
    return CheckResult(name, unencrypted_problem(settings.origins))


def _check_origin(url: str, origin: str, settings: Settings) -> CheckResult:
    """Send a request as a page of this origin does, and look whether the server reads and accepts its `Origin`."""
    name = f"sign-in from a page of {origin}"
    try:
        answer = _request(url, "POST", "/api/auth/refresh", {"Origin": origin}, {"refresh_token": "A" * 43})
    except OSError as error:
        return CheckResult(name, f"the request failed ({error}): see the web server's log")
    if answer.status == 403:
        allowed = ",".join(settings.allowed_origins) or "not set"
        return CheckResult(
            name,
            f"it is refused: add {origin} to CLOUDCHAT_ALLOWED_ORIGINS ({allowed}) and restart the server; if the page "
            "is on another host, name it with --page",
        )
    if answer.status != 401:
        return CheckResult(f"{name}: unknown, the answer was {answer.status}")
    if answer.getheader("Access-Control-Allow-Origin") != origin:
        return CheckResult(name, "the header Origin does not arrive: configure the proxy to pass it on unchanged")
    return CheckResult(name)


def _check_proxies(settings: Settings) -> CheckResult:
    """Check that the server trusts X-Forwarded-For if it comes from the proxy, and from no other address."""
    networks = [ipaddress.ip_network(proxy) for proxy in settings.trusted_proxies]
    if any(network.prefixlen == 0 for network in networks):
        return CheckResult(
            "trusted proxies", "every address is trusted, so any client can forge its address: list only the proxies"
        )
    has_public_page = any(origin.startswith("https:") for origin in settings.allowed_origins)
    if settings.on_loopback and has_public_page and not networks:
        return CheckResult(
            "trusted proxies",
            "all clients count as one, the proxy: set CLOUDCHAT_TRUSTED_PROXIES=127.0.0.1,::1, unless the proxy "
            "connects to cloudchat over a unix socket",
        )
    return CheckResult(f"trusted proxies: {', '.join(map(str, networks)) or 'none'}")


def _check_certificate(domain: str, port: int) -> CheckResult:
    name = f"certificate of {domain}"
    try:
        is_installed_here = installed_chain(domain).exists()
    except PermissionError:
        is_installed_here = False
    if is_installed_here:
        return CheckResult(name, certificate_problem(domain, address=(domain, port)))
    try:
        served = served_certificate(domain, (domain, port))
    except CertificateUnreadable as error:
        return CheckResult(name, str(error))
    name = f"{name}, valid until {served.not_after:%Y-%m-%d}"
    if datetime.now(UTC) >= served.overdue_at:
        return CheckResult(name, "it was not renewed in time: journalctl -u certbot-renew")
    return CheckResult(name)


def _check_forwarded_address(url: str, settings: Settings) -> CheckResult:
    """Send a request with a forged client address, and look for a rate limit counter under that address.

    The address is new each time, in the network that is reserved for documentation (RFC 3849). No client can have it:
    so the request uses up no client's rate limit, and a counter under the address can only come from this request. The
    server must have the same CLOUDCHAT_REFRESH_RATE.
    """
    name = "forged client address"
    store = store_url(settings)
    if store is None:
        return CheckResult(f"{name}: not tested, the store is not running")
    network = f"2001:db8:{secrets.randbelow(0xEFFF) + 0x1000:x}:{secrets.randbelow(0xEFFF) + 0x1000:x}"
    address = f"{network}::1"
    headers = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f'for="[{address}]"'}
    try:
        status = _request(url, "POST", "/api/auth/refresh", headers, {"refresh_token": "A" * 43}).status
        is_believed = has_field(store, *stored_request_count(f"{network}::/64", settings.refresh_rate, _REFRESH))
    except (OSError, StoreUnusable) as error:
        return CheckResult(f"{name}: not tested, {error}")
    if status not in (401, 429):
        return CheckResult(f"{name}: unknown, the answer was {status}")
    if not is_believed:
        return CheckResult(f"{name} is ignored")
    return CheckResult(
        name,
        "it is believed: configure the proxy to set X-Forwarded-For to the address that it sees, not to append to it, "
        "and list only that proxy in CLOUDCHAT_TRUSTED_PROXIES",
    )


def _request(
    url: str, method: str, path: str, headers: dict[str, str] | None = None, body: object = None
) -> http.client.HTTPResponse:
    """Return the response without its body; see `_request_with_body`. Raises OSError."""
    return _request_with_body(url, method, path, headers, body)[0]


def _request_with_body(
    url: str, method: str, path: str, headers: dict[str, str] | None = None, body: object = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send one request from this machine, and verify the certificate as a browser does. Raises OSError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_SECONDS)
    )
    all_headers = dict(headers or {})
    if body is not None:
        all_headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=all_headers)
        response = connection.getresponse()
        content = response.read(65536)
    except http.client.HTTPException as error:
        raise OSError(f"the answer is not HTTP: {error!r}") from error
    finally:
        connection.close()
    return response, content
