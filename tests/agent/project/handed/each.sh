#!/bin/sh
# Says what a pattern finds in the readme.
cd "$(dirname "$0")/.."
node app.js
awk "$@" README.md
