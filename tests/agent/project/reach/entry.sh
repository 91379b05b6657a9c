#!/bin/sh
# Runs what it is told, as the entry point of an image does.
set -e
: "${DATABASE_URL:?is not set}"
exec "$@"
