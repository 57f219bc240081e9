"""A real S3 server for tests: OpenStack Swift with its s3api, as four processes in a temporary folder."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

USER, KEY = "test:mip", "a-key-of-the-tests"
RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, *ports = sys.argv[1:]
for name, port in zip(("account", "container", "object"), ports):
    builder = RingBuilder(1, 1, 1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
                     "device": "disk", "weight": 1, "replication_ip": "127.0.0.1", "replication_port": int(port)})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
"""
SERVER = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
log_level = ERROR
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = catch_errors healthcheck cache listing_formats s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 10
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{nobody}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_mip = {key} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class CannotStart(Exception):
    pass


@dataclass
class Swift:
    """`stop` is a machine that died (SIGKILL), `start` brings it back with what it had on its disk."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    def prepare(self) -> None:
        (self.folder / "devices/disk").mkdir(parents=True)
        self.ports = dict(zip(("account", "container", "object", "proxy", "nobody"), _ports(5), strict=True))
        hash_path = "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
        (self.folder / "swift.conf").write_text(
            hash_path + "[storage-policy:0]\nname = all\ndefault = yes\n[swift-constraints]\n"
        )
        for kind in ("account", "container", "object"):
            text = SERVER.format(port=self.ports[kind], folder=self.folder, kind=kind)
            (self.folder / f"{kind}.conf").write_text(text)
        proxy = PROXY.format(
            port=self.ports["proxy"], folder=self.folder, key=KEY, nobody=self.ports["nobody"]
        )
        (self.folder / "proxy.conf").write_text(proxy)
        made = subprocess.run(
            [sys.executable, "-c", RINGS, self.folder, *map(str, list(self.ports.values())[:3])],
            capture_output=True,
            env=self._environment(),
        )
        if made.returncode:
            raise CannotStart(made.stderr.decode()[-500:])

    def start(self) -> None:
        for kind in ("account", "container", "object", "proxy"):
            with (self.folder / f"{kind}.log").open("ab") as log:
                self.processes[kind] = subprocess.Popen(
                    [Path(sys.executable).with_name(f"swift-{kind}-server"), self.folder / f"{kind}.conf"],
                    stdout=log,
                    stderr=log,
                    env=self._environment(),
                    start_new_session=True,
                )
        self._wait()

    def stop(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SWIFT_CONF_FILE": str(self.folder / "swift.conf"), "PYTHONWARNINGS": "ignore"}

    def _wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        for kind in ("account", "container", "object", "proxy"):
            while not self._answers(kind):
                if time.monotonic() > end or self.processes[kind].poll() is not None:
                    said = (self.folder / f"{kind}.log").read_text("utf-8", "replace")
                    self.stop()
                    raise CannotStart(f"{kind}: {said[-800:]}")
                time.sleep(0.05)

    def _answers(self, kind: str) -> bool:
        try:
            if kind == "proxy":
                with urlopen(f"{self.endpoint}/healthcheck", timeout=2) as answer:
                    return bool(answer.status == 200)
            socket.create_connection(("127.0.0.1", self.ports[kind]), 1).close()
        except OSError:
            return False
        return True


def _ports(number: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
