package grafana

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// OperatorUser is who operators' boards read ClickHouse as.
const OperatorUser = "kaskad_operator"

// Right is what [OperatorUser] may read of a table.
type Right struct {
	Database, Table string
	Columns         []string
}

// Rights are all that [OperatorUser] may read: how much there is and how it goes, and nothing that says whom a message
// was for, which message it was, or what a sender wrote. A column that is not named here is closed, also a new one.
func Rights() []Right {
	var rights []Right
	for _, line := range []string{
		"kaskad.audits at account day due hours messages differences",
		"kaskad.broken_parts table part state at_ms version",
		"kaskad.editions edition published at",
		"kaskad.freshness as_of_ms pending_buckets leaving at",
		"kaskad.ledger consumer_group topic partition offset consumed stored rejected parked empty at_us",
		"kaskad.lost_hours account bucket state since_ms version",
		"kaskad.numbers_done generation as_of_ms",
		"kaskad.numbers_touched generation",
		"kaskad.rejected topic partition offset line reason at_ms inserted",
		"system.disks name path free_space total_space",
		"system.errors name code value last_error_time remote",
		"system.merges database table elapsed progress num_parts is_mutation memory_usage",
		"system.parts active database table partition_id rows bytes_on_disk",
	} {
		words := strings.Fields(line)
		database, table, _ := strings.Cut(words[0], ".")
		rights = append(rights, Right{database, table, words[1:]})
	}
	return rights
}

// grants are the statements that give them. SHOW TABLES has system.parts list all tables, by name and size.
func grants() []string {
	statements := []string{"GRANT SHOW TABLES ON kaskad.* TO " + OperatorUser}
	for _, r := range Rights() {
		columns := make([]string, len(r.Columns))
		for i, c := range r.Columns {
			columns[i] = "`" + c + "`"
		}
		statements = append(statements, fmt.Sprintf("GRANT SELECT(%s) ON %s.%s TO %s", strings.Join(columns, ", "),
			r.Database, r.Table, OperatorUser))
	}
	return statements
}

// limit is a setting of the user, and what it may be changed to: "" for nothing.
type limit struct{ name, value, most string }

// limits keep a board from taking ClickHouse away from Kaskad. The plugin's driver sets how long a statement may last,
// so readonly is 2.
func limits() []limit {
	return []limit{{"readonly", "2", ""}, {"max_execution_time", "30", "120"}, {"max_memory_usage", "1000000000", ""},
		{"max_threads", "2", ""}, {"max_result_rows", "100000", ""}, {"max_concurrent_queries_for_user", "20", ""}}
}

// operatorXML is the user for users.d of a ClickHouse server.
func operatorXML() []byte {
	var b strings.Builder
	b.WriteString("<clickhouse>\n    <!-- Made by go generate ./dashboards/grafana: rights.go has the rights. -->\n" +
		"    <profiles>\n        <" + OperatorUser + ">\n")
	var constraints string
	for _, l := range limits() {
		fmt.Fprintf(&b, "            <%[1]s>%[2]s</%[1]s>\n", l.name, l.value)
		constraint := "<const/>"
		if l.most != "" {
			constraint = "<max>" + l.most + "</max>"
		}
		constraints += fmt.Sprintf("                <%[1]s>%[2]s</%[1]s>\n", l.name, constraint)
	}
	b.WriteString("            <constraints>\n" + constraints + "            </constraints>\n        </" +
		OperatorUser + ">\n    </profiles>\n    <users>\n        <" + OperatorUser + ">\n" +
		"            <password from_env=\"GRAFANA_CLICKHOUSE_PASSWORD\"/>\n" +
		"            <networks><ip>::/0</ip></networks>\n" +
		"            <profile>" + OperatorUser + "</profile>\n            <quota>default</quota>\n" +
		"            <grants>\n")
	for _, g := range grants() {
		g = strings.TrimSuffix(g, " TO "+OperatorUser)
		b.WriteString("                <query>")
		_ = xml.EscapeText(&b, []byte(g)) // a strings.Builder takes everything
		b.WriteString("</query>\n")
	}
	b.WriteString("            </grants>\n        </" + OperatorUser + ">\n    </users>\n</clickhouse>\n")
	return []byte(b.String())
}

// operatorSQL is the same user where users are made by SQL.
func operatorSQL() []byte {
	var settings []string
	for _, l := range limits() {
		constraint := " CONST"
		if l.most != "" {
			constraint = " MAX " + l.most
		}
		settings = append(settings, l.name+" = "+l.value+constraint)
	}
	statements := slices.Concat([]string{"CREATE USER IF NOT EXISTS " + OperatorUser +
		" IDENTIFIED WITH sha256_password BY {password:String}\n    SETTINGS " + strings.Join(settings, ", "+
		"")}, grants())
	return []byte("-- Made by go generate ./dashboards/grafana: rights.go has the rights. For a database of another\n" +
		"-- name write it in place of kaskad.\n" +
		"-- clickhouse-client --param_password=\"$PASSWORD\" --queries-file operator.sql\n" +
		strings.Join(statements, ";\n") + ";\n")
}
