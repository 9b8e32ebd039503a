#!/usr/bin/env bash
# Fetches the devicetree blobs of Debian's newest linux-image-*-armmp (armhf) and prints the folder that holds them.
#
#   tests/scripts/fetch-armmp-dtbs.sh [FOLDER]
#
# FOLDER, else $KMEMKIT_ARMMP_DTBS, else artifacts/armmp-dtbs in the repository. Nothing is fetched when the folder is already filled.
# The machine's own apt sources are read; lists, cache and state are folders of this script, so that neither root nor a foreign
# architecture is needed and nothing of the machine's package set-up changes. Only `apt-get update/download` and `dpkg -x` run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-${KMEMKIT_ARMMP_DTBS:-$root/artifacts/armmp-dtbs}}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

if [[ -f $folder/.complete ]] && compgen -G "$folder/*.dtb" > /dev/null; then
    echo "$folder"
    exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/armmp-dtbs.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,sources,deb,tree}
: > "$work/status"

# Only Debian's own entries are of use: a third party's repository need not know armhf, and its failure would stop the update.
shopt -s nullglob
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f $file ]] || continue
    grep -E '^[[:space:]]*deb[[:space:]].*/debian(-security)?/?[[:space:]]' "$file" > "$work/sources/$(basename "$file" .list).list" || true
done
for file in /etc/apt/sources.list.d/*.sources; do
    if grep -Eq '^URIs:.*/debian(-security)?/?([[:space:]]|$)' "$file"; then
        grep -v '^Architectures:' "$file" > "$work/sources/$(basename "$file")"
    fi
done
find "$work/sources" -empty -type f -delete

# A configuration file and not -o options, because only a file can take the machine's update hooks out of the list.
cat > "$work/apt.conf" <<CONF
APT::Architecture "armhf";
#clear APT::Architectures;
APT::Architectures { "armhf"; };
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear DPkg::Post-Invoke;
Acquire::Languages "none";
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages { MetaKey "\$(COMPONENT)/binary-\$(ARCHITECTURE)/Packages"; ShortDescription "Packages"; Description "\$(RELEASE)/\$(COMPONENT) \$(ARCHITECTURE) Packages"; };
Acquire::Retries "3";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
APT::Sandbox::User "";
CONF
apt() { apt-get -q -c "$work/apt.conf" -oAPT::Architecture=armhf -oAPT::Architectures=armhf "$@" >&2; }
query() { apt-cache -c "$work/apt.conf" -oAPT::Architecture=armhf -oAPT::Architectures=armhf "$@"; }

# A mirror caught in the middle of a sync fails one list; the others still name a kernel, an older one at worst.
apt update || { sleep 2; apt update; } || echo "fetch-armmp-dtbs: not every package list came; going on with those that did" >&2
# The metapackage names the newest released kernel; it depends on exactly one versioned image.
image=$(query show --no-all-versions linux-image-armmp | sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*-armmp\).*/\1/p' | head -n 1)
if [[ -z $image ]]; then
    echo "fetch-armmp-dtbs: linux-image-armmp names no image: are Debian's main sources configured?" >&2
    exit 1
fi
(cd "$work/deb" && apt download "$image")
dpkg -x "$work"/deb/"$image"_*.deb "$work/tree"

blobs=$(find "$work/tree/usr/lib" -name '*.dtb' -print -quit)
if [[ -z $blobs ]]; then
    echo "fetch-armmp-dtbs: $image holds no devicetree blob" >&2
    exit 1
fi
rm -f "$folder"/*.dtb
find "$work/tree/usr/lib" -name '*.dtb' -exec cp -t "$folder" {} +
echo "$image" > "$folder/.complete"
echo "$folder"
