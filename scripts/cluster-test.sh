#!/usr/bin/env bash
# The job files of docs/guide/cluster.md, run for real on this machine, and jobs and servers that are killed again and again. All is
# compared, file by file, with what one process makes that nobody disturbs:
#
#   scripts/cluster-test.sh [TEST]... [--gleaner PROGRAM] [--data-dir DIR] [--steps N]
#
#   slurm        a Slurm of one node without systemd: an array, and one that is requeued in the middle (Debian: slurm-wlm, munge; root)
#   served       a training on servers of a job of Slurm (a build with the feature `remote`)
#   parallel     GNU parallel, its jobs killed, and the same script again (Debian: parallel)
#   snakemake    the Snakefile; `SNAKEMAKE` names the program
#   kubernetes   job.yaml is valid; `VALIDATE` names the program kubernetes-validate of the Python package
#   kills        cells killed at twenty random moments
#   servers      servers of devices killed at ten random moments (a build with the feature `remote`)
#
# Without a name: slurm and parallel. Needs two cores. The cells are two rows of mier-1 on two data sets, which take a core two minutes each,
# or with `--steps 500` half a minute.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
gleaner=${CARGO_TARGET_DIR:-$here/target}/release/gleaner
data=${GLEANER_DATA:-}
tests=() fewer=
while [ $# -gt 0 ]; do
    case $1 in
    slurm | served | parallel | snakemake | kubernetes | kills | servers) tests+=("$1") ;;
    --gleaner) gleaner=$2 && shift ;;
    --data-dir) data=$2 && shift ;;
    --steps) fewer="--set train.steps=$2" && shift ;;
    *) echo "cluster-test: unknown \"$1\": see the head of this script" >&2 && exit 1 ;;
    esac
    shift
done
[ ${#tests[@]} -gt 0 ] || tests=(slurm parallel)
[ -x "$gleaner" ] || { echo "cluster-test: $gleaner is not there: cargo build --release, or name one with --gleaner" >&2 && exit 1; }
[ -d "$data/kmnist" ] || { echo "cluster-test: \"$data\" has no kmnist: name the folder of the data sets with --data-dir" >&2 && exit 1; }
gleaner=$(realpath "$gleaner") data=$(realpath "$data")

work=$(mktemp -d)
say() { echo "cluster-test: $*" >&2; }
fail() { say "FAILED: $*" && exit 1; }
stop() {
    for daemon in slurmd ctld munge; do
        [ ! -f "$work/slurm/run/$daemon.pid" ] || kill "$(cat "$work/slurm/run/$daemon.pid")" 2>/dev/null || true
    done
    # A daemon may still be writing.
    rm -rf "$work" 2>/dev/null || { sleep 3 && rm -rf "$work"; }
}
trap stop EXIT

# A job file of the page, as it stands there.
job() { awk -v name="$1" '/^```/ { inside = ($2 == name); next } inside' "$here/docs/guide/cluster.md"; }

# The program, with fewer cells of the same table.
mkdir "$work/bin"
cat >"$work/bin/gleaner" <<END
#!/bin/sh
exec "$gleaner" "\$@" --draws 1 --only M2 --only M2+MIER --only fashion-mnist --only kmnist --data-dir "$data" $fewer
END
chmod +x "$work/bin/gleaner"
export PATH=$work/bin:$PATH
cells=4

seconds() { date +%s.%N; }
since() { echo "$(seconds) - $1" | bc; }
# Seconds from a moment to that of the newest file below a folder.
until_last() { echo "$(find "$2" -type f -printf '%T@\n' | sort -n | tail -n 1) - $1" | bc; }

# What a run leaves but for the time that it took.
timeless() {
    (
        cd "$1" && find . -type f | sort | while read -r file; do
            case $file in
            */summary.json | */metrics.jsonl) sum=$(sed -E 's/"(seconds|images_per_second)": ?[0-9.e-]+//g' "$file" | sha256sum) ;;
            # Without its header, which has the seconds.
            */state.safetensors) sum=$(tail -c "+$((9 + $(od -An -t u8 -N 8 "$file")))" "$file" | sha256sum) ;;
            *) sum=$(sha256sum <"$file") ;;
            esac
            echo "$file $sum"
        done
    )
}
same() {
    diff <(timeless "$work/whole/reproduced") <(timeless "$1/reproduced") >&2 || fail "$2: files differ from those of one process"
    say "$2: all $(find "$1/reproduced" -type f | wc -l) files are those of one process"
}

# What one process makes of the table, once.
alone=
whole() {
    [ -z "$alone" ] || return 0
    mkdir "$work/whole" && cd "$work/whole"
    local started
    started=$(seconds)
    gleaner reproduce mier-1 --quick --threads 1 >/dev/null 2>log.txt || fail "one process: $(tail -n 1 log.txt)"
    rm log.txt
    alone=$(since "$started")
    say "one process: $alone s"
}

start_slurm() {
    local root=$work/slurm host
    host=$(hostname -s)
    mkdir -p "$root"/{run,state,spool,log}
    cat >"$root/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock
CredType=cred/munge
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmdParameters=config_overrides
SlurmctldPidFile=$root/run/ctld.pid
SlurmdPidFile=$root/run/slurmd.pid
SlurmctldLogFile=$root/log/ctld.log
SlurmdLogFile=$root/log/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    head -c 1024 /dev/urandom >"$root/munge.key" && chmod 600 "$root/munge.key"
    munged --force --key-file="$root/munge.key" --socket="$root/run/munge.sock" --pid-file="$root/run/munge.pid" \
        --log-file="$root/log/munge.log" --seed-file="$root/run/munge.seed"
    export SLURM_CONF=$root/slurm.conf
    slurmctld && slurmd -N "$host"
    for _ in $(seq 100); do
        ! sinfo -h -o %T 2>/dev/null | grep -q idle || return 0
        sleep 0.2
    done
    fail "the node does not come up: $(tail -n 3 "$root"/log/slurmd.log)"
}

# Waits until no job is left; those that were requeued need not wait their two minutes.
wait_for_jobs() {
    while [ -n "$(squeue -h)" ]; do
        for id in $(squeue -h -t PD -o %i); do scontrol update jobid="$id" StartTime=now 2>/dev/null || true; done
        sleep 3
    done
}

slurm() {
    [ -n "${SLURM_CONF:-}" ] || start_slurm
    mkdir "$work/slurm-$1" && cd "$work/slurm-$1"
    job table.sbatch >table.sbatch && job gather.sbatch >gather.sbatch
    local started id
    started=$(seconds)
    id=$(sbatch --parsable --array="1-$cells%2" --cpus-per-task=1 table.sbatch)
    if [ "$1" = requeued ]; then
        # In the middle of a training: there is a state, and no result.
        for cell in 1 2; do
            until compgen -G "reproduced/*/*/state/state.safetensors" >/dev/null; do sleep 0.2; done
            sleep "$cell"
            scontrol requeue "${id}_$cell"
            say "requeued cell $cell after $(since "$started") s"
        done
    fi
    wait_for_jobs
    local took
    took=$(until_last "$started" reproduced)
    sbatch --wait gather.sbatch >/dev/null || fail "gather.sbatch: $(cat gather.log)"
    ! grep -h "not done" gather.log || fail "cells are not done: $(tail -n 2 cell-*.log)"
    [ "$1" != requeued ] || grep -qs "stopped; to continue" cell-*.log || fail "nothing was stopped"
    same "$work/slurm-$1" "slurm, $1"
    say "slurm, $1: $took s, $(echo "scale=2; $took / $alone" | bc) of one process"
}

# On one node, with a core: its servers work on one part.
served() {
    [ -n "${SLURM_CONF:-}" ] || start_slurm
    mkdir "$work/served" && cd "$work/served"
    job train.sbatch | sed "s|gleaner train|\"$gleaner\" train --data-dir \"$data\" --steps 60|; s|srun gleaner|srun \"$gleaner\"|" >train.sbatch
    sbatch --wait --nodes=1 --cpus-per-task=1 train.sbatch >/dev/null || fail "train.sbatch: $(cat train.log)"
    grep -q "connecting to ws://" train.log || fail "no server was used: $(cat train.log)"
    "$gleaner" train --data kmnist --data-dir "$data" --steps 60 --set train.parts=1 --out here >/dev/null 2>&1
    cmp runs/served/model.safetensors here/model.safetensors || fail "served: other bits than without servers"
    say "served: the bits of one process"
}

parallel_killed() {
    mkdir "$work/parallel" && cd "$work/parallel"
    job table.sh | sed "s/seq 200/seq $cells/" >table.sh
    bash table.sh >/dev/null 2>first.log &
    local script=$!
    until compgen -G "reproduced/*/*/state/state.safetensors" >/dev/null; do sleep 0.2; done
    sleep 2
    pkill -KILL -f "^$gleaner reproduce mier-1 --quick --cell" || fail "nothing to kill"
    wait $script || true
    grep -q "not done" first.log || fail "nothing was lost"
    bash table.sh >/dev/null 2>second.log || fail "parallel: $(tail -n 3 second.log)"
    same "$work/parallel" "parallel, two jobs killed, then the same script again"
}

snakemake_table() {
    mkdir "$work/snakemake" && cd "$work/snakemake"
    job Snakefile | sed "s/range(1, 201)/range(1, $((cells + 1)))/; s/threads: 2/threads: 1/" >Snakefile
    "${SNAKEMAKE:-snakemake}" --cores 2 >log.txt 2>&1 || fail "snakemake: $(tail -n 5 log.txt)"
    rm -rf cells
    same "$work/snakemake" "snakemake"
}

kubernetes_file() {
    job job.yaml >"$work/job.yaml"
    "${VALIDATE:-kubernetes-validate}" --strict "$work/job.yaml" >&2 || fail "job.yaml is no Job"
    # The command of the container, with an index that the cluster would give.
    grep -q 'args: \[exec gleaner' "$work/job.yaml" || fail "job.yaml starts no gleaner"
    say "kubernetes: job.yaml is valid"
}

# A random time between two numbers of tenths of a second.
moment() { echo "scale=1; ($1 + $RANDOM % ($2 - $1)) / 10" | bc; }

# Epochs that a run has written down, all of its metrics being whole.
epochs() { python3 -c 'import json,sys; print(len([json.loads(line) for line in open(sys.argv[1])]))' "$1/metrics.jsonl" 2>/dev/null || echo 0; }

# Whether a run that had so many epochs went on from the last of them, or the one before.
lost() { # EPOCHS LOG
    local next
    next=$(grep -oE 'epoch [0-9]+/' "$2" | head -n 1 | grep -oE '[0-9]+' || true)
    [ -z "$next" ] || echo $(($1 + 1 - next))
}

kills() {
    mkdir "$work/kills" && cd "$work/kills"
    local killed=0 most=0 cell run had loss pid
    for cell in $(seq $cells); do
        run=$(gleaner reproduce mier-1 --quick --list --json 2>/dev/null | path "$cell") had=0
        while true; do
            gleaner reproduce mier-1 --quick --cell "$cell" --threads 1 >/dev/null 2>"$work/log" &
            pid=$!
            if [ $killed -lt 20 ]; then sleep "$(moment 5 50)" && kill -KILL $pid 2>/dev/null || true; fi
            ended=0 && wait $pid 2>/dev/null || ended=$?
            loss=$(lost "$had" "$work/log")
            [ "${loss:-0}" -le $most ] || most=$loss
            case $ended in
            0) break ;;
            137) killed=$((killed + 1)) had=$(epochs "$run") ;;
            *) fail "cell $cell: $(tail -n 1 "$work/log")" ;;
            esac
        done
    done
    gleaner reproduce mier-1 --quick --gather >/dev/null
    same "$work/kills" "kills"
    say "kills: $killed, at most $most epochs trained again after one"
    [ $killed -eq 20 ] && [ $most -le 1 ] || fail "too few kills, or more than an epoch lost"
}
path() { python3 -c 'import json,sys; print(json.load(sys.stdin)["cells"][int(sys.argv[1]) - 1]["path"])' "$1"; }

servers() {
    mkdir "$work/servers" && cd "$work/servers"
    head -c 24 /dev/urandom | base64 >token
    export GLEANER_TOKEN_FILE=$PWD/token
    local killed=0 most=0 port had=0 loss ended training pids=()
    serve() { "$gleaner" serve-device --token-file token --listen "1788$1" --threads 1 >/dev/null 2>&1 & pids[$1]=$! && sleep 1; }
    train() { "$gleaner" train "$@" >/dev/null 2>log.txt; }
    local settings=(--data kmnist --data-dir "$data" --labels-per-class 10 --steps 2000 --set data.unlabelled=4000 --set train.baseline-steps=0
        --set "model.hidden=[64]" --set "model.classifier-hidden=[64]" --set train.parts=2)
    serve 1 && serve 2
    train "${settings[@]}" --device ws://localhost:17881 --out undisturbed || fail "one server: $(tail -n 1 log.txt)"
    train "${settings[@]}" --device ws://localhost:17881,ws://localhost:17882 --out killed &
    training=$!
    while true; do
        if [ $killed -lt 10 ]; then
            port=$((1 + RANDOM % 2))
            sleep "$(moment 20 50)" && kill -KILL "${pids[$port]}" && wait "${pids[$port]}" 2>/dev/null || true
        fi
        ended=0 && wait $training || ended=$?
        loss=$(lost "$had" log.txt)
        [ "${loss:-0}" -le $most ] || most=$loss
        [ $ended -ne 0 ] || break
        grep -q "^error: .*ws://localhost:1788$port.*continue with: gleaner train --resume killed" log.txt || fail "$(tail -n 1 log.txt)"
        killed=$((killed + 1)) had=$(epochs killed)
        serve $port
        train --resume killed &
        training=$!
    done
    kill "${pids[@]}" 2>/dev/null || true
    for file in model.safetensors samples.png; do cmp "undisturbed/$file" "killed/$file" || fail "$file differs"; done
    say "servers: $killed killed, at most $most epochs trained again after one, the same bits"
    [ $killed -eq 10 ] && [ $most -le 1 ] || fail "too few kills, or more than an epoch lost"
}

for test in "${tests[@]}"; do
    case $test in
    slurm) whole && slurm undisturbed && slurm requeued ;;
    served) served ;;
    parallel) whole && parallel_killed ;;
    snakemake) whole && snakemake_table ;;
    kubernetes) kubernetes_file ;;
    kills) whole && kills ;;
    servers) servers ;;
    esac
done
say "all is well"
