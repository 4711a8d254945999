package errormap_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/schematest"
)

// failure is a row as SQL sees it.
type failure struct {
	account, channel, provider, code string
	expired                          bool
}

// randomErrorLists makes lists whose lines and aliases often meet shipped ones and each other.
func randomErrorLists(tb testing.TB, r *rand.Rand) (lists []schema.Reference) {
	shipped := shippedErrors(tb)
	names := []string{"*", "twilio", "devino", "пров'айдер", "nexmo", "firebase", "map", "q850", "nobody"}
	for version, account := range []string{"acme", "центр", "aliases"} {
		lines, aliases := map[errormap.Line]string{}, map[string]string{}
		for range r.IntN(60) {
			key := errormap.Line{Provider: names[r.IntN(len(names))], Code: fmt.Sprint(1 + r.IntN(60))}
			if r.IntN(3) == 0 {
				key.Code = shipped.Lines[r.IntN(len(shipped.Lines))].Code
			}
			lines[key] = schema.ClassNames()[r.IntN(len(schema.Classes))]
		}
		for range r.IntN(8) {
			like := names[1+r.IntN(len(names)-1)]
			if r.IntN(2) == 0 {
				like = shipped.Lines[r.IntN(len(shipped.Lines))].Provider
			}
			aliases[names[1+r.IntN(len(names)-1)]] = like
		}
		var list errormap.List
		for key, class := range lines {
			if account != "aliases" {
				list.Lines = append(list.Lines, errormap.Line{Provider: key.Provider, Code: key.Code, Class: class})
			}
		}
		for provider, like := range aliases {
			list.Aliases = append(list.Aliases, errormap.Alias{Provider: provider, Like: like})
		}
		lists = append(lists, errorList(tb, account, uint64(version+1), list))
	}
	return append(lists, errorList(tb, "beta", 9, errormap.List{}))
}

// randomFailures makes failures whose codes and providers often, and often not, have a line.
func randomFailures(r *rand.Rand, m *errormap.Maps, n int) []failure {
	accounts := []string{"acme", "beta", "центр", "aliases", "", "none"}
	guessed, _ := schema.Channels.Guesses()
	channels := slices.Concat(schema.Channels.Names(), guessed, guessed, guessed, []string{""})
	var lines []errormap.Line
	for _, a := range accounts {
		lines = append(lines, m.Lines(a)...)
	}
	all := make([]failure, n)
	for i := range all {
		f := &all[i]
		f.account, f.channel, f.expired = accounts[r.IntN(len(accounts))], channels[r.IntN(len(channels))],
			r.IntN(2) == 0
		line := lines[r.IntN(len(lines))]
		f.provider, f.code = line.Provider, line.Code
		switch r.IntN(7) {
		case 0:
			f.code = ""
		case 1, 2:
			f.provider = []string{"", "devino", "mts", "пров'айдер", "nexmo", "firebase", "360dialog", "nobody",
				"twilio"}[r.IntN(9)]
			if r.IntN(2) == 0 {
				f.code = fmt.Sprint(1 + r.IntN(60))
			}
		case 3:
			f.code += "x"
		case 4:
			// Names that run into each other.
			f.provider, f.code = f.provider+"\x00"+f.code, line.Code
		}
	}
	return all
}

// The expressions in SQL say what Go says, for rows of the table that verdicts are decided from and maps of all kinds.
func TestClassSQL_EqualsGo(t *testing.T) {
	conn := schematest.Conn(t)
	classes, guesses := map[string]int{}, 0
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 35))
		m := newErrorMaps(t, randomErrorLists(t, r)...)
		failures := randomFailures(r, m, 10_000)
		if err := conn.Exec(t.Context(), "TRUNCATE TABLE attempts_by_recipient"); err != nil {
			t.Fatal(err)
		}
		batch, err := conn.PrepareBatch(t.Context(),
			"INSERT INTO attempts_by_recipient (account, recipient, message_id, channel, provider, error_code, expired)")
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range failures {
			if err := batch.Append(f.account, "+79160000000", fmt.Sprintf("%08d", i), f.channel, f.provider, f.code,
				bit(f.expired)); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(withErrorMap(t, m),
			fmt.Sprintf("SELECT toUInt32(message_id), %s, %s, %s FROM attempts_by_recipient AS a FINAL",
				errormap.ClassSQL("a"), errormap.MappedClassSQL("a"), errormap.GuessSQL("a")))
		if err != nil {
			t.Fatal(err)
		}
		found, lines := 0, map[string][]errormap.Line{}
		for rows.Next() {
			var i uint32
			var class, mapped, guess string
			if err := rows.Scan(&i, &class, &mapped, &guess); err != nil {
				t.Fatal(err)
			}
			f := failures[i]
			if lines[f.account] == nil {
				lines[f.account] = m.Lines(f.account)
			}
			want, guessed := m.Class(f.account, f.channel, f.provider, f.code, f.expired)
			// A code without a line is one whose class is a guess, or unknown also for a provider and an account that
			// have none.
			if class != want || (mapped == "") != (guessed || f.code == "" || !hasLine(m, lines[f.account], f)) ||
				(mapped != "" && mapped != want) || (guessed && guess != want) ||
				(!guessed && mapped == "" && guess != "") {
				t.Errorf("seed %d, %+v: SQL says %s, mapped %q, guess %q; Go says %s, guessed %v", seed, f, class,
					mapped, guess, want, guessed)
			}
			found++
			classes[class]++
			if guessed {
				guesses++
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if found != len(failures) {
			t.Errorf("seed %d: %d of %d rows", seed, found, len(failures))
		}
		checkLossClasses(t, conn, m, failures)
	}
	if len(classes) < 30 || guesses < 1000 {
		t.Errorf("%d classes, %d guesses", len(classes), guesses)
	}
}

// checkLossClasses holds what the smaller table says against Go: all of it where a class is a loss, and no loss where
// it is none.
func checkLossClasses(t *testing.T, conn driver.Conn, m *errormap.Maps, failures []failure) {
	t.Helper()
	losses := []string{"app_uninstalled", "token_invalid", "blocked_by_user", "opted_out", "dnd"}
	table, err := m.LossTable()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(clickhouse.Context(t.Context(), clickhouse.WithExternalTable(table)),
		fmt.Sprintf("SELECT toUInt32(message_id), %s FROM attempts_by_recipient AS a FINAL", errormap.ClassSQL("a")))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found, none := 0, 0
	for rows.Next() {
		var i uint32
		var class string
		if err := rows.Scan(&i, &class); err != nil {
			t.Fatal(err)
		}
		f := failures[i]
		want, _ := m.Class(f.account, f.channel, f.provider, f.code, f.expired)
		if slices.Contains(losses, want) {
			found++
		} else {
			none++
		}
		if class != want && (slices.Contains(losses, want) || slices.Contains(losses, class)) {
			t.Errorf("%+v: the table of losses says %s, Go says %s", f, class, want)
		}
	}
	if err := rows.Err(); err != nil || found < 100 || none < 100 {
		t.Errorf("%d losses, %d others: %v", found, none, err)
	}
}

// hasLine tells whether one of the lines that the map shows of the account is in force for a failure's code.
func hasLine(m *errormap.Maps, lines []errormap.Line, f failure) bool {
	return slices.ContainsFunc(lines, func(l errormap.Line) bool {
		if l.Code != f.code {
			return false
		}
		own := m.Own(f.account, l)
		return (own && (l.Provider == f.provider || l.Provider == errormap.AnyProvider) || !own &&
			l.Provider == m.Provider(f.account, f.provider))
	})
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func withErrorMap(tb testing.TB, m *errormap.Maps) context.Context {
	tb.Helper()
	table, err := m.Table()
	if err != nil {
		tb.Fatal(err)
	}
	return clickhouse.Context(tb.Context(), clickhouse.WithExternalTable(table))
}

// BenchmarkClassSQL classifies 10 million attempts, a tenth of which have a code.
func BenchmarkClassSQL(b *testing.B) {
	conn := schematest.Conn(b)
	for _, statement := range []string{
		"CREATE TABLE failed (account LowCardinality(String), channel LowCardinality(String), provider " +
			"LowCardinality(String), error_code LowCardinality(String), expired UInt8) ENGINE = MergeTree ORDER BY " +
			"tuple()",
		"INSERT INTO failed SELECT concat('a', toString(cityHash64(number) % 5)), ['sms', 'push'][1 + " +
			"cityHash64(number, 4) % 2], ['infobip', 'twilio', 'devino', 'mts', '8x8'][1 + cityHash64(number, 1) % 5], " +
			"if(cityHash64(number, 2) % 10 < 9, '', toString(1 + cityHash64(number, 3) % 60)), cityHash64(number, 5) " +
			"% 2 FROM numbers(10000000)",
	} {
		if err := conn.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	m := newErrorMaps(b, errorList(b, "a1", 1,
		errormap.List{Lines: []errormap.Line{{Provider: "*", Code: "X", Class: "barred"}}}))
	for b.Loop() {
		if err := conn.Exec(withErrorMap(b, m),
			"SELECT sum(length("+errormap.ClassSQL("f")+")) FROM failed AS f SETTINGS max_threads = 1"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "Mattempts/s")
}
