package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/dashboards/grafana"
	"kaskad/engine"
)

// target is a query of a board or an alert.
type target struct {
	Where      string
	Datasource struct{ Type string }
	RawSQL     string `json:"rawSql"`
	Format     any
	URL        string
	URLOptions struct {
		Params []struct{ Key, Value string }
	} `json:"url_options"`
	RootSelector string `json:"root_selector"`
	Columns      []struct{ Selector, Text, Type string }
	Filter       string `json:"filterExpression"`
}

// targets are those of the checked-in boards, and of the alerts that ask ClickHouse.
func targets(t *testing.T) (all []target) {
	t.Helper()
	names, err := filepath.Glob("../../dashboards/grafana/boards/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []target
			}
			Templating struct {
				List []struct {
					Name  string
					Type  string
					Query json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				q.Where = p.Title
				all = append(all, q)
			}
		}
		for _, v := range board.Templating.List {
			if v.Type != "query" {
				continue
			}
			var asked struct {
				InfinityQuery target `json:"infinityQuery"`
			}
			if err := json.Unmarshal(v.Query, &asked); err != nil {
				t.Fatal(err)
			}
			asked.InfinityQuery.Where, asked.InfinityQuery.Datasource.Type = "variable "+v.Name, grafana.Infinity
			all = append(all, asked.InfinityQuery)
		}
	}
	for _, a := range grafana.Alerts() {
		if a.Plugin == grafana.ClickHouse {
			q := target{Where: "alert " + a.Name, RawSQL: a.Query, Format: 1.0}
			q.Datasource.Type = a.Plugin
			all = append(all, q)
		}
	}
	return all
}

// address is what Grafana's page and Infinity make of the query: variables of which all is chosen become their
// allValue, chosen ones a parameter for each value, and the period is written in the reader's zone.
func (q *target) address(from, to time.Time, chosen url.Values) string {
	shown := func(text string) string {
		return regexp.MustCompile(`\$\{([a-z_]+)(?::([^}]*))?\}`).ReplaceAllStringFunc(text, func(found string) string {
			name, format, _ := strings.Cut(strings.Trim(found, "${}"), ":")
			switch {
			case (name == "__from" || name == "__to") && format == "date:YYYY-MM-DDTHH:00:00Z":
				at := map[string]time.Time{"__from": from, "__to": to}[name]
				return at.Format("2006-01-02T15:00:00-07:00")
			case name == "tz":
				return "UTC"
			case format == "customqueryparam:"+name && chosen.Has(name):
				return url.Values{name: chosen[name]}.Encode()
			case format == "customqueryparam:"+name:
				return "&"
			}
			return found // which the API refuses
		})
	}
	route, query, _ := strings.Cut(shown(q.URL), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return err.Error()
	}
	for _, p := range q.URLOptions.Params {
		values.Add(p.Key, shown(p.Value))
	}
	return route + "?" + values.Encode()
}

// frame checks what Infinity makes of an answer: each row has each column, of the type that is named. It returns in how
// many rows a column is not null.
func (q *target) frame(t *testing.T, reply string) (rows int, known map[string]int) {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(reply), &root); err != nil {
		t.Fatal(err)
	}
	list := []any{root}
	if q.RootSelector != "" {
		list, _ = root.(map[string]any)[q.RootSelector].([]any)
	}
	known = map[string]int{}
	for _, r := range list {
		row, _ := r.(map[string]any)
		if q.Filter != "" && q.Filter != fmt.Sprintf("mature == %v", row["mature"]) {
			continue
		}
		rows++
		for _, c := range q.Columns {
			value, there := row[c.Selector]
			if !there || c.Text != c.Selector {
				t.Fatalf("%s: the API has no %s", q.Where, c.Selector)
			}
			right := false
			switch c.Type {
			case "number":
				text, isText := value.(string)
				_, right = value.(float64)
				right = right || isText && regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`).MatchString(text)
			case "string":
				_, right = value.(string)
			case "boolean":
				_, right = value.(bool)
			case "timestamp":
				text, _ := value.(string)
				_, err := time.Parse(time.DateOnly, text)
				right = err == nil
			}
			if right {
				known[c.Selector]++
			} else if value != nil {
				t.Fatalf("%s: %s is %v, want a %s", q.Where, c.Selector, value, c.Type)
			}
		}
	}
	return rows, known
}

// sql is what the ClickHouse plugin makes of the query.
func (q *target) sql(from, to time.Time) string {
	text := regexp.MustCompile(`\$__timeFilter\(([a-z_]+)\)`).ReplaceAllString(q.RawSQL,
		fmt.Sprintf("$1 >= toDateTime(%d) AND $1 <= toDateTime(%d)", from.Unix(), to.Unix()))
	return regexp.MustCompile(`\$__timeInterval\(([a-z_]+)\)`).ReplaceAllString(text,
		"toStartOfInterval(toDateTime($1), INTERVAL 30 second)")
}

// Each query of the boards is answered: those of business boards by the API, by a key that sees no numbers, those of
// operators' boards and alerts by ClickHouse, for a user that cannot read a column that tells of people.
func TestGrafana_EveryQuery(t *testing.T) {
	k := newKaskad(t)
	k.startDemo(oneDay...)
	var day struct{ Start time.Time }
	text, err := os.ReadFile(filepath.Join(k.dir, demoFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &day); err != nil {
		t.Fatal(err)
	}
	asked := targets(t)
	k.businessQueries(t, asked, day.Start)
	k.accountHolds(t, asked, day.Start)
	k.stop()
	k.operatorQueries(t, asked)
}

func (k *kaskad) businessQueries(t *testing.T, asked []target, day time.Time) {
	t.Helper()
	// In a zone with an odd offset, and not on a whole hour.
	from := day.Add(7 * time.Minute).In(time.FixedZone("", 5*3600+1800))
	to := from.AddDate(0, 0, 2)
	count := 0
	seen := map[string]int{}
	for _, q := range asked {
		if q.Datasource.Type != grafana.Infinity {
			continue
		}
		count++
		status, reply := k.request(http.MethodGet, q.address(from, to, nil), "", nil)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", q.Where, status, reply)
			continue
		}
		rows, known := q.frame(t, string(reply))
		seen[q.Where] += rows
		if rows == 0 && q.RootSelector != "" {
			// The demo has no such row, or all have settled; the header of a file names the fields all the same.
			_, header := k.request(http.MethodGet, q.address(from, to, nil)+"&format=csv&limit=1", "", nil)
			fields := strings.Split(strings.TrimSpace(strings.SplitN(string(header), "\n", 2)[0]), ",")
			for _, c := range q.Columns {
				if !slices.Contains(fields, c.Selector) {
					t.Errorf("%s: the API has no %s: %s", q.Where, c.Selector, header)
				}
			}
		}
		for _, c := range q.Columns {
			if rows > 0 && known[c.Selector] == 0 && q.Filter == "" {
				t.Errorf("%s: %s is unknown in all %d rows", q.Where, c.Selector, rows)
			}
		}
		// One channel and account alone: no more rows, and no error.
		if strings.Contains(q.URL, "customqueryparam:channel") {
			one := q.address(from, to, url.Values{"channel": {"sms", "push"}, "account": {"lavka"}})
			if status, reply := k.request(http.MethodGet, one, "", nil); status != http.StatusOK {
				t.Errorf("%s, chosen: %d %s", q.Where, status, reply)
			} else if some, _ := q.frame(t, string(reply)); some > rows {
				t.Errorf("%s: %d rows of two channels, %d of all", q.Where, some, rows)
			}
		}
	}
	if count < 18 {
		t.Errorf("only %d queries ask the API", count)
	}
	for where, rows := range seen {
		// A day is short for deaths, and the demo's texts waste nothing.
		if rows == 0 && where != "Spent on dead numbers" && where != "Wasted segments" {
			t.Errorf("%s shows nothing", where)
		}
	}
}

// accountHolds asks the same with keys: that of an account sees the account alone, and one of scope analyst is enough.
func (k *kaskad) accountHolds(t *testing.T, asked []target, day time.Time) {
	t.Helper()
	k.stop()
	k.startWithKeys()
	k.waitReady()
	admin, err := os.ReadFile(filepath.Join(k.dir, datadir.AdminKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	status, reply := k.with(strings.TrimSpace(string(admin)), http.MethodPost, "/v1/keys",
		`{"account":"lavka","scopes":["analyst"],"note":"boards"}`)
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(reply), &made); err != nil || status != http.StatusCreated {
		t.Fatal(status, reply)
	}
	for _, q := range asked {
		if q.Datasource.Type != grafana.Infinity {
			continue
		}
		if status, reply := k.with(made.Key, http.MethodGet, q.address(day, day.AddDate(0, 0, 2), nil),
			""); status != 200 {
			t.Errorf("%s: %d %s", q.Where, status, reply)
		}
		if q.Where == "variable account" {
			_, reply := k.with(made.Key, http.MethodGet, q.address(day, day.AddDate(0, 0, 2), nil), "")
			var answer struct{ Rows []struct{ Account string } }
			if err := json.Unmarshal([]byte(reply), &answer); err != nil || len(answer.Rows) != 1 ||
				answer.Rows[0].Account != "lavka" {
				t.Errorf("the key of lavka sees %s", reply)
			}
		}
	}
}

func (k *kaskad) operatorQueries(t *testing.T, asked []target) {
	t.Helper()
	conn, all := k.asOperator(t)
	now := time.Now().Add(time.Minute)
	count := 0
	for _, q := range asked {
		if q.Datasource.Type != grafana.ClickHouse {
			continue
		}
		count++
		rows, err := conn.Query(t.Context(), q.sql(now.Add(-24*time.Hour), now))
		if err != nil {
			t.Errorf("%s: %v", q.Where, err)
			continue
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil {
			t.Errorf("%s: %v", q.Where, err)
		}
		kinds := rows.ColumnTypes()
		if q.Format == 0.0 && (len(kinds) < 2 || !strings.HasPrefix(kinds[0].DatabaseTypeName(), "DateTime")) {
			t.Errorf("%s: a series begins with its time", q.Where)
		}
		// Nothing is merged at rest.
		if n == 0 && q.Where != "Merges and mutations" {
			t.Errorf("%s shows nothing", q.Where)
		}
		_ = rows.Close()
	}
	if count < 12 {
		t.Errorf("only %d queries ask ClickHouse", count)
	}
	mayReadNobody(t, conn, all)
}

// asOperator opens the database of a stopped kaskad as the user of users.d, and as Kaskad itself.
func (k *kaskad) asOperator(t *testing.T) (operator, own driver.Conn) {
	t.Helper()
	const password = "of a test"
	user, err := os.ReadFile("../../dashboards/grafana/clickhouse/operator.xml")
	if err != nil {
		t.Fatal(err)
	}
	// The engine gives its child no variables.
	given := strings.Replace(string(user), `<password from_env="GRAFANA_CLICKHOUSE_PASSWORD"/>`,
		"<password>"+password+"</password>", 1)
	dir := filepath.Join(k.dir, "clickhouse")
	if err := os.MkdirAll(filepath.Join(dir, "users.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "users.d", "operator.xml"), []byte(given), 0o600); err != nil {
		t.Fatal(err)
	}
	running, err := engine.StartClickHouse(t.Context(), engine.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	open := func(change func(*clickhouse.Options)) driver.Conn {
		options, err := clickhouse.ParseDSN(running.DSN())
		if err != nil {
			t.Fatal(err)
		}
		options.DialContext = running.Dial
		change(options)
		conn, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	operator = open(func(o *clickhouse.Options) {
		o.Auth.Username, o.Auth.Password = grafana.OperatorUser, password
	})
	own = open(func(*clickhouse.Options) {})
	t.Cleanup(func() {
		_, _ = operator.Close(), own.Close()
		_ = running.Stop(t.Context())
	})
	return operator, own
}

// mayReadNobody reads every column of every table as the operator: those that rights name can be read and hold nobody's
// number, contact or message, the others are refused.
func mayReadNobody(t *testing.T, operator, own driver.Conn) {
	t.Helper()
	open := map[string]bool{}
	for _, r := range grafana.Rights() {
		for _, c := range r.Columns {
			open[r.Database+"."+r.Table+"."+c] = true
		}
	}
	var columns []string
	if err := own.QueryRow(t.Context(), "SELECT groupArray(concat(database, '.', table, '.', name)) FROM "+
		"system.columns "+
		"WHERE database = 'kaskad' AND NOT startsWith(table, '.inner')").Scan(&columns); err != nil {
		t.Fatal(err)
	}
	var people []string
	if err := own.QueryRow(t.Context(), "SELECT arrayConcat("+
		"groupUniqArray(80)(splitByChar('\\0', recipient_country)[1]), "+
		"groupUniqArray(80)(message_id), groupUniqArray(80)(contact)) FROM attempts").Scan(&people); err != nil {
		t.Fatal(err)
	}
	people = slices.DeleteFunc(people, func(s string) bool { return s == "" })
	if len(columns) < 300 || len(people) < 180 {
		t.Fatalf("%d columns, %d people and messages", len(columns), len(people))
	}
	readable := maps.Clone(open)
	for _, column := range columns {
		table, name := column[:strings.LastIndexByte(column, '.')], column[strings.LastIndexByte(column, '.')+1:]
		var held uint64
		err := operator.QueryRow(t.Context(), fmt.Sprintf("SELECT countIf(multiSearchAny(toString(`%s`), $1)) FROM "+
			"%s", name,
			table), people).Scan(&held)
		switch {
		case open[column] && err != nil:
			t.Errorf("%s is refused: %v", column, err)
		case open[column] && held > 0:
			t.Errorf("%s tells of people in %d rows", column, held)
		case !open[column] && (err == nil || !strings.Contains(err.Error(), "Not enough privileges")):
			t.Errorf("%s is not refused: %v", column, err)
		}
		delete(readable, column)
	}
	for column := range readable {
		if strings.HasPrefix(column, "kaskad.") {
			t.Errorf("there is no column %s", column)
		}
	}
	for _, statement := range []string{"SELECT query FROM system.processes",
		"SELECT last_error_message FROM system.errors",
		"SELECT command FROM system.mutations", "INSERT INTO ledger (topic) VALUES ('x')", "TRUNCATE TABLE ledger",
		"SET readonly = 0", "SET max_memory_usage = 0", "SELECT * FROM url('http://127.0.0.1:1/', TSV, 'n UInt8')",
		"CREATE TABLE other (n UInt8) ENGINE = Memory", "SELECT * FROM merge('kaskad', '^attempts$')"} {
		if err := operator.Exec(t.Context(), statement); err == nil {
			t.Errorf("the operator may %s", statement)
		}
	}
	// The embedded ClickHouse makes no users; it reads what others are told, though.
	text, err := os.ReadFile("../../dashboards/grafana/clickhouse/operator.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range strings.Split(strings.TrimSuffix(strings.TrimSpace(string(text)), ";"), ";\n") {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"password": "some"}))
		if err := own.Exec(ctx, "EXPLAIN AST "+statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
