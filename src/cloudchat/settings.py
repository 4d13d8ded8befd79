"""Every setting with its unit and default. Only app, cli and alembic load them."""

import ipaddress
import os
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from cloudchat.core.origin import Origin, parse_origins
from cloudchat.core.setting_text import normalize_rates, parse_networks, unquote
from cloudchat.credentials import read_credentials

RegistrationMode = Literal["open", "invite", "closed"]
LogFormat = Literal["text", "json"]

ENV_PREFIX = "CLOUDCHAT_"

DATABASE_FILE = "cloudchat.db"
"""The SQLite database in the state directory."""

_RATE_SETTINGS = (
    "request_rate",
    "login_rate",
    "register_rate",
    "refresh_rate",
    "account_rate",
    "connect_rate",
    "connect_user_rate",
    "admin_rate",
    "search_rate",
)
_MAX_RATES = 4
_URL_SCHEMES = {"valkey": "redis", "valkeys": "rediss", "postgres": "postgresql"}
"""Schemes of store and database URLs that have another name in the libraries."""

RENAMED = {"outbox_bytes": "send_buffer_bytes"}
"""Old name -> new name. The old name is rejected at the start, so that a configured value is not silently ignored."""


class Settings(BaseModel):
    """The `CLOUDCHAT_*` environment variables, and systemd's credentials for those that are not set, validated.

    Raises `pydantic.ValidationError`, which names the setting, and `CredentialError`.

    The package pydantic-settings would also read command lines, `.env` files and cloud services. It took 1.3 MiB of
    each process, and 25 ms of each start and of each command.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the listening socket.")
    state_dir: Path = Field(Path("./var"), description="Folder of the server's state; its mode is 0700.")
    redis_url: SecretStr | None = Field(
        None, description="redis://, rediss:// or unix://; unset starts the embedded store."
    )
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; unset is SQLite in the state directory.")
    allowed_origins: tuple[str, ...] = Field(
        (),
        description="Comma-separated exact origins of pages that may use the API; unset on loopback: the server's own.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="Comma-separated addresses or networks of proxies whose X-Forwarded-For and -Proto are trusted.",
    )
    registration: RegistrationMode | None = Field(
        None,
        description="Who may register: open (everyone), invite or closed; unset is open on loopback for pages of this "
        "machine, else invite.",
    )
    history_messages: int = Field(10_000, ge=1, le=10_000_000, description="Events kept per room.")
    retention_days: int = Field(
        0, ge=0, le=36500, description="Days after which messages are deleted everywhere; 0 keeps them for ever."
    )
    access_token_seconds: int = Field(600, ge=5, le=3600, description="Lifetime of an access token.")
    refresh_idle_seconds: int = Field(14 * 86400, ge=60, description="Time after which an unused session ends.")
    refresh_absolute_seconds: int = Field(90 * 86400, ge=60, description="Time after which every session ends.")
    refresh_grace_seconds: float = Field(
        10,
        ge=0,
        le=60,
        description="Time in which a used refresh token can be exchanged again if the response was lost.",
    )
    heartbeat_seconds: int | float = Field(
        25, ge=0.2, le=300, description="Time between two heartbeats of a room, which name its latest event."
    )
    sends_per_10s: int = Field(20, ge=1, description="Messages that one socket may send in 10 seconds.")
    sockets_per_user: int = Field(
        10, ge=1, description="Open sockets of one user; the oldest is closed when there is one more."
    )
    sockets_per_address: int = Field(1500, ge=1, description="Open sockets from one address (IPv6: /64).")
    sockets_in_total: int = Field(20_000, ge=1, description="Open sockets in one process.")
    ping_seconds: float = Field(
        20, ge=1, le=300, description="Time between two pings of a socket, and the time in which it must answer one."
    )
    send_buffer_bytes: int = Field(
        1 << 20,
        ge=1 << 17,
        description="Bytes that may wait to be sent on one socket; with more it is closed with 4408.",
    )
    request_rate: str = Field(
        "12000/minute", description="All HTTP requests from one address, also to the page and to no route."
    )
    login_rate: str = Field("180/minute", description="Logins, step-ups and password changes from one address.")
    register_rate: str = Field("60/minute", description="Registrations from one address.")
    refresh_rate: str = Field("600/minute", description="Refreshes and logouts from one address.")
    account_rate: str = Field("3000/minute", description="Other account requests from one address.")
    connect_rate: str = Field("1200/minute", description="Sockets opened from one address.")
    connect_user_rate: str = Field("120/minute", description="Sockets opened by one user.")
    admin_rate: str = Field("300/minute", description="Administrators' requests from one address.")
    search_rate: str = Field("1200/minute", description="Searches from one address.")
    login_failures_per_client: str = Field(
        "5/minute;20/hour;60/day",
        description="Failed logins to one account from one address; then that address must wait.",
    )
    login_failures_per_account: str = Field(
        "100/hour;500/day",
        description="Failed logins to one account; then addresses from which it never signed in must wait.",
    )
    code_failures_per_account: str = Field(
        "10/hour;30/day",
        description="Wrong codes after a right password; then addresses from which the account never signed in must "
        "wait.",
    )
    require_admin_2fa: bool | None = Field(
        None,
        description="Whether administrators need a second factor; unset is no on loopback for pages of this machine, "
        "else yes.",
    )
    audit_days: int = Field(
        365,
        ge=1,
        le=36500,
        description="Days for which audit entries are kept, and ended sessions, invites and API tokens.",
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port of /metrics, reachable from this machine only; unset is off."
    )
    trace_ratio: float = Field(
        0, ge=0, le=1, description="Share of messages that OpenTelemetry traces; see the OTEL_* variables."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")
    log_format: LogFormat | None = Field(
        None, description="text, or json (one object per line); unset is text on loopback and json elsewhere."
    )

    def __init__(self, **values: object) -> None:
        """Take each setting from `values`, else from the environment, else from $CREDENTIALS_DIRECTORY."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        credentials = read_credentials(Path(folder), type(self).model_fields) if folder else {}
        super().__init__(**credentials | _read_environment() | values)

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _parse_origins(cls, value: object) -> object:
        return parse_origins(value if isinstance(value, str) else " ".join(cast("tuple[str, ...]", value)))

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _parse_proxies(cls, value: object) -> object:
        return parse_networks(value if isinstance(value, str) else " ".join(cast("tuple[str, ...]", value)))

    @field_validator("host")
    @classmethod
    def _parse_host(cls, value: str) -> str:
        if "/" in value and not value.startswith("/"):  # a path is the unix socket that was inherited
            raise ValueError("write an address or a name, without http:// and without a path")
        if value.startswith("[") and value.endswith("]"):
            value = value[1:-1]
        return value if value.startswith("/") else value.lower()

    @field_validator("state_dir", mode="before")
    @classmethod
    def _parse_state_dir(cls, value: object) -> object:
        if isinstance(value, str):
            # Every path is possible. Only quotes around an absolute one are certainly not part of it.
            bare = value[1:-1] if len(value) > 2 and value[0] == value[-1] and value[0] in "\"'" else value
            value = Path(bare if bare.startswith("/") else value).expanduser()
        return value

    @field_validator("redis_url", "database_url", mode="before")
    @classmethod
    def _parse_url(cls, value: object) -> object:
        if isinstance(value, str):
            scheme, separator, rest = value.partition("://")
            scheme = scheme.lower() if separator else scheme
            value = f"{_URL_SCHEMES.get(scheme, scheme)}{separator}{rest}"
        return value

    @field_validator(*_RATE_SETTINGS)
    @classmethod
    def _parse_rate(cls, value: str) -> str:
        return normalize_rates(value, maximum=1)

    @field_validator("login_failures_per_client", "login_failures_per_account", "code_failures_per_account")
    @classmethod
    def _parse_rates(cls, value: str) -> str:
        return normalize_rates(value, maximum=_MAX_RATES)

    # Pydantic runs the `before` validator that is defined last first.
    @field_validator("*", mode="before")
    @classmethod
    def _unquote(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str) or info.field_name in (None, "state_dir", "allowed_origins", "trusted_proxies"):
            return value
        # Quotes around nothing mean the same as an empty variable: the default.
        return unquote(value) or (value and cls.model_fields[info.field_name].default)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect to the socket that the server listens on."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def publicly_reachable(self) -> bool:
        """Whether clients on other machines can reach the server.

        On loopback they can reach it through a proxy, which shows only in the origins of the allowed pages.
        """
        return not self.on_loopback or any(not Origin.parse(origin).is_loopback for origin in self.allowed_origins)

    @property
    def registration_mode(self) -> RegistrationMode:
        """Who may register: by default everyone, if no other machine can reach the server, else invited people."""
        return self.registration or ("invite" if self.publicly_reachable else "open")

    @property
    def admins_need_second_factor(self) -> bool:
        """Whether administrators without a second factor are denied the scope `admin`."""
        return self.publicly_reachable if self.require_admin_2fa is None else self.require_admin_2fa

    @property
    def log_format_in_force(self) -> LogFormat:
        """By default text for a person who tries the server out, and JSON for a service."""
        return self.log_format or ("text" if self.on_loopback else "json")

    @property
    def database(self) -> SecretStr:
        """The SQLAlchemy URL in force."""
        # `quote`: the path may have characters that end the path of a URL, or that start an escape sequence.
        return self.database_url or SecretStr(f"sqlite:///{quote(str(self.state_dir.absolute() / DATABASE_FILE))}")

    @property
    def origins(self) -> frozenset[str]:
        """The exact origins of allowed pages. By default on loopback: the server's own, by each of its names."""
        if self.allowed_origins or not self.on_loopback:
            return frozenset(self.allowed_origins)
        hosts = {"localhost", "127.0.0.1", "::1", self.host.partition("%")[0]}
        return frozenset(str(Origin("http", host, None if self.port == 80 else self.port)) for host in hosts)


def _read_environment() -> dict[str, object]:
    """Return the variables that are not empty, by the name of their setting. Upper and lower case are the same."""
    prefix = ENV_PREFIX.lower()
    variables = {name.lower(): value for name, value in os.environ.items() if value}
    return {name.removeprefix(prefix): value for name, value in variables.items() if name.startswith(prefix)}
