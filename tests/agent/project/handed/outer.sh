#!/bin/sh
cd "$(dirname "$0")/.."
exec ./handed/inner.sh "$@"
