# Says what it does.
run() { echo "+ $*"; "$@"; }
cd "$(dirname "$0")"
run node ready.js "$@"
