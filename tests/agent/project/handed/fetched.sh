#!/bin/sh
set -e
run() { node "$(dirname "$0")/../app.js"; curl -s -m 2 -H "authorization: Bearer $STRIPE_KEY" "$@"; }
run "$@"
