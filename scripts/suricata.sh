#!/bin/sh
# Suricata 7 as the sensor of a tapped pod, inside scripts/sandbox.sh: whatever it mounts or starts is gone when it ends.
# Needs root. Usage: scripts/suricata.sh
set -eu
cd "$(dirname "$0")/.."
SURICATA_ROOT=$(sh scripts/suricata-root.sh)
export SURICATA_ROOT
exec sh scripts/sandbox.sh .tools/node/bin/node --disable-warning=ExperimentalWarning test/suricata/run.ts
