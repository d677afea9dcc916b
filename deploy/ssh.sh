#!/usr/bin/env bash
# Encodes a pool on some computers that are reached by ssh:
#   deploy/ssh.sh /shared/project/maeumgyeol.db HEAD [HOST...]
# HEAD is this computer, by the name under which the others reach it: Ray's driver has to be one of the cluster's
# computers, and only it needs the database. All have the same Python environment under the same path, and see the pool
# under the same address. At the end `ray stop` stops whatever Ray this account runs on them. Tokens are no encryption:
# use a private network.
set -euo pipefail
database=$1
head=$(getent ahostsv4 "$2" | awk 'NR == 1 {print $1}')
shift 2
environment=${MAEUMGYEOL_ENVIRONMENT:-$(dirname "$(command -v maeumgyeol)")}
token=$(mktemp) && chmod 600 "$token"
python -c 'import secrets; print(secrets.token_hex(32))' >"$token"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=1

start() { # HOST: the token goes through the pipe, not over a command line that others can list
    ssh "$1" "umask 077; cat >~/.maeumgyeol-ray-token; export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 \
        RAY_AUTH_TOKEN_PATH=~/.maeumgyeol-ray-token OMP_NUM_THREADS=1; \
        '$environment/ray' start --address='$head:6379' --disable-usage-stats" <"$token"
}
stop() {
    for host in "$@"; do
        ssh "$host" "'$environment/ray' stop; rm -f ~/.maeumgyeol-ray-token" || true
    done
    "$environment/ray" stop || true
    rm -f "$token"
}
trap 'stop "$@"' EXIT

"$environment/ray" start --head --node-ip-address="$head" --port=6379 --include-dashboard=false --disable-usage-stats
for host in "$@"; do
    start "$host"
done
"$environment/maeumgyeol" pool run encode --db "$database" --engine ray --address "$head:6379"
