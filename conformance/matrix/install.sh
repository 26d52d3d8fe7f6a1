#!/usr/bin/env bash
# Installs the servers that the compatibility matrix is made of, each from where its users get it, into
# a folder of their own outside this repository: install.sh [npm] [python] [go] [cpp] [debian].
# Without arguments it installs all. Debian's packages need root.
set -euo pipefail

servers=$(cd "$(dirname "$0")/servers" && pwd)
cache=${HEDDLE_MATRIX:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle-matrix}

install_npm() {
  mkdir -p "$cache/npm"
  cp "$servers"/npm/*.js "$cache/npm"
  cd "$cache/npm"
  echo '{ "private": true, "type": "module" }' >package.json
  npm install --no-audit --no-fund bun deno ws websocket faye-websocket permessage-deflate \
    fastify @fastify/websocket crossws
}

install_python() {
  python3 -m venv "$cache/python"
  "$cache/python/bin/pip" install --upgrade websockets aiohttp tornado autobahn uvicorn wsproto hypercorn
}

install_go() {
  mkdir -p "$cache/go" "$cache/bin"
  cp -R "$servers"/go/. "$cache/go"
  cd "$cache/go"
  go get github.com/gorilla/websocket@latest github.com/coder/websocket@latest
  go build -o "$cache/bin/" ./gorilla ./coder
}

install_cpp() {
  mkdir -p "$cache/bin"
  g++ -std=c++17 -O1 -o "$cache/bin/beast" "$servers/cpp/beast.cpp" -pthread
  g++ -std=c++14 -O1 -o "$cache/bin/websocketpp" "$servers/cpp/websocketpp.cpp" -pthread -lboost_system -lz
}

install_debian() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv g++ \
    libboost-dev libboost-system-dev libwebsocketpp-dev zlib1g-dev libmojolicious-perl libev-perl \
    ruby ruby-faye-websocket ruby-em-websocket thin websocketd
}

if (($# == 0)); then set -- debian npm python go cpp; fi
for part in "$@"; do
  case $part in
    npm | python | go | cpp | debian) (install_"$part") ;;
    *) echo "no such part: $part; there are npm, python, go, cpp and debian" >&2 && exit 2 ;;
  esac
done
