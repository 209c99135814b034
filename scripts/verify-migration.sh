#!/bin/bash
# verify-migration.sh - does this installation move mail and prove it? Five steps with one small mailbox:
# a test job, preflight, sync, verify, and the gate from blocked to ready. Nothing at the source changes;
# the destination account receives the mail. The job is closed at the end.
#
#   --url URL                     address of the service (default http://127.0.0.1:8080)
#   --token-file FILE             a token of role ops_lead or super_admin; or
#   --login USER --password-file FILE         a local account of such a role
#   --approver-login USER --approver-password-file FILE, --approver-token-file FILE
#                                 who approves, where MIGRATION_GATE_FOUR_EYES asks for another person
#   --source HOST:PORT[:TLS]      TLS: tls (default), starttls, none
#   --source-user USER --source-password-file FILE
#   --destination HOST:PORT[:TLS]
#   --destination-user USER --destination-password-file FILE
#   --domain DOMAIN               of the test job (default migration-check.example)
#   --keep                        leave the job open
#   --timeout SECONDS             for each run (default 600)
#
# Exit status: 0 all five steps are good, 1 one is not, 2 wrong usage, 3 the service cannot be used.
# Needs bash, curl and jq. Secrets are read from files and never stand in an argument.
set -euo pipefail
url=http://127.0.0.1:8080 domain=migration-check.example timeout=600 keep='' job='' step=0
declare -A opt=()
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
unusable() { printf 'verify-migration.sh: %s\n' "$*" >&2; exit 3; }

while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=1; shift; continue ;;
    --url | --token-file | --login | --password-file | --approver-login | --approver-password-file | \
        --approver-token-file | --source | --source-user | --source-password-file | --destination | \
        --destination-user | --destination-password-file | --domain | --timeout)
        [ $# -ge 2 ] || usage
        opt[${1#--}]=$2
        shift 2
        ;;
    *) usage ;;
    esac
done
url=${opt[url]:-$url} domain=${opt[domain]:-$domain} timeout=${opt[timeout]:-$timeout}
url=${url%/}
for name in source source-user source-password-file destination destination-user destination-password-file; do
    [ -n "${opt[$name]:-}" ] || { printf 'verify-migration.sh: --%s is required\n' "$name" >&2; usage; }
done
for tool in curl jq; do command -v "$tool" > /dev/null || unusable "$tool is not installed"; done

work=$(umask 077 && mktemp -d)
leave() {
    status=$?
    if [ -n "$job" ] && [ -z "$keep" ]; then
        call worker DELETE "/jobs/$job" > /dev/null 2>&1 || say "job $job could not be closed: close it by hand"
    fi
    rm -rf "$work"
    exit $status
}
trap leave EXIT
trap 'exit 130' INT TERM

# call WHO METHOD PATH [FILE WITH JSON] [HEADER]: prints the answer; status is false unless it is 2xx
call() {
    local who=$1 method=$2 path=$3 body=${4:-} header=${5:-} args=()
    [ -z "$body" ] || args+=(--header 'Content-Type: application/json' --data-binary "@$body")
    [ -z "$header" ] || args+=(--header "$header")
    code=$(curl --silent --show-error --max-time 60 --noproxy '*' --request "$method" --header "@$work/$who" \
        --header 'X-Requested-With: desk-migration' "${args[@]}" --dump-header "$work/headers" \
        --output "$work/answer" --write-out '%{http_code}' "$url/api/v1/migration$path") ||
        unusable "cannot reach $url"
    cat "$work/answer"
    [[ $code == 2?? ]]
}
# must …: call() that ends the script
must() { call "$@" || fail "$2 $3: HTTP $code: $(jq -r '"\(.code): \(.detail)"' "$work/answer" 2> /dev/null || head -c 300 "$work/answer")"; }

# sign_in WHO PREFIX: leaves the header that proves who asks in $work/WHO
sign_in() {
    local who=$1 p=$2 token=${opt[$2token-file]:-} login=${opt[$2login]:-}
    if [ -n "$token" ]; then
        [ -r "$token" ] || unusable "cannot read $token"
        printf 'Authorization: Bearer %s\n' "$(tr -d '[:space:]' < "$token")" > "$work/$who"
    elif [ -n "$login" ]; then
        jq -n --arg user "$login" --rawfile password "${opt[${p}password-file]:?--${p}password-file is required}" \
            '{user: $user, password: ($password | rtrimstr("\n"))}' > "$work/body"
        printf 'Accept: application/json\n' > "$work/$who"
        must "$who" POST /session "$work/body" > /dev/null
        sed -n 's/^[Ss]et-[Cc]ookie: \([^;]*\).*/Cookie: \1/p' "$work/headers" > "$work/$who"
    else
        return 1
    fi
}
sign_in worker '' || usage
sign_in approver approver- || cp "$work/worker" "$work/approver"

side() { # side NAME: {"host","port","tls"}
    local host=${opt[$1]%%:*} rest=${opt[$1]#*:}
    jq -n --arg host "$host" --arg port "${rest%%:*}" --arg tls "$rest" \
        '{host: $host, port: ($port | tonumber), tls: (if $tls | contains(":") then $tls | split(":")[1] else "tls" end)}'
}
begin() { step=$((step + 1)); printf '%d. %-46s ' "$step" "$1"; }
good() { say "good${1:+: $1}"; }

# run KIND BODY: starts a run, waits for its end, prints nothing
run() {
    printf '%s' "$2" > "$work/body"
    local id status end=$((SECONDS + timeout))
    id=$(must worker POST "/jobs/$job/$1" "$work/body" | jq '.runs[0].id')
    while :; do
        must worker GET "/runs/$id" > "$work/run"
        status=$(jq -r .status "$work/run")
        case $status in
        succeeded) return 0 ;;
        queued | running | paused | waiting) ;;
        *) fail "$1 (run $id) ended $status: $(jq -r '"\(.code): \(.message) \(.remedy // "")"' "$work/run")" ;;
        esac
        [ $SECONDS -lt $end ] || fail "$1 (run $id) is still $status after $timeout s: is a worker running?"
        sleep 1
    done
}
verdict() { must worker GET "/gate?domain=$domain" | jq -r .verdict; }

begin 'a test job with one mailbox'
jq -n --arg d "$domain" --argjson s "$(side source)" --argjson t "$(side destination)" \
    '{domains: [$d], title: "verify-migration.sh", source: ($s + {kind: "imap"}), destination: $t}' > "$work/body"
job=$(must worker POST /jobs "$work/body" | jq .id)
jq -n --arg su "${opt[source-user]}" --arg du "${opt[destination-user]}" \
    --rawfile sp "${opt[source-password-file]}" --rawfile dp "${opt[destination-password-file]}" \
    '{source: {user: $su, secret: ($sp | rtrimstr("\n"))}, destination: {user: $du, secret: ($dp | rtrimstr("\n"))}}' \
    > "$work/body"
must worker POST "/jobs/$job/mailboxes" "$work/body" > /dev/null
[ "$(verdict)" = blocked ] || fail "the gate of a job that nobody has moved says $(verdict)"
good "job $job, the gate says blocked"

begin 'preflight: log in to both, list, write'
run preflight '{}'
good

begin 'sync: an initial and a final pass'
run sync '{"pass":"initial"}'
run sync '{"pass":"final"}'
good "$(jq -r '"\(.progress.messages_done // .result.progress.messages_done // "all") messages"' "$work/run")"

begin 'verify: every message found again'
run verify '{}'
must worker GET "/jobs/$job/verify" > "$work/verify"
counts=$(jq -r '.mailboxes[0].verification | "\(.found) of \(.expected) found, \(.missing) missing"' "$work/verify")
jq -e '.mailboxes[0].verification | .complete and .missing == 0 and .found == .expected' "$work/verify" > /dev/null ||
    fail "$counts"
good "$counts"

begin 'the gate: not before it is approved'
[ "$(verdict)" != ready_for_dns ] || fail "ready_for_dns although nobody has approved it"
call approver GET "/jobs/$job/verify" > "$work/verify" || fail "the approver may not see the job"
etag=$(sed -n 's/^[Ee][Tt]ag: *//p' "$work/headers" | tr -d '\r')
reasons=$(jq -r '[.gate.reasons[].code] | unique | join(", ")' "$work/verify")
printf '{"mailboxes":1,"comment":"verify-migration.sh"}' > "$work/body"
must approver POST "/jobs/$job/approve-gate" "$work/body" "If-Match: $etag" > "$work/gate"
[ "$(verdict)" = ready_for_dns ] || fail "approved, and it says $(verdict)"
good "blocked, then $reasons, approved: ready_for_dns"
say "All five steps are good.${keep:+ Job $job was left open.}"
