#!/usr/bin/env bash
# Stop what up.sh FOLDER started, and remove FOLDER and the links in /etc/slurm. Safe to call twice.
set -u
D=$(realpath -m "$1"); export SLURM_CONF=$D/slurm.conf
if [ -d "$D/run" ]; then
  timeout 10 scancel --quiet --user=root 2>/dev/null
  # a training saves its state first; Slurm kills what does not end within KillWait
  end=$((SECONDS + 40))
  while [ "$SECONDS" -lt "$end" ] && [ -n "$(timeout 5 squeue -h 2>/dev/null)" ]; do sleep 0.1; done
fi
# a process that has ended may stay listed until somebody collects it
alive() { [ -e "/proc/$1" ] && ! grep -q "^State:.Z" "/proc/$1/status"; }
for name in slurmd slurmctld munged; do
  pid=$(cat "$D/run/$name.pid" 2>/dev/null) || continue
  # a stale file must not cost another program its life
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] || continue
  kill "$pid"; for _ in $(seq 100); do alive "$pid" || break; sleep 0.1; done
  if alive "$pid"; then kill -9 "$pid"; fi
done
for file in slurm.conf gres.conf; do
  [ "$(readlink "/etc/slurm/$file")" = "$D/$file" ] && rm -f "/etc/slurm/$file"
done
rm -rf "$D"
