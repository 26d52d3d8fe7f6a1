# websocketd gives each connection a program, and each message to it as a line. This one says nothing:
# lines cannot send back every message just as it was.
version=$(websocketd --version | sed 's/^websocketd \([^ ]*\).*/\1/')
[ "$version" = DEVBUILD ] && version=$(dpkg-query -W -f '${Version}' websocketd)
echo "websocketd $version | $(websocketd --version | sed 's/.*(go\([^ ]*\).*/Go \1/')"
exec websocketd --address=127.0.0.1 --port="$PORT" --loglevel=none sed d
