package querytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Publish makes what editions changed visible.
func Publish(tb testing.TB, conn driver.Conn, editions ...uint64) {
	tb.Helper()
	Begin(tb, conn, editions...)
	for _, e := range editions {
		Execute(tb, conn, "INSERT INTO editions (edition, published) VALUES ($1, true)", e)
	}
}

// Begin begins editions that die when they are not published.
func Begin(tb testing.TB, conn driver.Conn, editions ...uint64) {
	tb.Helper()
	for _, e := range editions {
		Execute(tb, conn, "INSERT INTO editions (edition, published) VALUES ($1, false)", e)
	}
}

// column is one of a rollup.
type column struct{ name, kind string }

func (c column) sums() bool {
	return slices.Contains([]string{"Int32", "Int64", "Int128"}, c.kind) && !strings.HasSuffix(c.name, "_ms")
}

func (c column) maps() bool { return strings.HasPrefix(c.kind, "Map(") }

func columnsOf(tb testing.TB, conn driver.Conn, table string) (all []column) {
	tb.Helper()
	rows, err := conn.Query(tb.Context(),
		"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND "+
			"default_kind = '' AND table = $1 ORDER BY position", table)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.kind); err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil || len(all) == 0 {
		tb.Fatalf("columns of %s: %v", table, err)
	}
	return all
}

// insertInto copies rows into a rollup; replace has expressions by the names of columns, and sums those of what is
// counted, with %s for the column.
func insertInto(tb testing.TB, conn driver.Conn, table, from string, replace map[string]string, times int) {
	tb.Helper()
	var expressions []string
	for _, c := range columnsOf(tb, conn, table) {
		expression := c.name
		switch {
		case replace[c.name] != "":
			expression = replace[c.name]
		case c.sums():
			expression = fmt.Sprintf("x.%s * %d", c.name, times)
		case c.kind == "Map(UInt16, UInt64)":
			expression = fmt.Sprintf("mapApply((k, v) -> (k, toUInt64(v * %d)), x.%s)", times, c.name)
		case c.maps():
			expression = fmt.Sprintf("mapApply((k, v) -> (k, v * %d), x.%s)", times, c.name)
		}
		expressions = append(expressions, expression+" AS "+c.name)
	}
	Execute(tb, conn, "INSERT INTO "+table+" SELECT "+strings.Join(expressions, ", ")+" FROM "+from+
		" SETTINGS max_partitions_per_insert_block = 0")
}

// Change has an edition take back what rows of a condition say, and say it again of another campaign where there is
// one.
func Change(tb testing.TB, conn driver.Conn, table string, edition uint64, condition, campaign string) {
	tb.Helper()
	replace := map[string]string{"edition": fmt.Sprintf("toUInt64(%d)", edition)}
	from := "(SELECT * FROM " + table + " WHERE kind = 'difference' AND " + condition + ") AS x"
	// At once, so that neither finds what the other has written.
	Execute(tb, conn, "CREATE OR REPLACE TABLE changed ENGINE = Memory AS SELECT * FROM "+from)
	insertInto(tb, conn, table, "changed AS x", replace, -1)
	if campaign != "" {
		replace["campaign"] = "'" + campaign + "'"
		insertInto(tb, conn, table, "changed AS x", replace, 1)
	}
}

// Build is BuildClosing, closing no windows.
func Build(tb testing.TB, conn driver.Conn, table string, build uint64, condition string, times int) {
	tb.Helper()
	BuildClosing(tb, conn, table, build, condition, times, time.Time{})
}

// BuildClosing sums up what was published before an edition, of the accounts and days of a condition, as the aggregator
// does, and publishes that. times other than 1 makes sums that are wrong. Windows of a day that were over at closing
// are told apart no longer.
func BuildClosing(tb testing.TB, conn driver.Conn, table string, build uint64, condition string, times int,
	closing time.Time) {
	tb.Helper()
	kinds := []string{"quarter", "day"}
	switch table {
	case "rollup_attempts":
		kinds = append(kinds, "route")
	case "rollup_people":
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		var expressions, groups, counts []string
		for _, c := range columnsOf(tb, conn, table) {
			expression := "x." + c.name
			switch {
			case c.name == "kind":
				expression = "'" + kind + "'"
			case c.name == "edition":
				expression = fmt.Sprintf("toUInt64(%d)", build)
			case c.name == "cohort_max_ms":
				expression = "max(x.cohort_max_ms)"
			case c.sums():
				expression = fmt.Sprintf("sum(x.%s) * %d", c.name, times)
				counts = append(counts, "sum(x."+c.name+") != 0")
			case c.name == "window_end":
				expression = fmt.Sprintf("if(toUnixTimestamp(x.window_end) + 86400 < %d, toDateTime(0, 'UTC'), "+
					"x.window_end)", max(closing.Unix(), 0))
				groups = append(groups, expression)
			case c.maps():
				expression = "sumMap(x." + c.name + ")"
			case kind != "quarter" && c.name == "bucket":
				expression = "toDateTime(0, 'UTC')"
			case kind != "quarter" && c.name == "cohort":
				expression = "toDateTime(x.day, 'UTC')"
			case kind == "route" && c.name == "step":
				expression = "0"
			case kind == "route" && c.kind == "LowCardinality(String)" &&
				!slices.Contains([]string{"account", "channel", "provider"}, c.name):
				expression = "''"
			default:
				groups = append(groups, expression)
			}
			expressions = append(expressions, expression+" AS "+c.name)
		}
		if kind == "quarter" {
			groups = append(groups, "x.bucket", "x.cohort")
		}
		Execute(tb, conn, "INSERT INTO "+table+" SELECT "+strings.Join(expressions, ", ")+" FROM ("+
			"SELECT r.* FROM "+table+" AS r LEFT ANY JOIN (SELECT account AS of_account, day AS of_day, "+
			"max(build) AS base FROM builds WHERE build < $1 "+
			"AND build IN (SELECT edition FROM editions WHERE published) "+
			"GROUP BY account, day) AS b ON of_account = r.account AND of_day = r.day WHERE r.edition < $1 "+
			"AND if(r.kind = 'difference', r.edition > base, r.kind = 'quarter' AND r.edition = base) "+
			"AND r.edition IN (SELECT edition FROM editions WHERE published)) AS x WHERE "+condition+
			" GROUP BY "+strings.Join(groups, ", ")+
			" HAVING "+strings.Join(counts, " OR ")+
			" SETTINGS max_partitions_per_insert_block = 0", build)
	}
	Execute(tb, conn, "INSERT INTO builds SELECT account, day, $1, count() FROM "+table+" AS x WHERE x.kind = "+
		"'difference' AND "+
		"x.edition < $1 AND "+condition+" GROUP BY account, day", build)
}

// Scatter leaves what a rollup counts as it is, and spreads it over all that may hold it: differences of several
// editions, some of which are taken back, sums that are older or newer than others, and what must not be seen: rows
// that were summed up, of editions and builds that died, and of editions to come.
func Scatter(tb testing.TB, conn driver.Conn, table string) {
	tb.Helper()
	Execute(tb, conn, "DROP TABLE IF EXISTS plain")
	Execute(tb, conn, "CREATE TABLE plain ENGINE = Memory AS SELECT * FROM "+table)
	Execute(tb, conn, "TRUNCATE TABLE "+table)
	row := "cohort_max_ms"
	if table == "rollup_people" {
		row = "person"
	}
	edition := func(expression string) map[string]string {
		return map[string]string{"edition": "toUInt64(" + expression + ")"}
	}
	plain := func(of int, rest string) string {
		return "plain AS x WHERE " + fmt.Sprintf("cityHash64(account, day, %s) %% %d %s", row, of, rest)
	}
	// Two of three rows come one after another, with others that are taken back, some of them under another cohort.
	insertInto(tb, conn, table, "plain AS x", edition("[1, 2, 3, 5, 7, 10][1 + cityHash64("+row+", day) % 6]"), 1)
	for _, times := range []int{5, -5} {
		replace := edition(map[int]string{5: "1 + day % 3", -5: "[5, 7, 10][1 + day % 3]"}[times])
		replace["cohort_max_ms"] = "toInt64(toUnixTimestamp(cohort)) * 1000"
		insertInto(tb, conn, table, plain(3, "= 0"), replace, times)
		replace["template"], replace["person"] = "'taken back'", "toUInt64(1)"
		insertInto(tb, conn, table, plain(3, "= 1"), replace, times)
	}
	insertInto(tb, conn, table, plain(4, "= 0"), edition("4"), 1000)
	insertInto(tb, conn, table, plain(4, "= 1"), edition("99"), 1000)
	Publish(tb, conn, 1, 2, 3, 5, 6, 7, 8, 10)
	Begin(tb, conn, 4, 9, 99)
	Build(tb, conn, table, 6, "cityHash64(account, day) % 3 > 0", 1)
	Build(tb, conn, table, 8, "cityHash64(account, day) % 3 > 1", 1)
	Build(tb, conn, table, 9, "cityHash64(account, day) % 2 = 0", 1000)
	Build(tb, conn, table, 99, "cityHash64(account, day) % 2 = 1", 1000)
}
