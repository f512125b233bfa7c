#!/usr/bin/env bash
# Makes the password that compose.yaml reads from a file, where there is none yet.
set -euo pipefail
cd "$(dirname "$0")/.."
file=docker/secrets/database-password
[ -s "$file" ] && exit
mkdir -p "$(dirname "$file")"
# The containers' users are others than who calls this, so the file is readable and its folder is not.
chmod 700 "$(dirname "$file")"
head -c 24 /dev/urandom | base64 | tr -d '\n' >"$file"
chmod 444 "$file"
echo "made $file"
