set -eu
test -n "$DATABASE_URL"
node app.js >/dev/null
echo deployed
