package aggregate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/health"
	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/simulate/model"
	modelnumbers "kaskad/simulate/model/numbers"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// Random histories of many numbers against a naive model of the rules: identical verdicts, evidence, spans of death and
// feed, in any order, with duplicates, cut into batches anywhere, and with an aggregator that is replaced in the
// middle. There are many more of them in make test-long.
func TestNumbers_Model(t *testing.T) {
	numbers, batches := enginetest.World(t, 300, 600, 20_000), enginetest.World(t, 2, 3, 4)
	const accounts = 6
	conn := connect(t)
	now := worlds.RandomNumbers(0, 0).Now
	m := model.New(now)
	query := settings.Numbers{Now: now, ErrorMaps: map[string]settings.ErrorMap{},
		Rules: map[string]settings.NumberRules{}}
	var early, late [][]byte
	for seed := range uint64(accounts) {
		w := worlds.RandomNumbers(seed, numbers/accounts)
		early, late = append(early, w.Early...), append(late, w.Late...)
		q := w.Query()
		query.Overrides = append(query.Overrides, q.Overrides...)
		if rules, own := q.Rules[w.Account]; own {
			putList(t, conn, schema.ReferenceNumberRules, w.Account, 1, rules)
			query.Rules[w.Account] = rules
		}
		if own, found := q.ErrorMaps[w.Account]; found {
			putList(t, conn, schema.ReferenceErrorMap, w.Account, len(own.Lines), own)
			query.ErrorMaps[w.Account] = own
		}
		for i, o := range q.Overrides {
			version := uint64(2*i + 1)
			set := schema.NumberOverride{Account: o.Account, Number: o.Number, Version: version, State: o.State,
				Why: o.Why, AtMS: o.At.UnixMilli()}
			if err := schema.InsertNumberOverride(t.Context(), conn, set); err != nil {
				t.Fatal(err)
			}
			if o.Until.IsZero() {
				continue
			}
			back := schema.NumberOverride{Account: o.Account, Number: o.Number, Version: version + 1,
				AtMS: o.Until.UnixMilli()}
			if err := schema.InsertNumberOverride(t.Context(), conn, back); err != nil {
				t.Fatal(err)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 5))
	for round, lines := range [][][]byte{early, late} {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		for i, batch := range cut(random, lines, batches) {
			for _, l := range batch {
				if err := m.Add(l); err != nil {
					t.Fatal(err)
				}
			}
			batch = append(batch, batch[:len(batch)/10]...)
			load(t, conn, fmt.Sprint(round, i), append(bytes.Join(batch, []byte("\n")), '\n'), now)
			a := newAggregator(conn, now)
			a.verdicts.AtOnce = numbers / 4 // several slices
			decideAll(t, a)
		}
		for _, w := range query.Overrides {
			if _, err := schema.AskVerdicts(t.Context(), conn, w.Account, []string{w.Number}, now); err != nil {
				t.Fatal(err)
			}
		}
		decideAll(t, newAggregator(conn, now))
		compareNumbers(t, conn, m, query)
	}
}

func putList(t testing.TB, conn driver.Conn, kind, account string, rows int, list any) {
	t.Helper()
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if string(body) == "null" {
		return
	}
	if _, err := schema.InsertReference(t.Context(), conn, kind, account, "test", rows, body, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// cut parts the lines into n batches of random size.
func cut(random *rand.Rand, lines [][]byte, n int) (batches [][][]byte) {
	cuts := []int{0, len(lines)}
	for range n - 1 {
		cuts = append(cuts, random.IntN(len(lines)))
	}
	slices.Sort(cuts)
	for i := 1; i < len(cuts); i++ {
		if cuts[i] > cuts[i-1] {
			batches = append(batches, slices.Clone(lines[cuts[i-1]:cuts[i]]))
		}
	}
	return batches
}

func compareNumbers(t *testing.T, conn driver.Conn, m *model.Model, query settings.Numbers) {
	t.Helper()
	want, err := modelnumbers.Verdicts(m, query)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT account, number, state, rule, since_ms, reasons, failed_mailings, failed_days, first_failed_ms, last_failed_ms, last_delivered_ms,
		possible_reassignment, looked_up_ms, operator, ported, valid, owner_changed_ms, dead_from_ms, dead_to_ms, dead_rules, guessed, reachable_channels, reachable_ms,
		opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms FROM number_health FINAL ORDER BY account, number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	type key struct{ account, number string }
	got := map[key]string{}
	for rows.Next() {
		var h schema.NumberHealth
		var from, to, reachableMS, optMS []int64
		var rules, reachable, channels, apps, senders, kinds []string
		if err := rows.Scan(&h.Account, &h.Number, &h.State, &h.Rule, &h.SinceMS, &h.Reasons, &h.FailedMailings,
			&h.FailedDays, &h.FirstFailedMS, &h.LastFailedMS, &h.LastDeliveredMS,
			&h.PossibleReassignment, &h.LookedUpMS, &h.Operator, &h.Ported, &h.Valid, &h.OwnerChangedMS, &from, &to,
			&rules, &h.Guessed, &reachable, &reachableMS,
			&channels, &apps, &senders, &kinds, &optMS); err != nil {
			t.Fatal(err)
		}
		for i := range from {
			h.Dead = append(h.Dead, schema.DeadSpan{FromMS: from[i], ToMS: to[i], Rule: rules[i]})
		}
		for i := range reachable {
			h.ReachableOn = append(h.ReachableOn,
				schema.Reachable{Channel: reachable[i], LastDeliveredMS: reachableMS[i]})
		}
		for i := range kinds {
			h.OptOuts = append(h.OptOuts,
				schema.OptOut{Channel: channels[i], App: apps[i], Sender: senders[i], Kind: kinds[i],
					SinceMS: optMS[i]})
		}
		got[key{h.Account, h.Number}] = shown(h)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	states, wrong := map[string]int{}, 0
	for _, v := range want {
		ms := func(at time.Time) int64 {
			if at.IsZero() {
				return 0
			}
			return at.UnixMilli()
		}
		flag := func(b *bool) int8 {
			switch {
			case b == nil:
				return -1
			case *b:
				return 1
			}
			return 0
		}
		h := schema.NumberHealth{State: v.State, Rule: v.Rule, SinceMS: ms(v.Since),
			FailedMailings: uint32(v.FailedMailings), FailedDays: uint32(v.FailedDays),
			FirstFailedMS: ms(v.FirstFailedAt), LastFailedMS: ms(v.LastFailedAt),
			LastDeliveredMS: ms(v.LastDeliveredAt), PossibleReassignment: v.PossibleReassignment,
			LookedUpMS: ms(v.LookedUpAt), Operator: v.Operator, Ported: flag(v.Ported), Valid: flag(v.Valid),
			OwnerChangedMS: ms(v.OwnerChangedAt), Reasons: map[string]uint32{},
			Guessed: uint32(v.Guessed)}
		for _, on := range v.ReachableOn {
			h.ReachableOn = append(h.ReachableOn,
				schema.Reachable{Channel: on.Channel, LastDeliveredMS: ms(on.LastDeliveredAt)})
		}
		for _, o := range v.OptOuts {
			h.OptOuts = append(h.OptOuts,
				schema.OptOut{Channel: o.Channel, App: o.App, Sender: o.Sender, Kind: o.Kind, SinceMS: ms(o.Since)})
		}
		for class, n := range v.Reasons {
			h.Reasons[class] = uint32(n)
		}
		for _, s := range v.DeadSpans {
			to := ms(s.To)
			if s.To.IsZero() {
				to = schema.Never
			}
			h.Dead = append(h.Dead, schema.DeadSpan{FromMS: ms(s.From), ToMS: to, Rule: s.Rule})
		}
		states[v.State+" "+v.Rule]++
		text, found := got[key{v.Account, v.Number}]
		if !found {
			text = shown(schema.NumberHealth{State: health.StateUnknown, Ported: -1, Valid: -1})
		}
		if text != shown(h) {
			if wrong++; wrong < 10 {
				t.Errorf("%s %s\n got %s\nwant %s", v.Account, v.Number, text, shown(h))
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d numbers differ", wrong, len(want))
	}
	t.Logf("%d numbers: %v", len(want), states)
	if n := count(t, conn, `SELECT count() FROM number_health AS h FINAL LEFT JOIN (SELECT account, number, argMax(to, seq) AS announced FROM number_changes GROUP BY account, number) AS c
		ON h.account = c.account AND h.number = c.number WHERE if(c.announced = '', 'unknown', c.announced) != h.state`); n != 0 {
		t.Errorf("the feed's last word differs from the state of %d numbers", n)
	}
	if n := count(t, conn, `SELECT countIf(prev != from) FROM (SELECT number, from, lagInFrame(to, 1, 'unknown') OVER (PARTITION BY account, number ORDER BY seq) AS prev FROM number_changes)`); n != 0 {
		t.Errorf("%d lines of the feed do not begin where the one before ended", n)
	}
}

func shown(h schema.NumberHealth) string {
	return fmt.Sprintf("%s %s since=%d reasons=%v mailings=%d days=%d first=%d last=%d delivered=%d reassigned=%v "+
		"lookup=%d %s %d %d %d dead=%v guessed=%d reachable=%v out=%v", h.State, h.Rule, h.SinceMS, h.Reasons,
		h.FailedMailings, h.FailedDays, h.FirstFailedMS, h.LastFailedMS, h.LastDeliveredMS, h.PossibleReassignment,
		h.LookedUpMS, h.Operator, h.Ported, h.Valid, h.OwnerChangedMS, h.Dead, h.Guessed, h.ReachableOn, h.OptOuts)
}
