"""All settings in one object, read from MIP_* variables. A URL chooses each part of the machinery."""

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MIP_", extra="ignore")

    host: str = Field(
        "0.0.0.0", description="Address to listen on; the default serves phones in the same network"
    )
    port: int = Field(
        3000, ge=1, le=65535, description="Port; when it is taken the next free one is used and said"
    )
    data_dir: Path = Field(Path("data"), description="Everything the embedded default stores")
    database_url: str = Field("", description="Empty: SQLite in the data folder. Else postgresql+psycopg://…")
    blobs_url: str = Field("", description="Empty: a folder in the data folder. Else file:///…")
    redis_url: str = Field("", description="Empty: bus and tab state in this process. Else redis://…")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Master key; empty: a file of mode 0600 in the data folder"
    )
    trusted_proxies: int = Field(0, ge=0, description="How many proxies in front add to X-Forwarded-For")
    secure_cookies: bool = Field(False, description="True behind HTTPS: cookies are sent over TLS only")

    hosts: str = Field(
        "", description="Names the pages are asked for by, with commas; empty: any (docs/operations.md)"
    )
    stall_seconds: int = Field(
        20, ge=1, description="A connection that neither sends nor takes for so long is closed"
    )
    sockets_per_sign_in: int = Field(50, ge=1, description="Most tabs that one sign-in has open")
    connections_per_address: int = Field(
        200, ge=1, description="Most pages and requests that one address has open without being signed in"
    )

    session_idle_hours: int = Field(12, description="A sign-in ends after so many hours without any activity")
    session_hours: int = Field(
        12, description="A sign-in that is not kept on its device ends after so many hours"
    )
    session_days: int = Field(7, description="A sign-in kept on this device ends after so many days")
    admin_idle_minutes: int = Field(
        15, description="A sign-in to the administration ends after so many minutes without any activity"
    )
    admin_second_factor: bool = Field(False, description="True: the administration needs a second factor")
    sign_in_attempts: int = Field(5, description="Wrong passwords for one account before it has to wait")
    sign_in_wait_minutes: int = Field(15, description="How long it then has to wait")

    max_file_bytes: int = Field(4 * 1024**3, description="Largest single file taken in")
    max_archive_bytes: int = Field(64 * 1024**3, description="Most bytes one zip may unpack to")
    max_archive_entries: int = Field(100_000, description="Most entries in one zip")
    max_archive_ratio: int = Field(
        200, description="Most a zip entry may unpack to, as a multiple of its packed size"
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'mip.sqlite3').resolve()}"

    @property
    def blobs(self) -> str:
        return self.blobs_url or (self.data_dir / "blobs").resolve().as_uri()


@cache
def settings() -> Settings:
    return Settings()
