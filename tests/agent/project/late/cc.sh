cc -x c -c /dev/null -o /dev/null
echo built
