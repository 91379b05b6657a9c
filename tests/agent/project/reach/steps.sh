set -e
cd "$(dirname "$0")"
for file in steps/*.sh; do
  [ -e "$file" ] && . "$file"
done
node ready.js
