#!/usr/bin/env bash
# Start a one-node Slurm with made-up GPUs on this machine: munged, slurmctld, slurmd; no systemd, no cgroups, no accounting.
# Usage: up.sh FOLDER [GPUS]. Everything it writes is in FOLDER, but for two links in /etc/slurm; down.sh FOLDER undoes it.
# Needs root. Debian's packages slurm-wlm and munge are installed if they are missing, and stay.
# Ends with 77 and the reason where that cannot be: packages out of reach, or a Slurm that is not ours.
set -euo pipefail
D=$(realpath -m "$1"); GPUS=${2:-2}; HOST=$(hostname -s); PORT=${SLURM_TEST_PORT:-27817}
PATH=$PATH:/usr/sbin:/sbin
cannot() { echo "$*" >&2; exit 77; }

for file in slurm.conf gres.conf; do
  link=/etc/slurm/$file; before=$(dirname "$(readlink "$link" || true)")
  # a test that was killed could not tidy up
  case ${before##*/} in egokd-slurm-*) "$(dirname "$0")/down.sh" "$before" ;; esac
  { [ ! -e "$link" ] && [ ! -L "$link" ]; } || cannot "$link exists: this machine has a Slurm of its own"
done

if ! { command -v slurmctld && command -v slurmd && command -v munged && command -v sbatch; } >/dev/null; then
  command -v apt-get >/dev/null || cannot "neither Slurm nor apt-get to install it"
  get() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" slurm-wlm munge >&2; }
  get --download-only || { apt-get update -q >&2 && get --download-only; } || cannot "apt-get cannot fetch the packages slurm-wlm and munge"
  # the policy file keeps the packages from starting services of their own
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then trap 'rm -f "$policy"' EXIT; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; fi
  get
fi

mkdir -p "$D"/{run,log,state,spool,munge/socket} /etc/slurm
chmod 700 "$D/munge"; chmod 711 "$D/munge" "$D/munge/socket"
head -c 1024 /dev/urandom >"$D/munge/key"; chmod 600 "$D/munge/key"
# Slurm insists on character devices; these are copies of /dev/null
for i in $(seq 0 $((GPUS - 1))); do mknod "$D/gpu$i" c 1 3; done
echo "Name=gpu File=$D/gpu[0-$((GPUS - 1))]" >"$D/gres.conf"
: >"$D/plugstack.conf"
cat >"$D/slurm.conf" <<C
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$D/munge/socket/munge.socket
CredType=cred/munge
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool
SlurmctldPidFile=$D/run/slurmctld.pid
SlurmdPidFile=$D/run/slurmd.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
PlugStackConfig=$D/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=3600
KillWait=30
InactiveLimit=0
GresTypes=gpu
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 Gres=gpu:$GPUS State=UNKNOWN
PartitionName=main Nodes=$HOST Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=$HOST MaxTime=INFINITE State=UP
C
# jobs lose SLURM_CONF on their way through the executor, so their srun reads the default place
for file in slurm.conf gres.conf; do
  ln -s "$D/$file" "/etc/slurm/$file"
done
export SLURM_CONF=$D/slurm.conf
munged --force --key-file="$D/munge/key" --socket="$D/munge/socket/munge.socket" --pid-file="$D/run/munged.pid" \
  --log-file="$D/log/munged.log" --seed-file="$D/munge/seed" 2>>"$D/log/munged.err"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
end=$((SECONDS + 60))
while [ "$SECONDS" -lt "$end" ]; do
  case $(timeout 5 sinfo -h -p main -o %T 2>/dev/null || true) in
    idle | mixed | allocated) exit 0 ;;
    drain* | down* | inval*) timeout 5 scontrol update nodename="$HOST" state=resume || true ;;
  esac
  sleep 0.2
done
echo "the node did not come up:" >&2
tail -n 20 "$D"/log/*.log >&2
exit 1
