package erasure

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/schema/schematest"
)

var healthWithoutNumbers = []string{"account", "state", "rule", "reasons", "operator", "override", "dead_rules",
	"reachable_channels", "opt_channels", "opt_apps",
	"opt_senders", "opt_kinds"}

// columnsWithoutNumbers hold texts that are no phone numbers of the people who are written to: names of accounts, of
// dimensions, of places in the log, hashes, states. Ids of messages are the sender's own, and docs/operations.md asks
// not to put numbers into them. Null tables and views hold nothing.
var columnsWithoutNumbers = map[string][]string{
	"attempts": {"account", "message_id", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"traffic", "trigger", "error_code",
		"last_error", "said_country", "prices"},
	"attempts_by_recipient": {"account", "message_id", "channel", "provider", "campaign", "template", "sender", "app",
		"operator", "country", "traffic", "trigger", "error_code"},
	// Notes of keys are about keys, and docs/operations.md asks not to put numbers into them.
	"alert_events": {"account", "id", "rule", "metric", "keys", "channel", "provider", "operator", "campaign",
		"currency", "ended", "send_to"},
	"alert_told":   {"account", "receiver", "id", "outcome"},
	"api_audit":    {"account", "key_id", "by", "method", "route", "about", "address"},
	"api_key_uses": {"id"},
	"api_keys":     {"account", "id", "hash", "scopes", "note", "by"},
	"api_sessions": {"hash", "key_id"},
	// Saved views that name a person are refused.
	"api_views":         {"account", "key_id", "views"},
	"broken_parts":      {"table", "part"},
	"changes":           {"account", "message_id"},
	"cold_hours":        {"account"},
	"cursor_keys":       {"key"},
	"dialogs":           {"account", "channel", "sender", "message_id"},
	"dialogs_by_person": {"account", "channel", "sender", "message_id"},
	"erasing":           {"account"},
	"erasing_rows":      {"table"},
	"erasures":          {"account", "hash", "pseudonym", "key_id", "by"},
	"generations":       {"account"},
	"reread_partitions": {"topic"},
	"rereads":           {"why"},
	"join_queue":        {"account", "message_id"},
	"ledger":            {"consumer_group", "topic"},
	"notified":          {"sink"},
	"legs": {"account", "channel", "provider", "operator", "country", "traffic", "sender", "app",
		"trigger", "currencies"},
	"located":              {"account", "message_id"},
	"lost_hours":           {"account"},
	"number_changes":       {"account", "from", "to", "rule"},
	"number_health":        healthWithoutNumbers,
	"number_health_before": healthWithoutNumbers,
	"number_overrides":     {"account", "state", "by"},
	"number_queue":         {"account", "event"},
	"replies":              {"account", "message_id"},
	"state_log":            {"key"},
	"message_states":       {"key"},
	"settled_states":       {"key"},
	"audits":               {"account"},
	"builds":               {"account"},
	"day_changes":          {"account"},
	"shared_attempts":      {"account", "message_id"},
	"numbers_touched":      {"account"},
	"opt_outs": {"account", "status", "event_channel", "event_app", "named", "message_id", "channel", "provider",
		"campaign", "template", "sender", "app",
		"operator", "country", "traffic", "trigger"},
	"opt_out_accounts": {"account"},
	"named_messages":   {"account", "message_id"},
	"orphan_ends":      {"topic"},
	"orphans": {"account", "message_id", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"traffic", "trigger", "error_code", "currency",
		"topic", "said_country"},
	"recipient_events": {"account", "status", "channel", "app", "provider", "sender", "campaign", "message_id",
		"operator", "country", "error_code"},
	"reference": {"kind", "account", "by", "body", "why"}, // the API refuses to store numbers there
	"rejected":  {"topic", "reason", "field"},
	"replayed":  {"topic"},
	"rollup_attempts": {"account", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"country", "traffic", "trigger"},
	"rollup_cascades": {"account", "campaign", "template", "reported_currency"},
	"rollup_failures": {"account", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"country", "traffic", "trigger", "error_code"},
	"rollup_people":  {"account", "way", "error_code"},
	"rollup_spend":   {"account", "campaign", "template", "message_template", "reported"},
	"rollup_waste":   {"account", "campaign", "template"},
	"routes":         {"account", "channel", "provider"},
	"shapes":         {"account"},
	"split_messages": {"account", "message_id"},
	"splits":         {"account", "message_id"},
	"touched":        {"account"},
	"whole_attempts": {"account", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"country", "traffic", "trigger"},
	"whole_cascades": {"account", "campaign", "template", "reported_currency"},
	"whole_failures": {"account", "channel", "provider", "campaign", "template", "sender", "app", "operator",
		"country", "traffic", "trigger", "error_code"},
	"whole_people": {"account", "way", "error_code"},
	"whole_spend":  {"account", "campaign", "template", "message_template", "reported"},
	"whole_waste":  {"account", "campaign", "template"},
}

// Every text column of the schema is either kept free of erased numbers, or known to hold none: a column that a
// migration adds has to be put into one list.
func TestEraseNumber_KnowsAllColumns(t *testing.T) {
	conn := schematest.Conn(t)
	rows, err := conn.Query(t.Context(), `SELECT c.table, c.name FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = currentDatabase() AND position(c.type, 'String') > 0 AND (t.engine LIKE '%MergeTree' OR t.engine IN ('Memory', 'EmbeddedRocksDB'))
			AND c.table != 'goose_db_version' ORDER BY c.table, c.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := map[string]bool{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		seen[table+"."+column] = true
		erased, harmless := slices.Contains(erasedColumns[table], column),
			slices.Contains(columnsWithoutNumbers[table], column)
		if erased == harmless {
			t.Errorf("column %s of %s: it may hold phone numbers, and EraseNumber erases them (erasedColumns), or it "+
				"does not (columnsWithoutNumbers); erased %v, harmless %v",
				column, table, erased, harmless)
		}
	}
	if err := rows.Err(); err != nil || len(seen) == 0 {
		t.Fatal(len(seen), err)
	}
	for _, list := range []map[string][]string{erasedColumns, columnsWithoutNumbers} {
		for table, columns := range list {
			for _, column := range columns {
				if !seen[table+"."+column] {
					t.Errorf("there is no text column %s of %s", column, table)
				}
			}
		}
	}
}

// The text of a mutation is a file of ClickHouse for long, so statements name the number by a table alone.
func TestEraseStatements_Sound(t *testing.T) {
	files, err := fs.Glob(statements, "sql/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text := statement(strings.TrimSuffix(filepath.Base(name), ".sql"))
		if strings.Contains(text, "{number:") || strings.Contains(text, "{known:") || !strings.HasPrefix(text, "-- ") {
			t.Errorf("%s: %s", name, text)
		}
		if strings.Contains(text, "ALTER TABLE") && strings.Contains(text, " erased") {
			t.Errorf("%s: a mutation runs when the external table is gone", name)
		}
	}
}

func TestOpenErasureKey(t *testing.T) {
	name := filepath.Join(t.TempDir(), "erasure.key")
	key, err := OpenKey(name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again, err := OpenKey(name)
	if err != nil || *again != *key {
		t.Errorf("another key at the second time: %v", err)
	}
	if left, err := filepath.Glob(name + ".*"); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	if err := os.WriteFile(name, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(name); err == nil || !strings.Contains(err.Error(), "back-up") {
		t.Error(err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
	other, err := ParseKey(strings.Repeat("01", 32) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if other.ID() == key.ID() || other.Hash("a", "+79001234567") == key.Hash("a", "+79001234567") ||
		other.Hash("a", "+79001234567") == other.Hash("b", "+79001234567") {
		t.Error("hashes of other keys or accounts agree")
	}
}

// knowing are erasures of one number of account a.
func knowing(tb testing.TB, number string) *Index {
	tb.Helper()
	key := &Key{1}
	e := NewIndex(key)
	hashed := hashNumber(e.mac, []byte("a"), []byte(number), nil)
	e.numbers = map[[32]byte]erasedNumber{[32]byte(hashed): {"user:erased-0123456789abcdef0123456789abcdef", true}}
	e.accounts = []string{"a"}
	return e
}

func TestErasures_HideText(t *testing.T) {
	e := knowing(t, "+79001234567")
	const p = "user:erased-0123456789abcdef0123456789abcdef"
	bare := "~" + strings.TrimPrefix(p, "user:")
	for raw, want := range map[string]string{
		`{"recipient":"+79001234567"}`:                    `{"recipient":"` + p + `"}`,
		`{"contact":"79001234567"}`:                       `{"contact":"` + bare + `"}`,
		`{"contact":79001234567,"x":1}`:                   `{"contact":"` + bare + `","x":1}`,
		`{"recipient":"\u002b\u0037900\u0031234567"}`:     `{"recipient":"` + p + `"}`,
		`{"a":"\\u0031","recipient":"+79001234567"}`:      `{"a":"\\u0031","recipient":"` + p + `"}`,
		`{"a":"\"","b":79001234567}`:                      `{"a":"\"","b":"` + bare + `"}`,
		`{"recipient":"+790012345678"}`:                   `{"recipient":"+790012345678"}`,
		`{"recipient":"+179001234567"}`:                   `{"recipient":"+179001234567"}`,
		`{"recipient":"+79001234568"}`:                    `{"recipient":"+79001234568"}`,
		`{"id":"order-79001234567-+79001234567"}`:         `{"id":"order-` + bare + `-` + p + `"}`,
		"not JSON 79001234567, +79001234567":              "not JSON " + bare + ", " + p,
		"\xff+79001234567\x00\\":                          "\xff" + p + "\x00\\",
		`{"at":"2026-11-20T13:00:00Z","n":0079001234567}`: `{"at":"2026-11-20T13:00:00Z","n":0079001234567}`,
		"": "",
	} {
		for _, account := range [][]byte{[]byte("a"), nil} {
			if got := string(e.HideText(account, []byte(raw))); got != want {
				t.Errorf("%s of %q: %s, want %s", raw, account, got, want)
			}
		}
		if got := string(e.HideText([]byte("b"), []byte(raw))); got != raw {
			t.Errorf("%s of another account: %s", raw, got)
		}
	}
}

// However JSON writes a number, its digits are found and replaced, and JSON stays JSON.
func TestErasures_HideText_JSON(t *testing.T) {
	e := knowing(t, "+79001234567")
	rapid.Check(t, func(t *rapid.T) {
		var written strings.Builder
		for _, c := range "+79001234567" {
			switch rapid.IntRange(0, 2).Draw(t, "escape") {
			case 0:
				written.WriteString(strings.ToUpper(string([]byte{'0', '0', "0123456789abcdef"[c>>4],
					"0123456789abcdef"[c&15]})))
				s := written.String()
				written.Reset()
				written.WriteString(s[:len(s)-4] + `\u` + s[len(s)-4:])
			default:
				written.WriteRune(c)
			}
		}
		before, err := json.Marshal(rapid.String().Draw(t, "before"))
		if err != nil {
			t.Fatal(err)
		}
		raw := []byte(`{"x":` + string(before) + `,"recipient":"` + written.String() + `","y":79001234567}`)
		hidden := e.HideText([]byte("a"), raw)
		var got struct{ X, Recipient, Y string }
		if err := json.Unmarshal(hidden, &got); err != nil || !strings.HasPrefix(got.Recipient, "user:erased-") ||
			!strings.HasPrefix(got.Y, "~erased-") {
			t.Fatalf("%s became %s: %+v, %v", raw, hidden, got, err)
		}
	})
}

// A block is changed where it holds the number, and nowhere else; found is what was hidden.
func TestErasures_Hide(t *testing.T) {
	e := knowing(t, "+79001234567")
	var decoder event.Decoder
	var b, want struct {
		facts   schema.Facts
		people  schema.RecipientEvents
		orphans schema.Orphans
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli()
	const pseudonym = "user:erased-0123456789abcdef0123456789abcdef"
	for i, fields := range []string{
		`"status":"sent","submitted_at":"2026-11-19T10:00:00Z","recipient":"R"`,
		`"status":"sent","submitted_at":"2026-11-19T10:00:00Z","recipient":"+79001234568","contact":"R"`,
		`"status":"sent","recipient":"R","contact":"someone"`,
		`"status":"subscribed","app":"x","recipient":"R"`,
		`"status":"subscribed","app":"x","recipient":"device:1","contact":"R"`,
	} {
		for _, recipient := range []string{"+79001234567", pseudonym} {
			raw := []byte(`{"account":"a","message_id":"m","channel":"push","occurred_at":"2026-11-19T10:00:00Z",` +
				strings.ReplaceAll(fields, `"R"`, `"`+recipient+`"`) + `}`)
			ev, bad := decoder.Decode(raw, now)
			if bad != nil {
				t.Fatal(bad)
			}
			to := &b
			if recipient == pseudonym {
				to = &want
				if strings.Contains(fields, `"recipient":"R"`) {
					ev.Country = "RU" // the number's
				}
			}
			switch {
			case !ev.Status.OfMessage():
				to.people.Append(ev)
			case ev.BucketMS == 0:
				to.orphans.Append(ev, schema.Place{Offset: int64(i)}, raw, now)
			default:
				to.facts.Append(ev)
			}
		}
	}
	block := Block{&b.facts, &b.people, &b.orphans}
	found := e.Find(block)
	if len(found) != 6 { // the parked event holds it in its column and in its bytes
		t.Errorf("found %+v", found)
	}
	for _, h := range found {
		if h.Account != "a" || h.Number != "+79001234567" || h.Pseudonym != pseudonym || !h.Done {
			t.Errorf("found %+v", h)
		}
	}
	e.Hide(block)
	if left := e.Find(block); len(left) > 0 {
		t.Errorf("left %+v", left)
	}
	// It leaves what holds no number as it is, so what is wanted stays what it is, but for room that Hide makes.
	e.Hide(Block{&want.facts, &want.people, &want.orphans})
	if !reflect.DeepEqual(b, want) { //nolint:govet // of blocks; the error in them is that of their memory
		t.Errorf("hidden\n%+v, want\n%+v", b, want)
	}
}

// Of two pseudonyms the one asked for first counts, also when rows have merged; a change is noticed once.
func TestErasures_Refresh(t *testing.T) {
	conn := schematest.Conn(t)
	key := &Key{1}
	e := NewIndex(key)
	refresh := func(want bool) {
		t.Helper()
		if changed, err := e.Refresh(t.Context(), conn); err != nil || changed != want {
			t.Errorf("changed %v, %v", changed, err)
		}
	}
	refresh(false)
	now := time.UnixMilli(1_800_000_000_000)
	first, err := Request(t.Context(), conn, key, "a", "+79001234567", "x", now)
	if err != nil {
		t.Fatal(err)
	}
	refresh(true)
	refresh(false)
	late := first
	late.Pseudonym, late.AskedMS = "user:erased-ffff", first.AskedMS+1
	if err := insertErasure(t.Context(), conn, late); err != nil {
		t.Fatal(err)
	}
	refresh(true)
	done, err := Finish(t.Context(), conn, first, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	refresh(true)
	if err := conn.Exec(t.Context(), "OPTIMIZE TABLE erasures FINAL"); err != nil {
		t.Fatal(err)
	}
	if found, ok := e.lookUp([]byte("a"), []byte("+79001234567")); !ok ||
		found != (erasedNumber{first.Pseudonym, true}) {
		t.Errorf("%+v, %v", found, ok)
	}
	if again, err := Request(t.Context(), conn, key, "a", "+79001234567", "y", now.Add(time.Hour)); err != nil ||
		again != done {
		t.Errorf("asked again: %+v, %v, want %+v", again, err, done)
	}
	if _, err := NewIndex(nil).Refresh(t.Context(), conn); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	if _, err := NewIndex(&Key{2}).Refresh(t.Context(), conn); !errors.Is(err, ErrOtherKey) {
		t.Error(err)
	}
	if _, err := Request(t.Context(), conn, &Key{2}, "a", "+79001234567", "y", now); !errors.Is(err,
		ErrOtherKey) {
		t.Error(err)
	}
}

// BenchmarkErasures_Find is what ingest pays for each event: nothing without erasures, a hash with them.
func BenchmarkErasures_Find(b *testing.B) {
	for name, e := range map[string]*Index{"none": NewIndex(nil), "some": knowing(b, "+79001234567")} {
		b.Run(name, func(b *testing.B) {
			var facts schema.Facts
			var decoder event.Decoder
			ev, bad := decoder.Decode([]byte(`{"account":"a","message_id":"m","channel":"sms","occurred_at":"2026-11-19T10:00:00Z","submitted_at":"2026-11-19T10:00:00Z",`+
				`"status":"sent","recipient":"+79001234568"}`),
				time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).UnixMilli())
			if bad != nil {
				b.Fatal(bad)
			}
			const rows = 200_000
			for range rows {
				facts.Append(ev)
			}
			block := Block{&facts, &schema.RecipientEvents{}, &schema.Orphans{}}
			b.ReportAllocs()
			for b.Loop() {
				e.Find(block)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/event")
		})
	}
}

// BenchmarkErasures_Refresh is what ingest pays for each block, twice.
func BenchmarkErasures_Refresh(b *testing.B) {
	conn := schematest.Conn(b)
	e := NewIndex(nil)
	for b.Loop() {
		if _, err := e.Refresh(b.Context(), conn); err != nil {
			b.Fatal(err)
		}
	}
}
