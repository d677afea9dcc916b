#!/usr/bin/env bash
#SBATCH --job-name=maeumgyeol-encode
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=32G
#SBATCH --time=12:00:00
# Encodes a pool on four computers of a Slurm cluster: sbatch deploy/slurm.sh /shared/project/maeumgyeol.db
# Pool, database and the environment with maeumgyeol[scale] lie on a filesystem that all of them share.
set -euo pipefail
database=$1

export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=1
export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$(dirname "$database")/ray-token}
if [ ! -s "$RAY_AUTH_TOKEN_PATH" ]; then
    (umask 077 && python -c 'import secrets; print(secrets.token_hex(32))' >"$RAY_AUTH_TOKEN_PATH")
fi

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Starts Ray on every computer, runs the command on the head, and stops Ray when it ends.
srun --kill-on-bad-exit=0 ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus "$SLURM_CPUS_PER_TASK" --include-dashboard=false -- \
    maeumgyeol pool run encode --db "$database" --engine ray --address "$head:6379"
