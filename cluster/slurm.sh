#!/usr/bin/env bash
# A sweep on a Slurm cluster, as one job:
#
#   sbatch --nodes=4 cluster/slurm.sh sweeps/mini.yaml results/mini
#
# Submit it where the repository and its .venv lie (`make setup`), on a file system that all nodes see. Results go there,
# or to s3://BUCKET/FOLDER; `bnsweep report` works meanwhile. The same command again continues, after a time limit too.
#
# Nodes are shared with other jobs. With more GPUs each, there are more workers, one for each GPU where the sweep says
# `resources: {cpus: 1, gpus: 1}`; all of a node with 8:
#   sbatch --nodes=4 --gpus-per-node=8 --cpus-per-task=64 --exclusive cluster/slurm.sh ...

# --- Edit these for your cluster; each can also be given to sbatch. Trials on the CPU: delete the line on GPUs. ---
#SBATCH --time=12:00:00
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=4G
##SBATCH --partition=gpu
##SBATCH --account=project
# -------------------------------------------------------------------------------------------------------------

#SBATCH --job-name=bnsweep
#SBATCH --output=bnsweep-%j.log
#SBATCH --open-mode=append
#SBATCH --ntasks-per-node=1
# A job that is preempted, or loses its first node, is run again, and continues; other nodes it can do without.
#SBATCH --requeue
#SBATCH --no-kill
# Three minutes before its time is up it is told to commit what finished and to stop.
#SBATCH --signal=B:TERM@180

set -euo pipefail
sweep=${1:?'sbatch cluster/slurm.sh SWEEP OUT'} out=${2:?'sbatch cluster/slurm.sh SWEEP OUT'}
export PATH="$PWD/.venv/bin:$PATH"

# Others have accounts on these machines: nobody without this token may use this Ray. Ray would let them read it.
export RAY_AUTH_MODE=token
[ -s ~/.ray/auth_token ] || (umask 077 && ray get-auth-token --generate > /dev/null)

# Ray is this job's alone: its folder, in which no other user's or job's Ray is looked for, and its ports, above those
# that Linux gives to whoever asks for any.
export RAY_TMPDIR="/tmp/bnsweep-$UID-$SLURM_JOB_ID"
port=$((61000 + SLURM_JOB_ID % 1100 * 4)) log="bnsweep-$SLURM_JOB_ID-ray.log"
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(getent ahostsv4 "$head" | head -n 1 | cut -d ' ' -f 1)
case $address in 127.*) address=$(hostname -I | cut -d ' ' -f 1) ;; esac # what Debian calls a host on itself
start="ray start --block --disable-usage-stats --num-cpus=$SLURM_CPUS_PER_TASK
    --dashboard-agent-listen-port=$((port + 1)) --min-worker-port=0 --max-worker-port=0"
start_head="$start --head --node-ip-address=$address --port=$port --dashboard-port=$((port + 2))
    --ray-client-server-port=$((port + 3))"

# A Ray on each node, of which the first is the head; a node that is lost does not end the others. Ray itself gives up
# after 30 s, which is little where Python comes over a network.
srun --no-kill --kill-on-bad-exit=0 --cpus-per-task="$SLURM_CPUS_PER_TASK" bash -c "
    rm -rf $RAY_TMPDIR && mkdir -m 700 $RAY_TMPDIR || exit 1
    thrice() { \"\$@\" || \"\$@\" || \"\$@\"; }
    [ \$SLURM_PROCID = 0 ] && { thrice $(echo $start_head); echo 'the head has ended'; exit 1; }
    until (: < /dev/tcp/$address/$port) 2> /dev/null; do sleep 1; done
    thrice $(echo $start) --address=$address:$port
" > "$log" 2>&1 &
cluster=$!
until grep -qs 'Ray runtime started' "$log"; do
    if ! kill -0 $cluster 2> /dev/null || grep -qs 'the head has ended' "$log"; then cat "$log"; exit 1; fi
    sleep 1
done

# Nodes that come later take their share. Once it is told to stop, it commits first.
python -m bnsweep run "$sweep" --address "$address:$port" --out "$out" &
driver=$! code=0
trap 'kill -TERM $driver' TERM
wait $driver || code=$?
while kill -0 $driver 2> /dev/null; do wait $driver || code=$?; done
kill -TERM $cluster
wait $cluster || true
srun --no-kill rm -rf "$RAY_TMPDIR" || true
exit $code
