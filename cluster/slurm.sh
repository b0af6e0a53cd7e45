#!/usr/bin/env bash
# A sweep on a Slurm cluster, as one job of several nodes:
#
#   sbatch --nodes=4 cluster/slurm.sh sweeps/mini.yaml s3://BUCKET/mini
#
# Submit it where the repository and its .venv lie (`make setup`), on a file system that all nodes see. The same command
# again continues, after a time limit too. For fewer trials at a time, ask for fewer nodes.

# --- Edit these for your cluster; each can also be given to sbatch. Trials on the CPU: delete the line on GPUs. ---
#SBATCH --time=12:00:00
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
##SBATCH --partition=gpu
##SBATCH --account=project
# -------------------------------------------------------------------------------------------------------------

#SBATCH --job-name=bnsweep
#SBATCH --output=bnsweep-%j.log
# One Ray per node, and no second job beside it: two would start theirs on the same ports.
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive

set -euo pipefail
sweep=${1:?'sbatch cluster/slurm.sh SWEEP OUT'} out=${2:?'sbatch cluster/slurm.sh SWEEP OUT'}
export PATH="$PWD/.venv/bin:$PATH"

# Others have accounts on these machines: nobody without this token may use this Ray. Ray would let them read it.
export RAY_AUTH_MODE=token
[ -s ~/.ray/auth_token ] || (umask 077 && ray get-auth-token --generate > /dev/null)

# The first node is the head; all of them run trials, and Ray ends on all of them when the sweep does.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds; nodes that boot slowly
# Two minutes before its time is up the sweep is told to commit what finished and to stop.
ends=$(date --date="$(squeue --noheader --job "$SLURM_JOB_ID" --format=%e)" +%s)
left=$((ends - $(date +%s) - 120))
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_PER_TASK" -- \
    timeout --preserve-status $((left > 1 ? left : 1)) \
    python -m bnsweep run "$sweep" --address auto --out "$out"
