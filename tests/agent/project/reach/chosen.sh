NODE=${NODE_BINARY:-node}
cd "$(dirname "$0")"
"$NODE" ready.js
