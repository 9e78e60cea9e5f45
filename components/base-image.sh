#!/bin/sh
# Make a stand-in for python:3.11-slim-bookworm where no image can be pulled: Debian's own Python 3.11 by debootstrap,
# from the mirror this machine's apt is set to. It lacks Debian's later security fixes; name a pulled base by digest
# where it counts.
#
#   components/base-image.sh [NAME]      as root; default NAME: localhost/twelvelead/base:bookworm
#   ENGINE=docker MIRROR=URL components/base-image.sh
set -eu

name=${1:-localhost/twelvelead/base:bookworm}
suite=bookworm
engine=${ENGINE:-podman}

for program in debootstrap "$engine"; do
  command -v "$program" >/dev/null || { echo "base-image: $program is missing: apt-get install $program" >&2; exit 5; }
done
# An engine whose runtime is missing tells it here, not after debootstrap's minutes.
"$engine" info >/dev/null || { echo "base-image: $engine does not work here (above)" >&2; exit 5; }
[ "$(id -u)" = 0 ] || { echo "base-image: debootstrap makes devices and owners: run it as root" >&2; exit 5; }
# shellcheck disable=SC2016  # $(SITE) is apt's own field
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' "Codename: $suite" "Component: main" 2>/dev/null | head -n 1)}

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/base-image.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
root=$folder/root

# Without a mirror debootstrap takes its own default.
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$root" ${mirror:+"$mirror"} \
  >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; echo "base-image: debootstrap failed" >&2; exit 5; }

# What a package manager keeps, and what people read; licences stay. The build writes its own byte code.
rm -rf "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/doc-base "$root"/usr/share/info/* "$root"/usr/share/locale/* "$root"/usr/share/man/*
find "$root"/usr/share/doc -type f ! -name copyright -delete
find "$root"/usr/share/doc -type l -delete
find "$root"/usr/share/doc -type d -empty -delete
find "$root"/usr/lib/python3* -depth \( -name __pycache__ -o -name test \) -exec rm -rf {} +

tar -C "$root" -c . | "$engine" import --change 'CMD ["python3"]' --change 'ENV LANG=C.UTF-8' - "$name"
