#!/usr/bin/env bash
# Gives an account of Kaskad an organisation of its own in Grafana: a data source with the account's key, and the business
# board. Grafana keeps organisations apart, and the key holds whatever a board asks. Run it again to change the key, or
# for a new board.
#
#   kaskad keys create --account shop --scope analyst --note grafana > shop.key
#   GRAFANA_URL=http://127.0.0.1:3000 GRAFANA_ADMIN=admin GRAFANA_ADMIN_PASSWORD=… \
#       KASKAD_API_URL=http://kaskad:8080 dashboards/grafana/account.sh shop shop.key
set -euo pipefail
[[ $# == 2 ]] || { echo "usage: $0 ACCOUNT KEY_FILE" >&2; exit 2; }
account=$1 key=$(tr -d '[:space:]' < "$2")
[[ $account =~ ^[A-Za-z0-9._-]+$ && $key =~ ^[A-Za-z0-9._-]+$ ]] || { echo "account or key has other characters than letters, digits and . _ -" >&2; exit 2; }
: "${GRAFANA_URL:=http://127.0.0.1:3000}" "${GRAFANA_ADMIN:=admin}" "${KASKAD_API_URL:=http://kaskad:8080}" "${GRAFANA_ADMIN_PASSWORD:?is not set}"
password=${GRAFANA_ADMIN_PASSWORD//\\/\\\\} password=${password//\"/\\\"} # as curl's --config wants it
here=$(cd "$(dirname "$0")" && pwd)

# ask METHOD PATH [ORGANISATION]: the body comes from standard input, the password is in no list of processes.
ask() {
    curl --silent --show-error --request "$1" --header 'Content-Type: application/json' --header 'Accept: application/json' \
        ${3:+--header "X-Grafana-Org-Id: $3"} --data-binary @- --write-out '\n%{http_code}' --config <(printf 'user = "%s:%s"\n' "$GRAFANA_ADMIN" "$password") \
        "$GRAFANA_URL$2"
}
# must METHOD PATH [ORGANISATION]: prints the answer, and ends where it is no 200.
must() {
    local answer
    answer=$(ask "$@")
    [[ ${answer##*$'\n'} == 200 ]] || { echo "$1 $2: $answer" >&2; exit 1; }
    printf '%s' "${answer%$'\n'*}"
}

found=$(ask GET "/api/orgs/name/$account" < /dev/null)
case ${found##*$'\n'} in
    200) id=$(sed -E 's/^[^0-9]*"id":([0-9]+).*/\1/' <<< "${found%$'\n'*}") ;;
    404) id=$(must POST /api/orgs <<< "{\"name\":\"$account\"}" | sed -E 's/.*"orgId":"?([0-9]+).*/\1/') ;;
    *) echo "GET /api/orgs/name/$account: $found" >&2; exit 1 ;;
esac
[[ $id =~ ^[0-9]+$ ]] || { echo "grafana named no organisation" >&2; exit 1; }

source='{"name":"Kaskad API","uid":"kaskad-api","type":"yesoreyeram-infinity-datasource","access":"proxy","isDefault":true,"url":"'$KASKAD_API_URL'",
"jsonData":{"auth_method":"bearerToken","allowedHosts":["'$KASKAD_API_URL'"],"timeoutInSeconds":60,"unsecuredQueryHandling":"deny"},
"secureJsonData":{"bearerToken":"'$key'"}}'
there=$(ask GET /api/datasources/uid/kaskad-api "$id" < /dev/null)
if [[ ${there##*$'\n'} == 200 ]]; then
    must PUT /api/datasources/uid/kaskad-api "$id" <<< "$source" > /dev/null
else
    must POST /api/datasources "$id" <<< "$source" > /dev/null
fi
{ printf '{"overwrite":true,"dashboard":'; cat "$here/boards/kaskad-business.json"; printf '}'; } | must POST /api/dashboards/db "$id" > /dev/null
echo "organisation $id has account $account: add its people as viewers there"
