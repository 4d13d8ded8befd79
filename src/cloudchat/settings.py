"""Every setting, once, with its unit and its default. Loaded by app, cli and alembic only."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from cloudchat.credentials import read_credentials

RegistrationMode = Literal["open", "invite", "closed"]
LogFormat = Literal["text", "json"]

# Checked here, because the limiter takes a rate that it can't read for none at all.
_RATE = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
_RATES = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)(;[1-9][0-9]{0,8}/(second|minute|hour|day)){0,3}$"


class Settings(BaseSettings):
    """The environment's `CLOUDCHAT_*` variables, and systemd's credentials for what they don't set, checked.

    Raises `pydantic.ValidationError`, which names the variable, and `CredentialError`.
    """

    model_config = SettingsConfigDict(env_prefix="CLOUDCHAT_", frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the listening socket.")
    state_dir: Path = Field(Path("./var"), description="Folder of everything the server keeps; mode 0700.")
    redis_url: SecretStr | None = Field(
        None, description="redis://, rediss:// or unix://; unset starts the embedded store."
    )
    database_url: SecretStr | None = Field(None, description="SQLAlchemy URL; unset is SQLite in the state folder.")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated exact origins of pages that may use the API; unset on loopback: the server's own.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses or networks of proxies whose X-Forwarded-For and -Proto are believed.",
    )
    registration: RegistrationMode | None = Field(
        None, description="open, invite or closed; unset is open on loopback for its own pages, else invite."
    )
    history_messages: int = Field(10_000, ge=1, le=10_000_000, description="Events kept per room.")
    access_token_seconds: int = Field(600, ge=5, le=3600, description="Life of an access token.")
    refresh_idle_seconds: int = Field(14 * 86400, ge=60, description="A session unused for so long ends.")
    refresh_absolute_seconds: int = Field(90 * 86400, ge=60, description="A session ends after so long, used or not.")
    refresh_grace_seconds: float = Field(
        10, ge=0, le=60, description="So long a used refresh token gets another successor: the answer may be lost."
    )
    heartbeat_seconds: int | float = Field(25, ge=0.2, le=300, description="Seconds between two heads of a room.")
    sends_per_10s: int = Field(20, ge=1, description="Messages one socket may send in 10 seconds.")
    sockets_per_user: int = Field(10, ge=1, description="Sockets of one user; above, the oldest goes.")
    sockets_per_address: int = Field(100, ge=1, description="Sockets from one address (IPv6: /64).")
    sockets_in_total: int = Field(20_000, ge=1, description="Sockets in one process.")
    ping_seconds: float = Field(
        20, ge=1, le=300, description="A socket is pinged so often, and cut when it has not answered for so long."
    )
    outbox_bytes: int = Field(
        1 << 20, ge=1 << 17, description="Unsent bytes a socket may have waiting; above, it is closed with 4408."
    )
    login_rate: str = Field("60/minute", pattern=_RATE, description="Logins, and password changes, from one address.")
    register_rate: str = Field("60/minute", pattern=_RATE, description="Registrations from one address.")
    refresh_rate: str = Field("120/minute", pattern=_RATE, description="Refreshes and logouts from one address.")
    account_rate: str = Field("600/minute", pattern=_RATE, description="Other account requests from one address.")
    connect_rate: str = Field("600/minute", pattern=_RATE, description="Sockets opened from one address.")
    connect_user_rate: str = Field("120/minute", pattern=_RATE, description="Sockets opened by one user.")
    admin_rate: str = Field("300/minute", pattern=_RATE, description="Administrators' requests from one address.")
    login_failures_per_client: str = Field(
        "5/minute;20/hour;60/day",
        pattern=_RATES,
        description="Failed logins to one account from one address; above, that address waits.",
    )
    login_failures_per_account: str = Field(
        "100/hour;500/day",
        pattern=_RATES,
        description="Failed logins to one account; above, addresses wait that it never signed in from.",
    )
    code_failures_per_account: str = Field(
        "10/hour;30/day",
        pattern=_RATES,
        description="Wrong codes after a right password; above, addresses wait that the account never signed in from.",
    )
    require_admin_2fa: bool | None = Field(
        None,
        description="Whether administrators need a second factor; unset is no on loopback for its own pages, else yes.",
    )
    audit_days: int = Field(
        365,
        ge=1,
        le=36500,
        description="So long audit entries are kept, and sessions, invites and API tokens after their end.",
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port of /metrics, on this machine's loopback alone; unset is off."
    )
    trace_ratio: float = Field(
        0, ge=0, le=1, description="Share of messages whose path is traced by OpenTelemetry; see the OTEL_* variables."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: LogFormat | None = Field(
        None, description="text, or json (one object a line); unset is text on loopback and json elsewhere."
    )

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip())
        if isinstance(value, tuple):
            for origin in value:
                urlsplit(origin)  # a ValueError names what is none
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _check_proxies(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(proxy.strip() for proxy in value.split(",") if proxy.strip())
        if isinstance(value, tuple):
            for proxy in value:
                ipaddress.ip_network(proxy)  # a ValueError names what is none; a name in a list would trust nobody
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then $CREDENTIALS_DIRECTORY."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        found = read_credentials(Path(folder), cls.model_fields) if folder else {}
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=dict(found))

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the socket that the server listens on."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def open_to_strangers(self) -> bool:
        """Whether anybody may come from outside; on loopback through a proxy, of which only its pages tell."""
        return not self.on_loopback or any(
            urlsplit(origin).hostname not in ("localhost", "127.0.0.1", "::1") for origin in self.allowed_origins
        )

    @property
    def registration_mode(self) -> RegistrationMode:
        """Who may register: strangers only where no stranger can come from outside."""
        return self.registration or ("invite" if self.open_to_strangers else "open")

    @property
    def admins_need_second_factor(self) -> bool:
        """Whether an administrator without a second factor may not administer."""
        return self.open_to_strangers if self.require_admin_2fa is None else self.require_admin_2fa

    @property
    def log_format_in_force(self) -> LogFormat:
        """Lines for people where people try it out, lines for machines where it serves."""
        return self.log_format or ("text" if self.on_loopback else "json")

    @property
    def database(self) -> SecretStr:
        """The SQLAlchemy URL in force."""
        return self.database_url or SecretStr(f"sqlite:///{self.state_dir.absolute() / 'cloudchat.db'}")

    @property
    def origins(self) -> frozenset[str]:
        """The exact origins that pages may have. On loopback the server's own, by each of its names."""
        if self.allowed_origins or not self.on_loopback:
            return frozenset(self.allowed_origins)
        return frozenset(f"http://{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]"))
