#!/usr/bin/env bash
#SBATCH --job-name=maeumgyeol-encode
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --exclusive
# Encodes a pool on four computers of a Slurm cluster: sbatch deploy/slurm.sh /shared/project/maeumgyeol.db
# Pool, database and the environment with maeumgyeol[scale] lie on a filesystem that all of them share, and that
# environment is active where sbatch is called. Exclusive, because symmetric-run ends with `ray stop`, which stops
# whatever Ray this account runs on a computer.
set -euo pipefail
database=$1

export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=1
export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$(dirname "$database")/ray-token}
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=${RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT:-300}
if [ ! -s "$RAY_AUTH_TOKEN_PATH" ]; then
    (umask 077 && python -c 'import secrets; print(secrets.token_hex(32))' >"$RAY_AUTH_TOKEN_PATH")
fi

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
finished=$(mktemp -p "$(dirname "$database")" "ray-job-$SLURM_JOB_ID.XXXXXX")
trap 'rm -f "$finished"' EXIT

encode() {
    maeumgyeol pool run encode --db "$database" --engine ray --address "$head:6379" && echo yes >"$finished"
}
step() { # starts Ray on this computer, runs the command on the head, and stops Ray when it ends
    local options=(--num-cpus="$SLURM_CPUS_PER_TASK" --disable-usage-stats)
    # On the others `ray start` refuses it.
    if [ "$SLURM_PROCID" = 0 ]; then options+=(--include-dashboard=false); fi
    ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" "${options[@]}" -- bash -c encode
}
export database head finished
export -f encode step
# Slurm does not hand --cpus-per-task on to srun.
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 bash -c step
# Where Ray can't start, symmetric-run says so and ends as if all were well.
[ -s "$finished" ]
