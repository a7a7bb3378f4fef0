# What the integration tests share: a database of their own on the private cluster, the simulator, the diff against its truth.
# Source it from the project's root: . tests/integration/lib.bash
set -uo pipefail
export BUILD=${BUILD:-build/release} PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
project=$(pwd -P)
work=$project/build/check/$(basename "$0" .test)
rm -rf "$work" && mkdir -p "$work"
eval "$(tests/harness/cluster start "${cluster_name:-check_cluster}")"
export PGOPTIONS='-c client_min_messages=warning'
simulator_pid=''

pass() { echo "PASS $(basename "$0" .test): $*"; }
fail() { echo "FAIL $(basename "$0" .test): $*"; }
skip() { echo "SKIP $(basename "$0" .test): $*"; }
# check NAME EXPECTED ACTUAL
check() { if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1: expected '$2', got '$3'"; fi; }

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
one() { sql -c "$1"; }

fresh_database() {  # NAME
    psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1"
    export PGDATABASE=$1
    sql -c 'CREATE EXTENSION xsell'
}

start_simulator() {  # options; sets url
    "$BUILD/simulator" --port 0 --port-file "$work/port" --truth "$work/truth" "$@" >"$work/simulator.log" 2>&1 &
    simulator_pid=$!
    for _ in $(seq 600); do [[ -s $work/port ]] && break; sleep 0.1; kill -0 $simulator_pid 2>/dev/null || { cat "$work/simulator.log" >&2; return 1; }; done
    url=http://127.0.0.1:$(cat "$work/port")
}
simulate() {  # simulate clock '{"now": ...}'; a test whose simulator did not hear it proves nothing
    curl -sS -f -X POST "$url/_sim/$1" -d "$2" >/dev/null || { fail "the simulator took $1"; exit 1; }
}
stop_simulator() { if [[ -n $simulator_pid ]]; then kill "$simulator_pid" 2>/dev/null; wait "$simulator_pid" 2>/dev/null; simulator_pid=''; fi; }
trap stop_simulator EXIT

simulator_secrets() {  # what the configuration reads from the environment
    export XSELL_DEMO_SECRET=simulator-secret XSELL_DEMO_TOKEN=pat-simulator XSELL_DEMO_REFRESH=simulator-refresh
    export XSELL_DEMO_PIPEDRIVE=pipedrive-simulator XSELL_DEMO_ATTIO=attio-simulator XSELL_DEMO_AXISCARE=axiscare-simulator
}
xselld() { "${XSELLD:-$BUILD/xselld}" --config "$work/xselld.toml" "$@"; }

# Compares every table of every org with the simulator's truth, both ways; prints the number of rows that differ. Live rows in every
# column; tombstones by id and by what they were merged into, for sources differ in what they still tell of the dead. Some tell
# nothing of what died before the first sync: live_only.
live_only=' pipedrive attio zoho axiscare '
truth_difference() {
    local file org object header tombstones total=0 rows
    for file in "$work"/truth/*/*.csv; do
        org=$(basename "$(dirname "$file")") object=$(basename "$file" .csv)
        header=$(head -n 1 "$file" | tr -d '\r')
        tombstones=true
        [[ $live_only != *" $org "* ]] || tombstones=false
        rows=$(sql <<SQL
CREATE TEMPORARY TABLE truth (${header//,/ text,} text);
\\copy truth FROM '$file' (FORMAT csv, HEADER)
SELECT string_agg(CASE a.column_name
           WHEN 'deleted' THEN 'CASE WHEN deleted_at IS NULL THEN ''f'' ELSE ''t'' END AS deleted'
           WHEN 'crm_id' THEN 'crm_id' WHEN 'merged_into' THEN 'merged_into'
           ELSE format('CASE WHEN deleted_at IS NULL THEN %s END AS %I', CASE c.data_type
               WHEN 'timestamp with time zone' THEN format('to_char(%I AT TIME ZONE ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS"Z"'')', a.column_name)
               WHEN 'numeric' THEN format('trim_scale(%I)::text', a.column_name)
               WHEN 'boolean' THEN format('CASE %I WHEN true THEN ''t'' WHEN false THEN ''f'' END', a.column_name)
               ELSE format('NULLIF(%I::text, '''')', a.column_name) END, a.column_name) END, ', ' ORDER BY a.ordinal_position) AS ours,
       string_agg(CASE WHEN a.column_name IN ('crm_id', 'deleted', 'merged_into') THEN a.column_name
           ELSE format('CASE deleted WHEN ''f'' THEN %s END AS %I', CASE c.data_type WHEN 'numeric' THEN format('trim_scale(%I::numeric)::text', a.column_name)
               ELSE format('NULLIF(%I, '''')', a.column_name) END, a.column_name) END, ', ' ORDER BY a.ordinal_position) AS theirs
FROM information_schema.columns a
LEFT JOIN information_schema.columns c ON c.table_schema = 'xsell' AND c.table_name = '$object' AND c.column_name = a.column_name
WHERE a.table_name = 'truth' \\gset
CREATE TEMPORARY TABLE ours AS SELECT :ours FROM xsell.$object WHERE org_id = '$org' AND ($tombstones OR deleted_at IS NULL);
CREATE TEMPORARY TABLE theirs AS SELECT :theirs FROM truth WHERE $tombstones OR deleted = 'f';
CREATE TEMPORARY TABLE difference AS
    (SELECT 'only here' AS side, t.* FROM (TABLE ours EXCEPT ALL TABLE theirs) t) UNION ALL
    (SELECT 'only in the source', t.* FROM (TABLE theirs EXCEPT ALL TABLE ours) t);
\\copy (SELECT * FROM difference ORDER BY 2, 1 LIMIT 6) TO '$work/difference_${org}_$object.txt'
SELECT count(*) FROM difference;
SQL
        ) || rows=1000000
        if [[ $rows -gt 0 ]]; then echo "$org $object: $rows rows differ" >&2; cat "$work/difference_${org}_$object.txt" >&2; fi
        total=$((total + rows))
    done
    echo "$total"
}
