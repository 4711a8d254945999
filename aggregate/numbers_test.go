package aggregate

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/schema"
	"kaskad/simulate/model/settings"
)

// decideAll runs passes and rounds until nothing is left to do.
func decideAll(t testing.TB, a *Aggregator) {
	t.Helper()
	settle(t, a)
	if err := a.verdicts.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.verdicts.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// shownNumber is a verdict as examples/numbers.json shows it.
type shownNumber struct {
	Account         string            `json:"account"`
	Number          string            `json:"number"`
	State           string            `json:"state"`
	Rule            string            `json:"rule"`
	Since           *string           `json:"since"`
	Reasons         map[string]uint32 `json:"reasons"`
	Guessed         uint32            `json:"guessed"`
	FailedMailings  uint32            `json:"failed_mailings"`
	FailedDays      uint32            `json:"failed_days"`
	LastDeliveredAt *string           `json:"last_delivered_at"`
	LastFailedAt    *string           `json:"last_failed_at"`
}

func readNumbers(t testing.TB, conn driver.Conn) []shownNumber {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT account, number, state, rule, since_ms, reasons, guessed, failed_mailings, failed_days, last_delivered_ms, last_failed_ms
		FROM number_health FINAL ORDER BY account, number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	shown := func(ms int64) *string {
		if ms == 0 {
			return nil
		}
		text := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
		return &text
	}
	var all []shownNumber
	for rows.Next() {
		var n shownNumber
		var since, delivered, failed int64
		if err := rows.Scan(&n.Account, &n.Number, &n.State, &n.Rule, &since, &n.Reasons, &n.Guessed, &n.FailedMailings,
			&n.FailedDays, &delivered, &failed); err != nil {
			t.Fatal(err)
		}
		n.Since, n.LastDeliveredAt, n.LastFailedAt = shown(since), shown(delivered), shown(failed)
		all = append(all, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// The figures of the contract follow from its events, however they are cut into batches, and the feed's last word on
// each number is its state.
func TestNumbers_Examples(t *testing.T) {
	lines, err := os.ReadFile("../simulate/model/testdata/examples/numbers.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile("../simulate/model/testdata/examples/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Now      time.Time
		ErrorMap map[string]settings.ErrorMap `json:"error_map"`
		Numbers  []shownNumber
	}
	if err := json.Unmarshal(body, &truth); err != nil {
		t.Fatal(err)
	}
	conn := connect(t)
	for account, list := range truth.ErrorMap {
		putList(t, conn, schema.ReferenceErrorMap, account, len(list.Lines)+len(list.Aliases), list)
	}
	a := newAggregator(conn, truth.Now)
	load(t, conn, "t", lines[:20_000+len(firstLine(lines[20_000:]))], truth.Now)
	decideAll(t, a)
	load(t, conn, "u", lines, truth.Now)
	decideAll(t, a)
	got := readNumbers(t, conn)
	if len(got) != len(truth.Numbers) {
		t.Fatalf("%d numbers, want %d", len(got), len(truth.Numbers))
	}
	for i, want := range truth.Numbers {
		x, _ := json.Marshal(got[i])
		y, _ := json.Marshal(want)
		if string(x) != string(y) {
			t.Errorf("%s\nwant %s", x, y)
		}
	}
	if n := count(t, conn, `SELECT count() FROM (SELECT account, number, argMax(to, seq) AS announced FROM number_changes GROUP BY account, number) AS c
		FULL JOIN (SELECT account, number, state FROM number_health FINAL) AS h ON h.account = c.account AND h.number = c.number
		WHERE if(c.announced = '', 'unknown', c.announced) != h.state`); n != 0 {
		t.Errorf("the feed's last word differs from the state of %d numbers", n)
	}
}

func firstLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' {
			return b[:i+1]
		}
	}
	return b
}

// Who asks for a verdict waits for it; what events say of numbers can be decided with the next ones.
func TestNumbers_Urged(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	load(t, conn, "a", []byte(delivered("m", number, noon.Add(-48*time.Hour))), noon)
	settle(t, a)
	if a.urged.Load() {
		t.Error("a receipt urges")
	}
	for _, ask := range []struct {
		urges bool
		ask   func() error
	}{
		{false, func() error { _, err := schema.AskOptOuts(t.Context(), conn, "a", number, noon); return err }},
		{true, func() error { _, err := schema.AskVerdicts(t.Context(), conn, "a", []string{number}, noon); return err }},
	} {
		if err := ask.ask(); err != nil {
			t.Fatal(err)
		}
		settle(t, a)
		if a.urged.Load() != ask.urges {
			t.Errorf("urged %t, want %t", a.urged.Load(), ask.urges)
		}
	}
}

// One event decides one number anew, however many are in its hour; and a verdict that nothing changed is not stored
// again.
func TestNumbers_OneEventOneNumber(t *testing.T) {
	conn, registry := connect(t), prometheus.NewRegistry()
	a := New(Config{Exclusive: true, Now: func() time.Time { return noon }},
		Deps{Conn: conn, Reject: noLetters, Registerer: registry})
	at := noon.Add(-48 * time.Hour)
	var lines string
	for i := range 100 {
		lines += failed(fmt.Sprint("m", i), fmt.Sprintf("+7900%07d", i), "c", "1", at)
	}
	load(t, conn, "a", []byte(lines), noon)
	decideAll(t, a)
	counters := func() (n [3]float64) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for i, name := range []string{"numbers_decided", "number_verdicts", "number_changes"} {
				if f.GetName() == "kaskad_aggregate_"+name+"_total" {
					n[i] = f.GetMetric()[0].GetCounter().GetValue()
				}
			}
		}
		return n
	}
	if got := counters(); got != [3]float64{100, 100, 100} {
		t.Errorf("decided, stored, announced %v; want 100 of each", got)
	}
	load(t, conn, "b", []byte(failed("m7", "+79000000007", "c", "1", at)), noon)
	decideAll(t, a)
	if got := counters(); got != [3]float64{100, 100, 100} {
		t.Errorf("after the same event again: decided, stored, announced %v; want 100 of each", got)
	}
	load(t, conn, "c", []byte(delivered("late", "+79000000008", at.Add(time.Hour))), noon)
	decideAll(t, a)
	if got := counters(); got != [3]float64{101, 101, 101} {
		t.Errorf("after one more event: decided, stored, announced %v; want 101 of each", got)
	}
}
