package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kaskad/schema"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func newErrorMaps(tb testing.TB, lists ...schema.Reference) *schema.ErrorMaps {
	tb.Helper()
	m, err := schema.NewErrorMaps(lists)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func errorList(tb testing.TB, account string, version uint64, lines ...schema.ErrorLine) schema.Reference {
	tb.Helper()
	body, err := json.Marshal(append([]schema.ErrorLine{}, lines...))
	if err != nil {
		tb.Fatal(err)
	}
	return schema.Reference{Account: account, Version: version, Rows: len(lines), Body: body}
}

// The shipped map is as an account's list must be: known classes, no code twice, codes as ingest stores them.
func TestShippedErrorLines_Sound(t *testing.T) {
	lines, err := schema.ShippedErrorLines()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[2]string]bool{}
	for _, l := range lines {
		key := [2]string{l.Provider, l.Code}
		if l.Provider == "" || l.Code == "" || strings.HasPrefix(l.Code, "0") || seen[key] || !slices.Contains(schema.ClassNames(), l.Class) {
			t.Errorf("%+v", l)
		}
		seen[key] = true
	}
	// A code of a provider that numbers by itself must not be taken for the MAP code of the same number.
	own := map[string]bool{"8x8": true, "kpn": true, "twilio_smpp": true}
	highest := map[string]int{"8x8": 51, "kpn": 30, "twilio_smpp": 12}
	for _, l := range lines {
		var n int
		if _, err := fmt.Sscan(l.Code, &n); l.Provider != schema.AnyProvider || err != nil {
			continue
		}
		for provider := range own {
			if n <= highest[provider] && !seen[[2]string{provider, l.Code}] && !(provider == "8x8" && n == 6) {
				t.Errorf("%s has no line for code %s, and gets %s", provider, l.Code, l.Class)
			}
		}
	}
}

func TestClass_Weights(t *testing.T) {
	hard := []string{"unknown_subscriber", "not_sms_capable", "deactivated", "invalid_format"}
	soft := []string{"absent_subscriber", "memory_full", "handset_busy", "barred", "roaming", "expired", "unknown"}
	for _, name := range append(schema.ClassNames(), "", "nonsense") {
		if got, want := schema.ClassHard(name), slices.Contains(hard, name); got != want {
			t.Errorf("%s is hard: %v", name, got)
		}
		if got, want := schema.ClassSoft(name), slices.Contains(soft, name); got != want {
			t.Errorf("%s is soft: %v", name, got)
		}
	}
	for weight, want := range map[schema.Weight][]string{schema.WeightHard: hard, schema.WeightSoft: soft} {
		if got := schema.ClassesOf(weight); len(got) != len(want) {
			t.Errorf("%s: %v", weight, got)
		}
	}
}

func TestErrorMaps_Class(t *testing.T) {
	m := newErrorMaps(t, errorList(t, "acme", 7, schema.ErrorLine{Provider: "devino", Code: "13", Class: "dnd"}, schema.ErrorLine{Provider: "*", Code: "X", Class: "route_error"},
		schema.ErrorLine{Provider: "*", Code: "27", Class: "roaming"}, schema.ErrorLine{Provider: "twilio", Code: "30005", Class: "absent_subscriber"}), errorList(t, "empty", 9))
	for _, c := range []struct {
		account, provider, code string
		permanent, expired      bool
		want                    string
	}{
		{"beta", "devino", "1", false, false, "unknown_subscriber"},
		{"beta", "", "1", false, true, "unknown_subscriber"},
		{"beta", "twilio", "30003", true, false, "absent_subscriber"},
		{"beta", "twilio_smpp", "5", false, false, "unknown_subscriber"},
		{"beta", "twilio_smpp", "1", true, true, "absent_subscriber"}, // not MAP's 1
		{"beta", "kpn", "8", false, false, "unknown_subscriber"},
		{"beta", "8x8", "13", false, false, "barred"},
		{"beta", "fcm", "UNREGISTERED", false, false, "app_uninstalled"},
		{"beta", "apns", "Unregistered", false, false, "app_uninstalled"},
		{"beta", "apns", "BadDeviceToken", false, false, "token_invalid"},
		{"beta", "viber", "SRVC_NOT_VIBER_USER", true, false, "channel_not_registered"},
		{"beta", "whatsapp", "131049", false, false, "frequency_capped"},
		{"beta", "vk", "9", false, false, "frequency_capped"},
		{"beta", "infobip", "EC_ABSENT_SUBSCRIBER", false, false, "absent_subscriber"},
		{"beta", "devino", "9999", false, true, "unknown"},
		{"beta", "devino", "9999", true, true, "unknown_subscriber"},
		{"beta", "devino", "", true, true, "expired"},
		{"beta", "devino", "", true, false, "unknown"},
		{"acme", "devino", "13", false, false, "dnd"},
		{"acme", "mts", "13", false, false, "barred"},
		{"acme", "mts", "X", true, false, "route_error"},
		{"acme", "mts", "27", false, false, "roaming"},
		{"acme", "infobip", "1", false, false, "unknown_subscriber"},
		{"acme", "twilio", "30005", false, false, "absent_subscriber"},
		{"empty", "mts", "27", false, false, "absent_subscriber"},
		{"", "mts", "27", false, false, "absent_subscriber"},
	} {
		if got := m.Class(c.account, c.provider, c.code, c.permanent, c.expired); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if m.Version("acme") != 7 || m.Version("empty") != 9 || m.Version("beta") != 0 {
		t.Errorf("versions %d %d %d", m.Version("acme"), m.Version("empty"), m.Version("beta"))
	}
	shipped, lines := m.Lines("beta"), m.Lines("acme")
	if len(lines) != len(shipped)+2 || !slices.Equal(shipped, m.Lines("")) {
		t.Errorf("%d lines of acme, %d shipped", len(lines), len(shipped))
	}
	if !slices.IsSortedFunc(lines, func(a, b schema.ErrorLine) int {
		return slices.Compare([]string{a.Provider, a.Code}, []string{b.Provider, b.Code})
	}) {
		t.Error("lines are not sorted")
	}
}

func TestReadErrorMaps_Newest(t *testing.T) {
	conn := newConn(t)
	put(t, conn, schema.ReferenceErrorMap, "acme", 1, `[{"provider":"*","code":"1","class":"barred"}]`)
	put(t, conn, schema.ReferenceErrorMap, "beta", 0, `[]`)
	version := put(t, conn, schema.ReferenceErrorMap, "acme", 1, `[{"provider":"*","code":"2","class":"dnd"}]`)
	m, err := schema.ReadErrorMaps(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if m.Version("acme") != version || m.Class("acme", "x", "1", false, false) != "unknown_subscriber" || m.Class("acme", "x", "2", false, false) != "dnd" {
		t.Errorf("version %d, %s", m.Version("acme"), m.Class("acme", "x", "1", false, false))
	}
	put(t, conn, schema.ReferenceErrorMap, "beta", 1, `{`)
	if _, err := schema.ReadErrorMaps(t.Context(), conn); err == nil || !strings.Contains(err.Error(), `"beta"`) {
		t.Errorf("a broken list: %v", err)
	}
}

// failure is a row as SQL sees it.
type failure struct {
	account, provider, code string
	permanent, expired      bool
}

// randomFailures makes failures whose codes and providers often, and often not, have a line.
func randomFailures(r *rand.Rand, m *schema.ErrorMaps, n int) []failure {
	accounts := []string{"acme", "beta", "центр", "", "none"}
	var lines []schema.ErrorLine
	for _, a := range accounts {
		lines = append(lines, m.Lines(a)...)
	}
	all := make([]failure, n)
	for i := range all {
		f := &all[i]
		f.account, f.permanent, f.expired = accounts[r.IntN(len(accounts))], r.IntN(2) == 0, r.IntN(2) == 0
		line := lines[r.IntN(len(lines))]
		f.provider, f.code = line.Provider, line.Code
		switch r.IntN(6) {
		case 0:
			f.code = ""
		case 1:
			f.provider = []string{"", "devino", "mts", "пров'айдер"}[r.IntN(4)]
		case 2:
			f.code += "x"
		case 3:
			// Names that run into each other.
			f.provider, f.code = f.provider+"\x00"+f.code, line.Code
		}
	}
	return all
}

// The expression in SQL says what Go says, for rows of the table that verdicts are decided from.
func TestClassSQL_EqualsGo(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(5, 35))
	line := func() schema.ErrorLine {
		names := schema.ClassNames()
		return schema.ErrorLine{Provider: []string{"*", "twilio", "devino", "пров'айдер"}[r.IntN(4)], Code: fmt.Sprint(1 + r.IntN(60)), Class: names[r.IntN(len(names))]}
	}
	var own []schema.ErrorLine
	for range 40 {
		if l := line(); !slices.ContainsFunc(own, func(o schema.ErrorLine) bool { return o.Provider == l.Provider && o.Code == l.Code }) {
			own = append(own, l)
		}
	}
	m := newErrorMaps(t, errorList(t, "acme", 1, own[:len(own)/2]...), errorList(t, "центр", 2, own...), errorList(t, "beta", 3))
	failures := randomFailures(r, m, 20_000)
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO attempts_by_recipient (account, recipient, message_id, provider, error_code, permanent, expired)")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range failures {
		if err := batch.Append(f.account, "+79160000000", fmt.Sprintf("%08d", i), f.provider, f.code, bit(f.permanent), bit(f.expired)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(withErrorMap(t, m), "SELECT toUInt32(message_id), "+schema.ClassSQL("a")+", "+schema.MappedClassSQL("a")+" FROM attempts_by_recipient AS a FINAL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found, classes := 0, map[string]int{}
	for rows.Next() {
		var i uint32
		var class, mapped string
		if err := rows.Scan(&i, &class, &mapped); err != nil {
			t.Fatal(err)
		}
		f := failures[i]
		want := m.Class(f.account, f.provider, f.code, f.permanent, f.expired)
		if class != want || (mapped != "" && mapped != want) {
			t.Errorf("%+v: SQL says %s, mapped %q; Go says %s", f, class, mapped, want)
		}
		// Without a line the flag decides, so it shows whether there is one.
		if unmapped := f.code == "" || m.Class(f.account, f.provider, f.code, true, false) != m.Class(f.account, f.provider, f.code, false, false); (mapped == "") != unmapped {
			t.Errorf("%+v: mapped to %q", f, mapped)
		}
		found++
		classes[class]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if found != len(failures) || len(classes) < 20 {
		t.Errorf("%d of %d rows, %d classes", found, len(failures), len(classes))
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func withErrorMap(tb testing.TB, m *schema.ErrorMaps) context.Context {
	tb.Helper()
	table, err := m.Table()
	if err != nil {
		tb.Fatal(err)
	}
	return clickhouse.Context(tb.Context(), clickhouse.WithExternalTable(table))
}

// BenchmarkClassSQL classifies 10 million attempts, a tenth of which have a code.
func BenchmarkClassSQL(b *testing.B) {
	conn := newConn(b)
	for _, statement := range []string{
		"CREATE TABLE failed (account LowCardinality(String), provider LowCardinality(String), error_code LowCardinality(String), permanent UInt8, expired UInt8) ENGINE = MergeTree ORDER BY tuple()",
		"INSERT INTO failed SELECT concat('a', toString(cityHash64(number) % 5)), ['infobip', 'twilio', 'devino', 'mts', '8x8'][1 + cityHash64(number, 1) % 5], " +
			"if(cityHash64(number, 2) % 10 < 9, '', toString(1 + cityHash64(number, 3) % 60)), cityHash64(number, 4) % 2, cityHash64(number, 5) % 2 FROM numbers(10000000)",
	} {
		if err := conn.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	m := newErrorMaps(b, errorList(b, "a1", 1, schema.ErrorLine{Provider: "*", Code: "X", Class: "barred"}))
	for b.Loop() {
		if err := conn.Exec(withErrorMap(b, m), "SELECT sum(length("+schema.ClassSQL("f")+")) FROM failed AS f SETTINGS max_threads = 1"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "Mattempts/s")
}

// What asks for verdicts names the numbers under a batch, and that batch is open.
func TestAskVerdicts_QueuesAndTouches(t *testing.T) {
	conn := newConn(t)
	all, err := schema.AskVerdicts(t.Context(), conn, "acme", nil, referenceNow)
	if err != nil {
		t.Fatal(err)
	}
	some, err := schema.AskVerdicts(t.Context(), conn, "acme", []string{"+79160000001", "+79160000002"}, referenceNow)
	if err != nil {
		t.Fatal(err)
	}
	if none, err := schema.AskVerdicts(t.Context(), conn, "acme", []string{}, referenceNow); err != nil || none == all {
		t.Fatal(none, err)
	}
	got := readStrings(t, conn, "SELECT concat(toString(batch), ' ', account, ' ', toString(toUnixTimestamp(bucket)), ' ', toString(message), ' ', number) FROM number_queue ORDER BY number")
	if want := []string{all.String() + " acme 0 0 ", some.String() + " acme 0 0 +79160000001", some.String() + " acme 0 0 +79160000002"}; !slices.Equal(got, want) {
		t.Errorf("queued %q, want %q", got, want)
	}
	got = readStrings(t, conn, "SELECT concat(account, ' ', toString(toUnixTimestamp(bucket)), ' ', toString(id), ' ', toString(at_ms), ' ', toString(sign)) FROM touched ORDER BY id = $1", some)
	at := fmt.Sprint(referenceNow.UnixMilli())
	if want := []string{"acme 0 " + all.String() + " " + at + " 1", "acme 0 " + some.String() + " " + at + " 1"}; !slices.Equal(got, want) {
		t.Errorf("touched %q, want %q", got, want)
	}
}

func readStrings(t *testing.T, conn driver.Conn, statement string, args ...any) (all []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
