"""User accounts for tests, created over HTTP."""

import secrets
from dataclasses import dataclass

import httpx

# Plain http: verify=False saves loading the certificates, a tenth of a second per client.
PASSWORD = "five purple kettles sing"


@dataclass
class Account:
    """A signed-in user."""

    url: str
    user_id: str
    name: str
    access_token: str
    password: str
    http: httpx.Client
    """A client with the refresh cookie, which sends the access token with every request."""

    @property
    def cookie(self) -> str:
        """The name of the refresh cookie. It differs between installations."""
        [name] = {cookie.name for cookie in self.http.cookies.jar if "cloudchat-refresh" in cookie.name}
        return name


def register(url: str, name: str | None = None, password: str = PASSWORD) -> Account:
    """Register a user, by default with a random name, and sign in. Raises `httpx.HTTPStatusError`."""
    name = name or f"user-{secrets.token_hex(4)}"
    response = httpx.post(
        f"{url}/api/auth/register", json={"username": name, "password": password}, timeout=20, verify=False
    )
    response.raise_for_status()
    return login(url, name, password)


def login(url: str, name: str, password: str = PASSWORD) -> Account:
    """Sign in. Raises `httpx.HTTPStatusError`."""
    http = httpx.Client(base_url=url, timeout=20, verify=False)
    response = http.post("/api/auth/login", json={"username": name, "password": password})
    response.raise_for_status()
    body = response.json()
    http.headers["Authorization"] = f"Bearer {body['access_token']}"
    return Account(url, body["user"]["id"], body["user"]["name"], body["access_token"], password, http)
