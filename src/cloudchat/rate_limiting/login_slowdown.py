"""Guessing is slow, and nobody can keep the owner of an account out by guessing at it (ASVS 6.1.1, 6.3.1).

Failures are counted by account and client network: whoever guesses waits, longer and longer, and only there. Guesses
spread over many networks meet a second, much laxer count by account alone. It holds only networks from which the
account never signed in, so the owner's usual places stay open. Accounts that do not exist are counted all the same: the
answer must not tell which do.
"""

import logging

from cloudchat.auth.errors import TooManyAttempts
from cloudchat.auth.vault import Vault
from cloudchat.core.client_network import client_network
from cloudchat.core.log_rate_limit import RATE_LIMITED
from cloudchat.rate_limiting.shared_window import SharedWindow
from cloudchat.settings import Settings

log = logging.getLogger("cloudchat.auth")


class LoginSlowdown:
    """Call in this order for each login: `admit`, then `failed`; or `admit_code`, then `wrong_code` or `succeeded`."""

    def __init__(self, counters: SharedWindow, vault: Vault, settings: Settings) -> None:
        self._counters = counters
        self._vault = vault
        self._per_client = settings.login_failures_per_client
        self._per_account = settings.login_failures_per_account
        self._codes = settings.code_failures_per_account

    def admit(self, account: str, address: str, *, known: bool) -> None:
        """Count an attempt. `account` is a username's key; `known`: it signed in from there before.

        Raises TooManyAttempts.

        Counted before the password is looked at, so that guesses at once are not all let through by the same count.
        """
        wait = self._counters.count(self._per_client, self._client(account, address))
        if not known:
            wait = max(wait, self._counters.wait(self._per_account, self._account(account)))
        self._demand(wait, address)

    def failed(self, account: str) -> None:
        """The password was wrong."""
        self._counters.count(self._per_account, self._account(account))

    def admit_code(self, account: str, address: str, *, known: bool) -> None:
        """The password was right, and a second factor comes. Raises TooManyAttempts."""
        if not known:
            self._demand(self._counters.wait(self._codes, self._account(account)), address)

    def wrong_code(self, account: str) -> None:
        """The second factor was wrong: somebody has the password, and perhaps nothing else."""
        self._counters.count(self._codes, self._account(account))

    def succeeded(self, account: str, address: str) -> None:
        """The client's failures are forgotten; those of others are not."""
        self._counters.forget(self._per_client, self._client(account, address))

    def _demand(self, wait: float, address: str) -> None:
        if wait:
            log.warning("login slowed down address=%s seconds=%d", address, round(wait), extra=RATE_LIMITED)
            raise TooManyAttempts(wait)

    def _client(self, account: str, address: str) -> str:
        return f"{self._account(account)}@{client_network(address)}"

    def _account(self, account: str) -> str:
        # People type their password into the wrong field: no name goes to the store as it was typed.
        return self._vault.pseudonym(account)
