package aggregate

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/cells"
	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/schema/law"
	"kaskad/schema/state"
	"kaskad/simulate/worlds"
)

// tableRow is a row by the names of its columns.
type tableRow map[string]any

// rowsOf reads all that a query finds.
func rowsOf(t *testing.T, conn driver.Conn, query string) (all []tableRow) {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	types := rows.ColumnTypes()
	for rows.Next() {
		into := make([]any, len(types))
		for i := range types {
			into[i] = reflect.New(types[i].ScanType()).Interface()
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := tableRow{}
		for i := range types {
			row[types[i].Name()] = reflect.ValueOf(into[i]).Elem().Interface()
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// blockRows takes a block apart.
func blockRows(b cells.Block) (all []tableRow) {
	for i := range b.Rows {
		row := tableRow{}
		for c, name := range b.Names {
			row[name] = reflect.ValueOf(b.Columns[c]).Index(i).Interface()
		}
		all = append(all, row)
	}
	return all
}

// cellSums compares cells by what they say: legs and shapes by their content, and numbers as sums by key and column.
type cellSums struct {
	content map[string]string // of a leg or a shape, by its account and hash
	sums    map[string]*big.Int
	latest  map[string]int64 // cohort_max_ms
}

var keyColumns = strings.Fields("account bucket cohort channel provider campaign template sender app operator country traffic " +
	"step trigger error_code permanent expired leg code computed_segments shape message_segments message_template " +
	"sms_segments sms_measure reported_currency")

func plain(v any) string {
	switch v := v.(type) {
	case time.Time:
		return fmt.Sprint(v.Unix())
	case string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprint(v)
	}
}

// note learns the content of legs and shapes. Legs come first.
func (c *cellSums) note(table string, rows []tableRow) {
	for _, row := range rows {
		var content []string
		if table == "shapes" {
			legs, codes := row["legs"].([]uint64), row["codes"].([]uint32)
			content = append(content, plain(row["sms_segments"]))
			for i, leg := range legs {
				content = append(content, c.content[plain(row["account"])+plain(leg)], plain(codes[i]))
			}
			c.content[plain(row["account"])+plain(row["shape"])] = fmt.Sprint(content)
			continue
		}
		for _, name := range strings.Fields("channel provider operator country traffic sender app trigger currencies") {
			content = append(content, plain(row[name]))
		}
		c.content[plain(row["account"])+plain(row["leg"])] = fmt.Sprint(content)
	}
}

func (c *cellSums) add(t *testing.T, table string, rows []tableRow) {
	for _, row := range rows {
		key := table
		for _, name := range keyColumns {
			value, has := row[name]
			if !has {
				continue
			}
			text := plain(value)
			if name == "leg" || name == "shape" {
				if text = c.content[plain(row["account"])+text]; text == "" {
					t.Fatalf("%s %v of %s is not noted", name, value, table)
				}
			}
			key += " " + name + "=" + text
		}
		for name, value := range row {
			switch name {
			case "cohort_max_ms":
				c.latest[key] = max(c.latest[key], value.(int64))
				continue
			case "edition", "generation", "day", "window_end", "cohort_min_ms", "due_ms":
				continue
			}
			if slices.Contains(keyColumns, name) {
				continue
			}
			c.addSum(t, key+": "+name, value)
		}
	}
}

func (c *cellSums) addSum(t *testing.T, key string, value any) {
	sum := c.sums[key]
	if sum == nil {
		sum = new(big.Int)
	}
	switch value := value.(type) {
	case int64:
		sum.Add(sum, big.NewInt(value))
	case uint64:
		sum.Add(sum, new(big.Int).SetUint64(value))
	case big.Int:
		sum.Add(sum, &value)
	case *big.Int:
		sum.Add(sum, value)
	case map[uint16]uint64:
		for cell, n := range value {
			c.addSum(t, fmt.Sprint(key, " ", cell), int64(n))
		}
		return
	case map[string]string:
		for currency, text := range value {
			n, ok := new(big.Int).SetString(text, 10)
			if !ok {
				t.Fatalf("%s is %q", key, text)
			}
			c.addSum(t, key+" "+currency, n)
		}
		return
	case map[string]*big.Int:
		for currency, n := range value {
			c.addSum(t, key+" "+currency, n)
		}
		return
	default:
		t.Fatalf("%s is %T", key, value)
	}
	if c.sums[key] = sum; sum.Sign() == 0 {
		delete(c.sums, key)
	}
}

func newCellSums() *cellSums {
	return &cellSums{map[string]string{}, map[string]*big.Int{}, map[string]int64{}}
}

func (c *cellSums) addBlocks(t *testing.T, blocks []cells.Block) {
	for _, table := range []string{"legs", "shapes"} {
		for _, b := range blocks {
			if b.Table == table {
				c.note(table, blockRows(b))
			}
		}
	}
	for _, b := range blocks {
		if strings.HasPrefix(b.Table, "rollup_") {
			c.add(t, b.Table, blockRows(b))
		}
	}
}

// publishedCells are the cells that SQL has computed, under the names that those of editions have.
func publishedCells(t *testing.T, conn driver.Conn) *cellSums {
	t.Helper()
	c := newCellSums()
	c.note("legs", rowsOf(t, conn, "SELECT * FROM legs"))
	c.note("shapes", rowsOf(t, conn, "SELECT * FROM shapes"))
	for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend", "rollup_waste", "rollup_failures"} {
		columns := "*"
		if table == "rollup_spend" { // The driver cannot read maps of 128 bits.
			columns = "* REPLACE (CAST(reported, 'Map(String, String)') AS reported)"
		}
		rows := rowsOf(t, conn, "SELECT "+columns+" FROM "+table+" WHERE (account, bucket, generation) IN "+
			"(SELECT account, bucket, max(generation) FROM generations GROUP BY account, bucket)")
		if len(rows) == 0 {
			t.Fatalf("%s is empty: nothing is compared", table)
		}
		for _, row := range rows {
			if table != "rollup_attempts" {
				continue
			}
			for name, was := range map[string]string{"in_1m": "delivered_1m_num", "in_24h": "delivered_24h_num",
				"read_in_24h": "read_24h_num", "timed": "delivered_1m_den"} {
				row[name] = row[was]
			}
			if row["timed"] != row["delivered_24h_den"] || row["timed"] != row["read_24h_den"] {
				t.Fatalf("windows are not over in %+v", row)
			}
			for _, name := range strings.Fields("delivered_1m_num delivered_1m_den delivered_24h_num delivered_24h_den " +
				"read_24h_num read_24h_den") {
				delete(row, name)
			}
		}
		c.add(t, table, rows)
	}
	return c
}

func (c *cellSums) mustEqual(t *testing.T, what string, want *cellSums) {
	t.Helper()
	wrong := 0
	for key := range maps.Keys(mergedKeys(c.sums, want.sums)) {
		if got, wanted := c.sums[key], want.sums[key]; got == nil || wanted == nil || got.Cmp(wanted) != 0 {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: Go says %v, SQL %v of\n%s", what, got, wanted, key)
			}
		}
	}
	if wrong > 0 {
		t.Fatalf("%s: %d of %d sums differ", what, wrong, len(want.sums))
	}
}

func mergedKeys[V any](x, y map[string]V) map[string]bool {
	all := map[string]bool{}
	for key := range x {
		all[key] = true
	}
	for key := range y {
		all[key] = true
	}
	return all
}

// goStates makes states of events as the tables would hold them.
type goStates struct {
	all   map[string]*state.Message
	texts state.Texts
}

func (g *goStates) add(t *testing.T, lines []byte, now time.Time) {
	t.Helper()
	decoder := event.Decoder{MeasureSMS: money.SMSMeasure}
	event.Lines(lines, func(line int, raw []byte) {
		ev, bad := decoder.Decode(raw, now.UnixMilli())
		if bad != nil {
			t.Fatalf("line %d: %v", line, bad)
		}
		if !ev.Status.OfMessage() {
			return
		}
		key := string(ev.Account) + "\x00" + string(ev.MessageID)
		m := g.all[key]
		if m == nil {
			m = &state.Message{}
			m.Reset()
			m.Account, m.MessageID = string(ev.Account), string(ev.MessageID)
			g.all[key] = m
		}
		if ev.BucketMS != 0 && (m.BucketMS == 0 || ev.BucketMS < m.BucketMS) {
			m.BucketMS = ev.BucketMS
		}
		m.Add(ev, &g.texts)
	})
}

// copies are the states as they are now.
func (g *goStates) copies(t *testing.T) map[string]*state.Message {
	t.Helper()
	all := map[string]*state.Message{}
	for key, m := range g.all {
		all[key] = &state.Message{Key: m.Key}
		if err := all[key].Decode(string(m.Append(nil))); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// publishedDialogs are the dialogs that SQL has published, and the units in them by attempt.
func publishedDialogs(t *testing.T, conn driver.Conn) (rows []string, units map[string]law.Units) {
	t.Helper()
	units = map[string]law.Units{}
	for _, row := range rowsOf(t, conn, `SELECT account, toUnixTimestamp(bucket) * 1000 AS ms, message_id, step, channel, sender, recipient,
			delivered_ms, replies_ms, conversation, outside
		FROM dialogs WHERE (account, bucket, generation) IN (SELECT account, bucket, max(generation) FROM generations GROUP BY account, bucket)`) {
		u := law.Units{Conversation: row["conversation"].(uint8) == 1, Outside: row["outside"].(uint8) == 1}
		units[fmt.Sprint(row["account"], "\x00", row["message_id"], "\x00", row["step"])] = u
		rows = append(rows, fmt.Sprint(row["account"], row["ms"], row["message_id"], row["step"], row["channel"],
			row["sender"], row["recipient"], row["delivered_ms"], row["replies_ms"], u))
	}
	slices.Sort(rows)
	return rows, units
}

func goDialogs(states map[string]*state.Message, units map[string][]law.Units) (rows []string) {
	for key, m := range states {
		for _, d := range cells.AppendDialogs(nil, m, units[key]) {
			rows = append(rows, fmt.Sprint(d.Account, d.BucketMS, d.MessageID, d.Step, d.Channel, d.Sender, d.Recipient,
				d.DeliveredMS, d.RepliesMS, d.Units))
		}
	}
	slices.Sort(rows)
	return rows
}

func unitsOf(states map[string]*state.Message, published map[string]law.Units) map[string][]law.Units {
	units := map[string][]law.Units{}
	for key, m := range states {
		for _, a := range m.Attempts {
			units[key] = append(units[key], published[fmt.Sprint(key, "\x00", a.Step)])
		}
	}
	return units
}

// recipientRows are rows of attempts_by_recipient by their key, as text.
type recipientRows map[string]string

func (r recipientRows) add(rows []tableRow) {
	for _, row := range rows {
		if bucket, ok := row["bucket"].(time.Time); ok {
			row["bucket"] = bucket.Unix()
		}
		key := fmt.Sprintf("%q %q %v %q %v", row["account"], row["recipient"], row["bucket"], row["message_id"], row["step"])
		if row["gone"].(uint8) == 1 {
			delete(r, key)
			continue
		}
		// SQL never writes permanent. Of a message whose one attempt was skipped, it says what segments the text takes.
		delete(row, "permanent")
		delete(row, "generation")
		delete(row, "leg")
		if law.Code(row["code"].(uint32)).Skipped() {
			delete(row, "sms_segments")
		}
		var text []string
		for _, name := range slices.Sorted(maps.Keys(row)) {
			text = append(text, fmt.Sprintf("%s=%v", name, row[name]))
		}
		r[key] = strings.Join(text, " ")
	}
}

func (r recipientRows) mustEqual(t *testing.T, what string, want recipientRows) {
	t.Helper()
	for key := range mergedKeys(r, want) {
		if r[key] != want[key] {
			t.Fatalf("%s: by recipient, Go says\n%s\nSQL\n%s", what, r[key], want[key])
		}
	}
}

// The cells that Go computes of messages are those that SQL computes of hours, and so are the sums of the differences
// that changed messages make.
func TestCells_AsSQL(t *testing.T) {
	conn := connect(t)
	var early, late bytes.Buffer
	var now time.Time
	seed := rand.Uint64N(1 << 40)
	t.Logf("seed %d", seed)
	for i := range uint64(6) {
		money, numbers := worlds.RandomMoney(seed+i), worlds.RandomNumbers(seed+i, 10)
		now = money.Now
		for _, line := range slices.Concat(money.Early, numbers.Early) {
			early.Write(append(line, '\n'))
		}
		for _, line := range slices.Concat(money.Late, numbers.Late) {
			late.Write(append(line, '\n'))
		}
	}
	examples, err := os.ReadFile("../simulate/model/testdata/examples/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(examples, []byte("\n"))
	early.Write(bytes.Join(lines[:len(lines)/2], nil))
	late.Write(bytes.Join(lines[len(lines)/2:], nil))

	// Few texts waste segments by chance.
	at := noon.Add(-20 * time.Hour)
	text := fmt.Sprintf("%q", strings.Repeat("a", 161))
	for _, status := range []string{"sent", "rejected", "delivered"} {
		early.WriteString(line("one "+status, status, at, append(submitted(at), "sms_text", text)...))
		early.WriteString(line("two "+status, status, at, append(submitted(at), "step", "2")...))
		late.WriteString(line("two "+status, "sent", at, append(submitted(at), "sms_text", text)...))
	}
	// And few attempts are found to be somebody else's.
	early.WriteString(line("readdressed", "sent", at, submitted(at)...))
	late.WriteString(line("readdressed", "delivered", at, "recipient", `"+79009999999"`))

	// Then all windows are over: SQL counts in them what Go says will count.
	a := newAggregator(conn, now.Add(72*time.Hour))
	states := goStates{all: map[string]*state.Message{}}
	var old map[string]*state.Message
	var oldUnits map[string][]law.Units
	published, byRecipient := newCellSums(), recipientRows{}
	for _, part := range []struct {
		name  string
		lines []byte
	}{{"early", early.Bytes()}, {"late", late.Bytes()}} {
		load(t, conn, part.name, part.lines, now)
		settle(t, a)
		states.add(t, part.lines, now)
		messages := states.copies(t)
		dialogs, units := publishedDialogs(t, conn)
		newUnits := unitsOf(messages, units)
		if got := goDialogs(messages, newUnits); !slices.Equal(got, dialogs) {
			t.Fatalf("%s: dialogs\n%s\nSQL\n%s", part.name, strings.Join(got, "\n"), strings.Join(dialogs, "\n"))
		}
		want := publishedCells(t, conn)
		var whole, difference cells.Sum
		for key, m := range messages {
			whole.Add(m, newUnits[key], 1)
			difference.Replace(old[key], m, oldUnits[key], newUnits[key])
		}
		got := newCellSums()
		blocks := whole.Blocks(1)
		got.addBlocks(t, blocks)
		got.mustEqual(t, part.name, want)
		for key, ms := range got.latest {
			if wanted := want.latest[key]; wanted != ms && !strings.HasPrefix(key, "rollup_waste") {
				t.Errorf("%s: the latest cohort is at %d, want %d of %s", part.name, ms, wanted, key)
			}
		}
		published.addBlocks(t, difference.Blocks(1))
		published.mustEqual(t, part.name+", by differences", want)
		for _, b := range difference.Blocks(1) {
			if b.Table == "attempts_by_recipient" {
				byRecipient.add(blockRows(b))
			}
		}
		sql := recipientRows{}
		sql.add(rowsOf(t, conn, "SELECT * FROM attempts_by_recipient FINAL"))
		byRecipient.mustEqual(t, part.name, sql)
		t.Logf("%s: %d messages, %d sums, %d dialogs, %d rows by recipient are the same", part.name, len(messages),
			len(want.sums), len(dialogs), len(sql))
		old, oldUnits = messages, newUnits
	}
	if n := count(t, conn, "SELECT countIf(gone = 1) FROM attempts_by_recipient"); n == 0 {
		t.Error("no attempt was taken from a recipient: nothing is compared")
	}
	for _, column := range strings.Fields("attempted sent delivered read clicked replied failed pending skipped skewed " +
		"machine_opened lowered timed in_1m in_24h read_in_24h messages reported_micros") {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(published.sums)), func(key string) bool {
			return strings.HasSuffix(key, ": "+column)
		}) {
			t.Errorf("no cell has %s: nothing is compared", column)
		}
	}
}

// The cells of latencies in Go are those of SQL, on both sides of each border.
func TestLatencyCell_AsSQL(t *testing.T) {
	var latencies []int64
	for ms := int64(-1); ms < 2_000; ms++ {
		latencies = append(latencies, ms)
	}
	for border := 2_000.0; border < 1e11; border *= 1.02 {
		exact := math.Pow(1.02, math.Round(math.Log(border)/math.Log(1.02)))
		latencies = append(latencies, int64(exact)-1, int64(exact), int64(exact)+1)
	}
	// The expression of rollup_attempts.sql.
	if !strings.Contains(statement("rollup_attempts"), "ms -> if(ms <= 0, 0, 1 + ceil(log(ms) / log_growth))::UInt16") {
		t.Fatal("rollup_attempts.sql has another formula")
	}
	var cells []uint16
	if err := connect(t).QueryRow(t.Context(), `SELECT arrayMap(ms -> if(ms <= 0, 0, 1 + ceil(log(ms) / log(1.02)))::UInt16, ?)`,
		latencies).Scan(&cells); err != nil {
		t.Fatal(err)
	}
	for i, ms := range latencies {
		if cell := schema.LatencyCell(ms); cell != cells[i] {
			t.Errorf("%d ms are in cell %d, SQL says %d", ms, cell, cells[i])
		}
	}
}
