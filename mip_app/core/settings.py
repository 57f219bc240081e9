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
    blobs_url: str = Field("", description="Empty: a folder in the data folder. Else file:///… or s3://…")
    s3_access_key: str = Field(
        "", description="S3: id of the access key; empty: a role or profile of the machine"
    )
    s3_secret_key: SecretStr = Field(SecretStr(""), description="S3: its secret")
    s3_seconds: float = Field(3.0, gt=0, description="S3: how long it may be silent before it counts as away")
    s3_region: str = Field("us-east-1", description="S3: the region that requests are signed for")
    redis_url: str = Field("", description="Empty: bus and tab state in this process. Else redis://…")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Master key; empty: a file of mode 0600 in the data folder"
    )
    trusted_proxies: int = Field(0, ge=0, description="How many proxies in front add to X-Forwarded-For")
    secure_cookies: bool = Field(False, description="True behind HTTPS: cookies are sent over TLS only")

    hosts: str = Field(
        "", description="Names the pages are asked for by, with commas; empty: any (docs/operations.md)"
    )
    x_accel: str = Field(
        "", description="The proxy's internal location for blobs: it sends frames (docs/operations.md)"
    )
    x_accel_bytes: int = Field(
        20 * 1024**3, ge=0, description="Most bytes of frames cut out for the proxy; the oldest used go first"
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
    sign_in_attempts: int = Field(
        5,
        ge=1,
        description="Wrong passwords in a row for one account from one address, or from a known device",
    )
    sign_in_attempts_account: int = Field(
        20,
        ge=1,
        description="Wrong passwords for one account from everywhere; then only devices that it knows go on",
    )
    sign_in_attempts_address: int = Field(
        50,
        ge=1,
        description="Wrong passwords from one address for all accounts; behind proxies set MIP_TRUSTED_PROXIES",
    )
    sign_in_wait_minutes: int = Field(
        15,
        ge=1,
        description="The time in which wrong passwords are counted, and how long to wait after too many",
    )
    known_device_days: int = Field(
        180, ge=1, description="A device is forgotten after so many days without a sign-in on it"
    )
    password_checks: int = Field(
        2, ge=1, description="How many passwords are checked at the same time; each takes 64 MB and a core"
    )
    password_checks_waiting: int = Field(
        50, ge=0, description="How many more wait for their turn; beyond that sign-in answers 503"
    )
    qr_seconds: int = Field(120, ge=10, description="How long a QR code for signing in can be used")
    qr_codes_address: int = Field(
        60, ge=1, description="QR codes for one address within MIP_SIGN_IN_WAIT_MINUTES"
    )
    external_starts_address: int = Field(
        600,
        ge=1,
        description="Starts through WeChat and WeCom from one address within MIP_SIGN_IN_WAIT_MINUTES",
    )

    public_url: str = Field(
        "", description="What browsers call this server, https://…; empty: the host that each request names"
    )
    wechat_app_id: str = Field("", description="WeChat open platform, website application; empty: no WeChat")
    wechat_app_secret: SecretStr = Field(SecretStr(""), description="Its secret")
    wechat_official_app_id: str = Field(
        "", description="Official account of the same open platform account, to sign in inside WeChat"
    )
    wechat_official_app_secret: SecretStr = Field(SecretStr(""), description="Its secret")
    wechat_scope: str = Field(
        "snsapi_userinfo",
        description="What is asked inside WeChat; snsapi_base asks nothing, knows no unionid",
    )
    wechat_is_enough: bool = Field(False, description="True: WeChat stands for the second factor too")
    wecom_corp_id: str = Field("", description="WeCom, the company's id; empty: no WeCom")
    wecom_agent_id: str = Field("", description="The id of its self-built application")
    wecom_secret: SecretStr = Field(SecretStr(""), description="The secret of that application")
    wecom_is_enough: bool = Field(False, description="True: WeCom stands for the second factor too")
    wechat_open_url: str = Field("https://open.weixin.qq.com", description="Where browsers authorise")
    wechat_api_url: str = Field("https://api.weixin.qq.com", description="WeChat's interface")
    wecom_login_url: str = Field("https://login.work.weixin.qq.com", description="WeCom's sign-in on the PC")
    wecom_api_url: str = Field("https://qyapi.weixin.qq.com", description="WeCom's interface")
    outside_seconds: float = Field(4.0, gt=0, description="How long WeChat and WeCom may take to answer")
    sms_url: str = Field(
        "",
        pattern=r"^(|outbox|tencent(\+http)?://[^/]+/?)$",
        description="Empty: messages wait for `mip outbox`. Else tencent://sms.tencentcloudapi.com",
    )
    sms_secret_id: str = Field("", description="Tencent Cloud: SecretId of an API key")
    sms_secret_key: SecretStr = Field(SecretStr(""), description="Tencent Cloud: its SecretKey")
    sms_app_id: str = Field("", description="Tencent Cloud SMS: SmsSdkAppId")
    sms_sign_name: str = Field("", description="Tencent Cloud SMS: the approved signature, without brackets")
    sms_region: str = Field("ap-guangzhou", description="Tencent Cloud: the region that sends")
    sms_templates: dict[str, str] = Field(
        {}, description='Approved template of each message: {"code.bind": "1234567", …}'
    )
    sms_echo: bool = Field(
        False, description="True: waiting messages are said on the console, as in the demo"
    )
    codes_per_address: int = Field(20, description="Most codes by phone that one address asks for in an hour")

    job_threads: int = Field(4, ge=1, description="How many jobs one process runs at the same time")
    job_lease_seconds: float = Field(
        15, gt=0, description="A job whose process gave no sign for so long is taken up again"
    )
    dimse_local_nodes: bool = Field(
        False, description="True: images may be sent to nodes on this machine (tests, demo)"
    )
    dimse_find_most: int = Field(5000, ge=1, description="Most answers to one search by DIMSE (C-FIND)")
    dimse_send_seconds: float = Field(
        30, gt=0, description="How long a node may take to accept, and to acknowledge one image"
    )
    dimse: bool = Field(True, description="False: `mip run` and `mip demo` take no images by DIMSE")
    dimse_ae_title: str = Field("MIP", min_length=1, max_length=16, description="What modalities call us")
    dimse_port: int = Field(
        11112,
        ge=1,
        le=65535,
        description="Port for DIMSE; when it is taken the next free one is used and said",
    )
    dimse_tls_cert: str = Field("", description="PEM file of a certificate; empty: no DIMSE by TLS")
    dimse_tls_key: str = Field("", description="PEM file of its key")
    dimse_tls_ca: str = Field(
        "",
        description="PEM file; callers must have a certificate signed by one of these, nodes that we call too",
    )
    dimse_tls_port: int = Field(2762, ge=1, le=65535, description="Port for DIMSE by TLS, beside the other")
    dimse_workers: int = Field(2, ge=1, le=64, description="Processes that take images by DIMSE")
    dimse_associations: int = Field(
        50, ge=1, le=1000, description="Most associations at the same time, in all"
    )
    dimse_associations_node: int = Field(20, ge=1, description="Most associations of one node")
    dimse_idle_seconds: int = Field(
        60, ge=1, description="An association on which nothing is said for so long is aborted"
    )

    max_file_bytes: int = Field(4 * 1024**3, description="Largest single file taken in")
    max_archive_bytes: int = Field(64 * 1024**3, description="Most bytes one archive may unpack to")
    max_archive_entries: int = Field(100_000, description="Most entries in one archive")
    max_uploads: int = Field(
        50, ge=1, description="Uploads that one person has begun and not ended; each is kept for a day"
    )
    max_upload_bytes: int = Field(
        128 * 1024**3, description="Bytes that one person has promised in uploads that have not ended"
    )
    max_archive_ratio: int = Field(
        200,
        description="Most an archive, an entry of it or a packed body may unpack to, as a multiple of its packed size",
    )

    max_archive_ratio_from: int = Field(
        64 * 1024**2, ge=0, description="What unpacks to no more bytes than this may grow as it likes"
    )
    max_directory_bytes: int = Field(
        64 * 1024**2, ge=0, description="Largest directory of a zip, and largest DICOMDIR that is read"
    )
    max_elements: int = Field(
        300_000, ge=1, description="Most data elements and items of sequences in one file"
    )
    max_nesting: int = Field(64, ge=0, le=100, description="How deep sequences of one file may be nested")
    max_fragments: int = Field(500_000, ge=1, description="Most fragments of encapsulated pixel data")
    max_inflated_bytes: int = Field(
        512 * 1024**2, ge=1, description="Most bytes that a deflated data set may grow to"
    )

    delete_wait_hours: int = Field(
        24,
        ge=0,
        description="A deletion is confirmed by another administrator, or after so many hours by whoever asked",
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
