# A careless program that goes on when its line is over.
(sleep 2; node log.js; node log.js >&2) &
echo begun
