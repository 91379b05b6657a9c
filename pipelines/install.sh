#!/bin/sh
# Installs the program `securecode`: downloads a release, compares its checksum, and puts it into a folder.
#
#   SECURECODE_RELEASES  where releases lie: an address, below which each version has a folder
#   SECURECODE_VERSION   the version; without this that of the release which made this script, else the newest, which is
#                        the one that the file LATEST names there
#   SECURECODE_FOLDER    where to; without this ~/.local/bin
set -eu

releases="${SECURECODE_RELEASES:-@RELEASES@}"

fail() {
  echo "securecode is not installed: $1" >&2
  echo "  to do now: $2" >&2
  exit 1
}

case "$releases" in
  @*) fail "this installer was not made by a release, and knows no address" "set SECURECODE_RELEASES, or build it: cargo install --path mcp-client" ;;
esac
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-musl ;;
  *) fail "there is no release for $(uname -s) on $(uname -m)" "build it from the sources: cargo install --path mcp-client" ;;
esac
if command -v sha256sum > /dev/null; then sum="sha256sum"; else sum="shasum -a 256"; fi
command -v curl > /dev/null || fail "curl is not here" "install curl"

folder="${SECURECODE_FOLDER:-$HOME/.local/bin}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

get() {
  curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$scratch/$2" "$releases/$1" ||
    fail "$releases/$1 cannot be downloaded" "check the address, the version and the network; then run this again"
}

version="${SECURECODE_VERSION:-@VERSION@}"
version="${version#v}"
case "$version" in @*) version="" ;; esac
if [ -z "$version" ]; then
  get LATEST LATEST
  version="$(cat "$scratch/LATEST")"
fi
archive="securecode-$version-$target.tar.gz"
get "v$version/SHA256SUMS" SHA256SUMS
get "v$version/$archive" "$archive"
grep " $archive\$" "$scratch/SHA256SUMS" > "$scratch/sum" ||
  fail "the checksums of version $version do not name $archive" "report this to who publishes the releases"
(cd "$scratch" && $sum --check --status sum) ||
  fail "$archive is not what its checksum says, so it was damaged or replaced" "run this again; if it stays so, report it"
tar -xzf "$scratch/$archive" -C "$scratch" securecode
mkdir -p "$folder"
# Renamed into place: a session that runs keeps the file that it began with.
cp "$scratch/securecode" "$folder/.securecode.new"
chmod 755 "$folder/.securecode.new"
mv "$folder/.securecode.new" "$folder/securecode"
echo "securecode $version is in $folder"
case ":$PATH:" in
  *":$folder:"*) ;;
  *) echo "  to do now: put $folder into PATH" ;;
esac
