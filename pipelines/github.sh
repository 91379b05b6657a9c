#!/usr/bin/env bash
# What action.yml runs: a script with secrets, or the secrets for the steps that follow.
set -euo pipefail

# The log shows it to nobody, should a tool print it.
echo "::add-mask::$SECURECODE_API_KEY"

if ! command -v securecode > /dev/null; then
  SECURECODE_FOLDER="${RUNNER_TEMP:-/tmp}/securecode" sh "$(dirname "$0")/install.sh" >&2
  PATH="${RUNNER_TEMP:-/tmp}/securecode:$PATH"
fi

where=()
[ -z "$INPUT_ENVIRONMENT" ] || where+=(--environment "$INPUT_ENVIRONMENT")
[ -z "$INPUT_ONLY" ] || where+=(--only "$INPUT_ONLY")

if [ -n "$INPUT_RUN" ]; then
  exec securecode run "${where[@]}" -- bash --noprofile --norc -eo pipefail -c "$INPUT_RUN"
fi
exec securecode export "${where[@]}" --format github --reveal
