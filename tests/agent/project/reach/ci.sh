set -e
cd "$(dirname "$0")"
npm run -s ready
