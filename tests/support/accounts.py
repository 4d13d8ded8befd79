"""Accounts of a test, made through the public HTTP interface."""

import secrets
from dataclasses import dataclass

import httpx

# verify=False: this is plain http, and each client would load all the machine's certificates, a tenth of a second.
PASSWORD = "five purple kettles sing"


@dataclass
class Account:
    """One signed-in user."""

    url: str
    user_id: str
    name: str
    access_token: str
    password: str
    http: httpx.Client
    """Keeps the refresh cookie, and sends the access token with every request."""


def register(url: str, name: str | None = None, password: str = PASSWORD) -> Account:
    """Register a new user and sign in. Without a name it makes one up. Raises `httpx.HTTPStatusError`."""
    name = name or f"user-{secrets.token_hex(4)}"
    answer = httpx.post(
        f"{url}/api/auth/register", json={"username": name, "password": password}, timeout=20, verify=False
    )
    answer.raise_for_status()
    return login(url, name, password)


def login(url: str, name: str, password: str = PASSWORD) -> Account:
    """Sign in. Raises `httpx.HTTPStatusError`."""
    http = httpx.Client(base_url=url, timeout=20, verify=False)
    answer = http.post("/api/auth/login", json={"username": name, "password": password})
    answer.raise_for_status()
    body = answer.json()
    http.headers["Authorization"] = f"Bearer {body['access_token']}"
    return Account(url, body["user"]["id"], body["user"]["name"], body["access_token"], password, http)
