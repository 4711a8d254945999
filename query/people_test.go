package query

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
)

// storePeople stores the counts that follow from attempts by recipient, scattered over editions and builds.
func storePeople(tb testing.TB, conn driver.Conn) {
	tb.Helper()
	countPeople(tb, conn)
	for _, table := range []string{"rollup_people", "rollup_attempts"} {
		querytest.Scatter(tb, conn, table)
	}
}

// countPeople stores the counts that follow from attempts by recipient, as differences of edition 7.
func countPeople(tb testing.TB, conn driver.Conn) {
	tb.Helper()
	for _, table := range []string{"rollup_people", "rollup_attempts", "legs", "builds", "day_changes"} {
		execute(tb, conn, "TRUNCATE TABLE "+table)
	}
	const attempts = "(SELECT *, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort, " +
		"if(start_ms = 9999999999999, cohort_ms, start_ms) AS started_ms FROM attempts_by_recipient FINAL) AS f"
	execute(tb, conn, `INSERT INTO legs (account, leg, channel, provider, app)
		SELECT DISTINCT account, cityHash64(channel, provider, app), channel, provider, app FROM attempts_by_recipient`)
	execute(tb, conn, `INSERT INTO rollup_attempts (account, kind, day, edition, bucket, cohort, channel, provider, campaign, step, attempted, cohort_max_ms)
		SELECT account, 'difference', cohort, 7, bucket, cohort, channel, provider, campaign, step, 1, cohort_ms FROM `+attempts+`
		WHERE NOT bitTest(code, 6) SETTINGS max_partitions_per_insert_block = 0`)
	execute(tb, conn, `INSERT INTO rollup_people (account, kind, day, edition, bucket, cohort, person, other, way, delivered_ms, error_code, told_ms, failed_ms,
			attempts, messages)
		SELECT account, 'difference', cohort, 7, bucket, cohort, xxHash64(concat(account, '\0', f.person)) AS whose,
			bitXor(xxHash64(concat(account, '\0', recipient)), whose), concat(channel, '\0', app, '\0', provider),
			if(bitTest(code, 1), f.delivered_ms, 0), error_code, if(error_code = '', 0, if(error_ms > 0, error_ms, started_ms)),
			if(error_code != '' AND bitTest(code, 3), started_ms, 0), 1,
			row_number() OVER (PARTITION BY account, message_id ORDER BY step) = 1
		FROM `+attempts+` WHERE NOT bitTest(code, 6) SETTINGS max_partitions_per_insert_block = 0`)
}
