#!/bin/sh
# The start of a service with options from the environment.
cd "$(dirname "$0")/.."
env NODE_OPTIONS="${SERVICE_OPTIONS:---max-old-space-size=256}" node app.js
