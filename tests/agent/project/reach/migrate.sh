cd "$(dirname "$0")"
for file in migrations/*.sql; do
  [ -e "$file" ] && sqlite3 :memory: < "$file"
done
node ready.js
