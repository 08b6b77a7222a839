#!/bin/bash
# One attacked shop:  make_scenario.sh NAME      NAME: r0, r1 ..., h0, h1 ... or p0, p1 ... (drawn from the number), or one of --list
# Every server, the attacker and the visitors run in a network namespace of their own (loopback only) and a pid
# namespace of their own, so nothing can leave 127.0.0.1 and nothing is left running afterwards.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export LAB_WORK=${LAB_WORK:-/tmp/range/work} LAB_OUT=${LAB_OUT:-/tmp/range/out} LAB_VENV=${LAB_VENV:-/tmp/range/venv}
case "${1:-}" in
--setup)
  export DEBIAN_FRONTEND=noninteractive; apt-get update -qq
  apt-get install -y -qq --no-install-recommends nginx-light apache2 libapache2-mod-security2 libnginx-mod-http-modsecurity modsecurity-crs mariadb-server postgresql-15 sqlmap zstd curl python3-venv >/dev/null
  [ -d "$LAB_VENV" ] || { mkdir -p "$(dirname "$LAB_VENV")"; python3 -m venv "$LAB_VENV"; "$LAB_VENV/bin/pip" -q install sqlmap flask gunicorn pymysql 'psycopg[binary]' faker aiohttp hakuin; }
  exit ;;
--list) cd "$here/lab" && exec "$LAB_VENV/bin/python" -c 'from scenarios import *
for k,v in SCENARIOS.items(): print(k,"-",v["title"])' ;;
"") sed -n 2p "$0"; exit 2 ;;
esac
mkdir -p "$LAB_WORK" "$LAB_OUT"
unshare -n -p -f --mount-proc --kill-child bash -c 'ip link set lo up; cd "$1/lab"; exec "$LAB_VENV/bin/python" runner.py "$2"' lab "$here" "$1"
for d in "$LAB_OUT"/*/"$1"; do
  [ -d "$d" ] || continue
  # a truth that could not name every row that the tool printed is no truth, nor is that of an attacker whose program broke
  python3 - "$d" <<'PY' || { rm -rf "$d"; echo "not usable: rows of the dump could not be named, or the attacker broke down"; exit 3; }
import json, sys
t = json.load(open(sys.argv[1] + "/truth/truth.json"))
broke = any(a["tool"] == "hand" and a["exit"] and not a["interrupted"] for a in t["attacks"])
sys.exit(broke or any((o.get("verified") or {}).get("unmatched_rows") for o in t["obtained"]))
PY
  python3 "$here/lab/make_cases.py" "$d" >/dev/null && echo "$d"
done
