#!/usr/bin/env bash
#SBATCH --job-name=xlt
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4 # one worker a task
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
# One profile on the GPUs of several machines: sbatch params/slurm.sh paper. XLT_CACHE must be a folder that all of them
# see, and the packages must be installed already (./run_all.sh test). An interrupted job goes on where it was.
set -euo pipefail
profile=${1:-mini}
export XLT_SCHEDULER=${XLT_CACHE:?set it to a shared folder}/scheduler-${SLURM_JOB_ID:-$$}.json
source .venv/bin/activate
trap 'kill $(jobs -p) 2>/dev/null; rm -f "$XLT_SCHEDULER"' EXIT
dask scheduler --no-dashboard --port 0 --scheduler-file "$XLT_SCHEDULER" &
${XLT_LAUNCH-srun} dask worker --no-dashboard --nthreads 1 --memory-limit 0 --scheduler-file "$XLT_SCHEDULER" &
./run_all.sh --profile "$profile" "${@:2}"
