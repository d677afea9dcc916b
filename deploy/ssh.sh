#!/usr/bin/env bash
# Encodes a pool on some computers that are reached by ssh:
#   deploy/ssh.sh /shared/project/maeumgyeol.db HEAD HOST...
# This computer is the driver and reaches HEAD. All have the same Python environment under the same path, and see the
# pool under the same address. Tokens are no encryption: use a private network.
set -euo pipefail
database=$1 head=$2
shift 2
environment=${MAEUMGYEOL_ENVIRONMENT:-$(dirname "$(command -v maeumgyeol)")}
token=$(mktemp) && chmod 600 "$token"
python -c 'import secrets; print(secrets.token_hex(32))' >"$token"

start() { # HOST OPTIONS: the token goes through the pipe, not over a command line that others can list
    ssh "$1" "umask 077; cat >~/.maeumgyeol-ray-token; export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 \
        RAY_AUTH_TOKEN_PATH=~/.maeumgyeol-ray-token OMP_NUM_THREADS=1; \
        '$environment/ray' start ${*:2} --disable-usage-stats" <"$token"
}
stop() {
    for host in "$head" "$@"; do
        ssh "$host" "'$environment/ray' stop; rm -f ~/.maeumgyeol-ray-token" || true
    done
    rm -f "$token"
}
trap 'stop "$@"' EXIT

start "$head" --head --port=6379 --include-dashboard=false
for host in "$@"; do
    start "$host" "--address=$head:6379"
done
RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token maeumgyeol pool run encode --db "$database" --engine ray \
    --address "$head:6379"
