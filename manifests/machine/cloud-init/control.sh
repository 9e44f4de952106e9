#!/bin/sh
# Runs as root with one connection of the sidecar's as input and output. Nothing of what it reads goes into a command.
set -eu
IFS= read -r word
case $word in
  start)
    systemctl reset-failed openclaw-gateway.service 2>/dev/null || true
    systemctl start openclaw-gateway.service
    echo ok
    ;;
  # The slice holds the gateway and every errand: what runs as the agent ends with it, whatever it has forked.
  stop)
    systemctl stop openclaw-agent.slice
    echo ok
    ;;
  state) systemctl show openclaw-gateway.service --property=ActiveState,SubState,Result,ExecMainStatus,NRestarts ;;
  *)
    echo "cannot do this: start, stop and state are known" >&2
    exit 1
    ;;
esac
