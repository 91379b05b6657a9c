cd "$(dirname "$0")"
TARGET=${TARGET:-local}
echo "to $TARGET" > /dev/null
PORT=${PORT:-3000} node ready.js --target "$TARGET"
