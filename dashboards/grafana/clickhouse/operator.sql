-- Made by go generate ./dashboards/grafana: rights.go has the rights. For a database of another
-- name write it in place of kaskad.
-- clickhouse-client --param_password="$PASSWORD" --queries-file operator.sql
CREATE USER IF NOT EXISTS kaskad_operator IDENTIFIED WITH sha256_password BY {password:String}
    SETTINGS readonly = 2 CONST, max_execution_time = 30 MAX 120, max_memory_usage = 1000000000 CONST, max_threads = 2 CONST, max_result_rows = 100000 CONST, max_concurrent_queries_for_user = 20 CONST;
GRANT SHOW TABLES ON kaskad.* TO kaskad_operator;
GRANT SELECT(`at`, `account`, `day`, `due`, `hours`, `messages`, `differences`) ON kaskad.audits TO kaskad_operator;
GRANT SELECT(`table`, `part`, `state`, `at_ms`, `version`) ON kaskad.broken_parts TO kaskad_operator;
GRANT SELECT(`edition`, `published`, `at`) ON kaskad.editions TO kaskad_operator;
GRANT SELECT(`as_of_ms`, `pending_buckets`, `leaving`, `at`) ON kaskad.freshness TO kaskad_operator;
GRANT SELECT(`consumer_group`, `topic`, `partition`, `offset`, `consumed`, `stored`, `rejected`, `parked`, `empty`, `at_us`) ON kaskad.ledger TO kaskad_operator;
GRANT SELECT(`account`, `bucket`, `state`, `since_ms`, `version`) ON kaskad.lost_hours TO kaskad_operator;
GRANT SELECT(`generation`, `as_of_ms`) ON kaskad.numbers_done TO kaskad_operator;
GRANT SELECT(`generation`) ON kaskad.numbers_touched TO kaskad_operator;
GRANT SELECT(`topic`, `partition`, `offset`, `line`, `reason`, `at_ms`, `inserted`) ON kaskad.rejected TO kaskad_operator;
GRANT SELECT(`name`, `path`, `free_space`, `total_space`) ON system.disks TO kaskad_operator;
GRANT SELECT(`name`, `code`, `value`, `last_error_time`, `remote`) ON system.errors TO kaskad_operator;
GRANT SELECT(`database`, `table`, `elapsed`, `progress`, `num_parts`, `is_mutation`, `memory_usage`) ON system.merges TO kaskad_operator;
GRANT SELECT(`active`, `database`, `table`, `partition_id`, `rows`, `bytes_on_disk`) ON system.parts TO kaskad_operator;
