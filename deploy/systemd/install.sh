#!/usr/bin/env bash
# Makes the user `mpic` and installs the units, as root. Starts nothing; run it again to upgrade.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

install -D -m 644 mpic.sysusers /etc/sysusers.d/mpic.conf
systemd-sysusers mpic.conf
install -D -m 644 -t /etc/systemd/system mpic-*.service
ln -sfn /opt/mpic/bin/mpic /usr/local/bin/mpic
# Configuration and keys: written by root, read by the programs.
install -d -g mpic -m 750 /etc/mpic /etc/mpic/pki
# The directory of the coordinator's record. systemd makes it too, but `mpic doctor` runs before that.
install -d -o mpic -g mpic -m 700 /var/lib/mpic
# Debian starts the Unbound that it installs. The agent starts one of its own, with its own rules.
if systemctl is-enabled --quiet unbound.service 2>/dev/null; then
    systemctl disable --now unbound.service
fi
systemctl daemon-reload
