"""Slow password guessing down without locking the owner of an account out (ASVS 6.1.1, 6.3.1).

Failures are counted per account and client network: a client that guesses must wait, longer and longer; others do not.
Guesses that are spread over many networks are limited by a second, much higher count per account. It applies only to
networks from which the account has never signed in, so that the owner's usual networks stay open. Accounts that do not
exist are counted like others: the response must not reveal which accounts exist. But they are counted in a table of
their own: made-up names must not replace the counts of real accounts.
"""

import logging
import math
from collections.abc import Callable

from cloudchat.core.client_network import client_network
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.protocol.errors import ErrorCode, ServiceError
from cloudchat.rate_limiting.shared_window import SharedWindow
from cloudchat.settings import Settings

log = logging.getLogger("cloudchat.auth")


class TooManyAttempts(ServiceError):
    """There were too many failures, so the password or code was not checked."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, seconds_to_wait: float) -> None:
        super().__init__("too many failed attempts; wait a little")
        self.retry_after_ms = math.ceil(seconds_to_wait) * 1000


class LoginWindows:
    """Where failures are counted. Each table is bounded, and cannot push another one's counts out."""

    def __init__(self, store_url: str | None) -> None:
        self.accounts = SharedWindow(store_url, table="accounts", shards=256)
        """Per account that exists."""
        self.clients = SharedWindow(store_url, table="account-clients")
        """Per account that exists and client network."""
        self.unknown = SharedWindow(store_url, table="unknown-accounts")
        """Per name that no account has, with and without the client network."""


class LoginSlowdown:
    """Counts failed logins. For each login call `count_attempt`, then `password_failed`, or, if the password was right,
    `check_code_attempts`, then `code_failed` or `succeeded`.

    `account` is the key of a username in each of them, and `exists` says whether an account has it. `known_network`
    says that the account has signed in from there.
    """

    def __init__(self, windows: LoginWindows, pseudonym: Callable[[str], str], settings: Settings) -> None:
        self._windows = windows
        self._pseudonym = pseudonym
        self._per_client = settings.login_failures_per_client
        self._per_account = settings.login_failures_per_account
        self._codes_per_account = settings.code_failures_per_account

    def count_attempt(self, account: str, address: str, *, exists: bool, known_network: bool) -> None:
        """Count an attempt, or raise TooManyAttempts.

        Runs before the password is checked, so that simultaneous guesses are not all admitted by the same count.
        """
        clients, accounts = self._windows_of(exists)
        wait = clients.count(self._per_client, self._client_key(account, address))
        if not known_network:
            wait = max(wait, accounts.seconds_to_wait(self._per_account, self._account_key(account)))
        self._raise_if_waiting(wait, address)

    def password_failed(self, account: str, *, exists: bool) -> None:
        """Count a wrong password."""
        _, accounts = self._windows_of(exists)
        accounts.count(self._per_account, self._account_key(account))

    def check_code_attempts(self, account: str, address: str, *, known_network: bool) -> None:
        """Raise TooManyAttempts if too many wrong codes came after a right password."""
        if not known_network:
            wait = self._windows.accounts.seconds_to_wait(self._codes_per_account, self._account_key(account))
            self._raise_if_waiting(wait, address)

    def code_failed(self, account: str) -> None:
        """Count a wrong code: the client has the password, and perhaps nothing else."""
        self._windows.accounts.count(self._codes_per_account, self._account_key(account))

    def succeeded(self, account: str, address: str) -> None:
        """Clear the failures of this client; those of other clients stay."""
        self._windows.clients.clear(self._per_client, self._client_key(account, address))

    def _windows_of(self, exists: bool) -> tuple[SharedWindow, SharedWindow]:
        """Return the windows per client and those per account."""
        windows = self._windows
        return (windows.clients, windows.accounts) if exists else (windows.unknown, windows.unknown)

    def _raise_if_waiting(self, seconds: float, address: str) -> None:
        if seconds:
            log.warning("login slowed down address=%s seconds=%d", address, round(seconds), extra=RATE_LIMITED)
            raise TooManyAttempts(seconds)

    def _client_key(self, account: str, address: str) -> str:
        return f"{self._account_key(account)}@{client_network(address)}"

    def _account_key(self, account: str) -> str:
        # People type their password into the wrong field, so an entered name is never stored as it is.
        return self._pseudonym(account)
