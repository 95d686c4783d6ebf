"""What stands in for `systemctl` on a host: it starts what a unit says, confined as the unit says.

It knows ExecStart, User, Group, StateDirectory, LimitNOFILE, ProtectSystem=strict, PrivateTmp,
ProtectProc and what `confine` knows, takes all capabilities away, and forgets the rest: what only
systemd can do is checked by `systemd-analyze` in tests/deploy.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
RUNNING = Path("/run/walk")
CONFINE = Path(__file__).with_name("confine.py")

# ProtectSystem=strict, PrivateTmp=yes, ProtectProc=invisible. Arguments: what stays writable, and a
# command.
_MOUNT = """
set -eu
mount --make-rprivate /
[ -z "$1" ] || mount --bind "$1" "$1"
for place in / /etc /opt /root /usr /var; do mount -o remount,bind,ro $place; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
# A test's checkout may lie in what was just covered, and with it the interpreter.
place=$(cat /mnt/project-place)
[ -e "$place" ] || { mkdir -p "$place"; mount --bind /mnt/project "$place"; }
mount -t proc -o hidepid=invisible proc /proc
shift
exec "$@"
"""


def read_unit(name: str) -> dict[str, str]:
    text = (UNITS / f"{name}.service").read_text()
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", text))


def start(name: str) -> None:
    unit = read_unit(name)
    files = min(int(unit["LimitNOFILE"]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    state = ""
    if "StateDirectory" in unit:
        state = f"/var/lib/{unit['StateDirectory']}"
        Path(state).mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.chown(state, unit["User"], unit["Group"])
    confined = (
        "unshare", "--mount", "sh", "-c", _MOUNT, "mount", state,
        "prlimit", f"--nofile={files}",
        "setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--clear-groups",
        "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
        "python3", str(CONFINE), str(UNITS / f"{name}.service"),
    )  # fmt: skip
    RUNNING.mkdir(exist_ok=True)
    with (RUNNING / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [*confined, *unit["ExecStart"].split()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (RUNNING / f"{name}.pid").write_text(str(process.pid))


def stop(name: str) -> None:
    file = RUNNING / f"{name}.pid"
    if file.exists():
        os.kill(int(file.read_text()), signal.SIGTERM)  # KillMode=mixed: the program alone
        while is_active(name):
            time.sleep(0.05)


def reload(name: str) -> None:
    file = RUNNING / f"{name}.pid"
    os.kill(int(file.read_text()), signal.SIGHUP)


def is_active(name: str) -> bool:
    file = RUNNING / f"{name}.pid"
    if not file.exists():
        return False
    state = Path(f"/proc/{file.read_text()}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def main(arguments: list[str]) -> int:
    verb, *names = [one for one in arguments if not one.startswith("--")]
    units = [name.removesuffix(".service") for name in names]
    if verb == "is-enabled":
        return 1
    for unit in units:
        if verb == "restart":
            stop(unit)
        if verb in {"enable", "restart"}:
            start(unit)
        if verb == "reload":
            reload(unit)
    if verb == "is-active":
        return 0 if all(map(is_active, units)) else 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
