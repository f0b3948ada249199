#!/bin/sh
# Runs the end-to-end scenarios on a cluster of their own, or, only when asked for, on the one at hand:
#   scripts/e2e.sh [PART OF A FILE NAME]                            (K8S=1.28 for another release)
#   CLUSTER=current IMAGE=... scripts/e2e.sh [PART OF A FILE NAME]  on the cluster of kubectl's current context
set -eu
cd "$(dirname "$0")/.."
node=$PWD/.tools/node/bin/node
say() { printf '[e2e] %s\n' "$*" >&2; }
suite() { # suite PROGRAM [ARGUMENT...]: what runs the scenarios beside a cluster
  "$@" "$node" node_modules/vitest/vitest.mjs run --project e2e --reporter verbose --reporter ./test/e2e/report/reporter.ts $files
}
files=$*

case ${CLUSTER:-} in
  '')
    [ -z "${KUBECONFIG_ON_COMMAND_LINE:-}" ] ||
      { say "KUBECONFIG is given, CLUSTER is not: add CLUSTER=current to run on that cluster"; exit 64; }
    [ -z "${IMAGE:-}" ] || { say "IMAGE is for a cluster at hand: add CLUSTER=current, or leave it away"; exit 64; }
    [ -z "${KUBECONFIG:-}" ] || say "on a cluster of its own, not on that of KUBECONFIG (for that one: CLUSTER=current)"
    suite sh scripts/cluster.sh
    ;;
  current)
    [ -z "${K8S:-}" ] || { say "K8S=$K8S chooses the release of the suite's own cluster; with CLUSTER=current leave it away"; exit 64; }
    export E2E_IMAGE="${IMAGE:-}"
    suite "$node" --disable-warning=ExperimentalWarning test/e2e/current-cluster.ts
    ;;
  *) say "CLUSTER is \"$CLUSTER\": current, or not set"; exit 64 ;;
esac
