#!/usr/bin/env bash
# `make cluster`: the nodes of cluster.toml on this machine, with a Redis and an nginx of their own, until Ctrl-C. Everything is kept in data/cluster.
# Usage: tests/cluster.sh <program> [<file>]
set -euo pipefail

program=$1
file=${2:-cluster.toml}
folder=data/cluster
door=${DOOR:-4000}
nodes=$(sed -n 's/^\[nodes\.\([a-z0-9-]*\)\]$/\1/p' "$file")

# The value of a key for a node, as the program reads it.
value() {
  "$program" config explain --config "$file" --node "$1" | sed -n "s/^$2 = \"\{0,1\}\([^\"# ]*\).*/\1/p"
}

first=$(head -n 1 <<<"$nodes")
redis=$(value "$first" store.url)
redis_port=${redis##*:}
mkdir -p "$folder/redis" "$folder/nginx"

if [[ ! -d $folder/identities ]]; then
  # shellcheck disable=SC2086
  "$program" cluster init --dir "$folder/identities" $nodes >/dev/null
fi

started=()
stop() {
  trap - EXIT INT TERM
  echo "stopping"
  # Nodes first, so that they find a Redis when they leave.
  kill -TERM "${started[@]:1}" 2>/dev/null || true
  wait "${started[@]:1}" 2>/dev/null || true
  kill -TERM "${started[0]}" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap stop EXIT INT TERM

# In a session of its own: Ctrl-C is for the nodes, which need it until they have left.
setsid redis-server --bind 127.0.0.1 --port "$redis_port" --save "" --appendonly yes --appendfsync always \
  --maxmemory-policy noeviction --dir "$folder/redis" >"$folder/redis/log" 2>&1 &
started+=($!)
until redis-cli -p "$redis_port" ping >/dev/null 2>&1; do
  kill -0 "${started[0]}" 2>/dev/null || { echo "Redis did not start, see $folder/redis/log" >&2; exit 1; }
  sleep 0.1
done

servers= admin=
for node in $nodes; do
  "$program" serve --config "$file" --node "$node" >"$folder/$node.log" 2>&1 &
  started+=($!)
  servers+="    server $(value "$node" http.listen) max_fails=1 fail_timeout=1s;"$'\n'
  admin+="  $node  pid $!  http://$(value "$node" http.listen)  operators http://$(value "$node" admin.listen)  log $folder/$node.log"$'\n'
done

cat >"$folder/nginx/nginx.conf" <<CONF
# Made by tests/cluster.sh from $file: it only balances the nodes.
pid $PWD/$folder/nginx/pid;
error_log $PWD/$folder/nginx/error.log;
daemon off;
events {}
http {
  access_log off;
  client_body_temp_path $PWD/$folder/nginx/body;
  proxy_temp_path $PWD/$folder/nginx/proxy;
  fastcgi_temp_path $PWD/$folder/nginx/fastcgi;
  uwsgi_temp_path $PWD/$folder/nginx/uwsgi;
  scgi_temp_path $PWD/$folder/nginx/scgi;
  map \$http_upgrade \$connection_header { default upgrade; "" close; }
  upstream nodes {
$servers  }
  server {
    listen 127.0.0.1:$door;
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host \$http_host;
      proxy_set_header Upgrade \$http_upgrade;
      proxy_set_header Connection \$connection_header;
      proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto \$scheme;
      proxy_connect_timeout 1s;
      proxy_read_timeout 1h;
      # A node that is leaving answers 503: the next one is asked.
      proxy_next_upstream error timeout http_503 non_idempotent;
    }
  }
}
CONF
setsid nginx -e "$PWD/$folder/nginx/error.log" -c "$PWD/$folder/nginx/nginx.conf" &
started+=($!)

for node in $nodes; do
  until curl -sf -o /dev/null "http://$(value "$node" admin.listen)/readyz"; do
    kill -0 "${started[@]}" 2>/dev/null || { echo "a part did not start, see $folder/*.log" >&2; exit 1; }
    sleep 0.2
  done
done

cat <<TEXT

VideoRooms is ready: http://localhost:$door

$admin
In another terminal, with a call open:
  kill -9 <pid>      a node dies: its rooms go on elsewhere, nobody reloads
  kill -STOP <pid>   it falls silent; kill -CONT <pid> wakes it
  kill -TERM <pid>   it hands its rooms over and leaves
  $program serve --config $file --node $first     starts one again
Ctrl-C stops them all.
TEXT
wait "${started[0]}"
