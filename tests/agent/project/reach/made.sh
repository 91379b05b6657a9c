set -e
cd "$(dirname "$0")"
make -s serve
