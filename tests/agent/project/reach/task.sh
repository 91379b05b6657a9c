# Does one of several things, or what it is told.
cd "$(dirname "$0")"
case "${1:-serve}" in
  serve) node ready.js ;;
  lint) shift; npm run -s lint -- "$@" ;;
  *) exec "$@" ;;
esac
