#!/bin/bash
# install-migration-tools.sh: what the engine "reference" needs, on the worker's machine (Debian 12, as root).
#
#   install-migration-tools.sh                                       Debian's part: readpst, ssh, Perl modules, Python
#   install-migration-tools.sh --imapsync FILE|URL --sha256 SUM      and imapsync
#   install-migration-tools.sh --imap-upload FILE|URL --sha256 SUM   and imap_upload.py
#
# Neither program is in Debian: you name where it comes from and its SHA-256, and a file with another sum is not
# installed. Both options may be given at once, each followed by its --sha256. --prefix DIR: instead of /usr/local
# (then without Debian's part, and as anybody). Ends with status 0 when all that was asked for is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local debian=yes
packages=(pst-utils openssh-client python3 perl libmail-imapclient-perl libencode-imaputf7-perl libfile-copy-recursive-perl
    libio-socket-inet6-perl libio-socket-ssl-perl libio-tee-perl libterm-readkey-perl libunicode-string-perl
    libreadonly-perl libsys-meminfo-perl libregexp-common-perl libfile-tail-perl libdigest-hmac-perl)

die() { printf '%s: %s\n' "$(basename "$0")" "$1" >&2; exit "${2:-1}"; }
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

# fetch FROM SUM TO: a file or an address, checked before anybody can run it
fetch() {
    local sum
    case $1 in
        https://*) curl --fail --silent --show-error --location --proto '=https' --max-time 300 -o "$3" "$1" ||
            die "$1 cannot be fetched" ;;
        http://*) die "$1: only https addresses, or a file" 64 ;;
        *) [ -f "$1" ] || die "$1: no such file" 66
           cp -- "$1" "$3" ;;
    esac
    sum=$(sha256sum "$3" | cut -d ' ' -f 1)
    [ "$sum" = "${2,,}" ] || { rm -f "$3"; die "$1 has the SHA-256 $sum, not $2: not installed" 65; }
}

wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        --imapsync|--imap-upload)
            if [ $# -lt 4 ] || [ "$3" != --sha256 ]; then die "$1 FILE|URL must be followed by --sha256 SUM" 64; fi
            [[ $4 =~ ^[0-9a-fA-F]{64}$ ]] || die "$4 is no SHA-256" 64
            wanted+=("$1" "$2" "$4"); shift 4 ;;
        --prefix) [ $# -ge 2 ] || die "--prefix needs a folder" 64
            prefix=$2 debian=; shift 2 ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
    esac
done
if [ -n "$debian" ]; then
    [ "$(id -u)" = 0 ] || die "Debian's packages are installed by root" 77
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix/bin"
for ((i = 0; i < ${#wanted[@]}; i += 3)); do
    fetch "${wanted[i + 1]}" "${wanted[i + 2]}" "$work/file"
    case ${wanted[i]} in
        --imapsync)
            install -m 755 "$work/file" "$prefix/bin/imapsync"
            "$prefix/bin/imapsync" --version >/dev/null 2>"$work/words" ||
                die "imapsync is there, but does not run: $(head -n 2 "$work/words")"
            echo "imapsync: $prefix/bin/imapsync" ;;
        --imap-upload)
            # beside it: the one module that it imports, and what makes it check certificates
            own=$prefix/lib/desk-migration/imap_upload
            install -d -m 755 "$own/imapclient"
            install -m 755 "$work/file" "$own/imap_upload.py"
            install -m 644 "$here/imap_upload/sitecustomize.py" "$own/sitecustomize.py"
            install -m 644 "$here"/imap_upload/imapclient/*.py "$own/imapclient/"
            ln -sf "$own/imap_upload.py" "$prefix/bin/imap_upload.py"
            "$own/imap_upload.py" --help >/dev/null 2>"$work/words" || true # it ends with 0 or 2 when its modules are there
            ! grep -q Error "$work/words" || die "imap_upload.py is there, but does not run: $(tail -n 1 "$work/words")"
            echo "imap_upload.py: $prefix/bin/imap_upload.py" ;;
    esac
done
echo "migrationctl doctor says which pipelines this enables."
