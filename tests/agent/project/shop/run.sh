#!/bin/bash
# Needs its secret: ${VAR:?}.
set -euo pipefail
: "${DATABASE_URL:?is not set}"
cd "$(dirname "$0")"
log=run.log
{ date; node store.js; } >> "$log"
tail -1 "$log"
