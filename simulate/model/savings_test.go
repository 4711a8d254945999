package model

import (
	"bytes"
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

type savingsExample struct {
	Now       time.Time
	Events    string
	Tariffs   map[string][]settings.Tariff
	Templates map[string][]settings.Template
	Reports   []struct {
		GroupBy []string `json:"group_by"`
		Rows    []map[string]any
	}
}

func readSavingsExample(t testing.TB) (savingsExample, *Model) {
	t.Helper()
	raw, err := os.ReadFile("testdata/examples/savings.json")
	if err != nil {
		t.Fatal(err)
	}
	var example savingsExample
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&example); err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile("testdata/examples/" + example.Events)
	if err != nil {
		t.Fatal(err)
	}
	model := New(example.Now)
	for _, line := range bytes.Split(bytes.TrimSpace(events), []byte("\n")) {
		if err := model.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return example, model
}

// The model agrees with a program that shares nothing with it: the same rows in the same order, every field of the
// example to the last digit.
func TestModel_SavingsReport_Examples(t *testing.T) {
	example, model := readSavingsExample(t)
	if len(example.Reports) != 6 {
		t.Fatalf("%d reports in the example, want 6", len(example.Reports))
	}
	for _, report := range example.Reports {
		rows, err := model.SavingsReport(SavingsQuery{Query: Query{GroupBy: report.GroupBy}, Tariffs: example.Tariffs,
			Templates: example.Templates})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(report.Rows) {
			t.Fatalf("%v: %d rows, want %d", report.GroupBy, len(rows), len(report.Rows))
		}
		for i, row := range rows {
			encoded, err := row.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeRow(encoded)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range report.Rows[i] {
				if !sameValue(name, want, got[name]) {
					t.Errorf("%v row %d: %s is %v, want %v", report.GroupBy, i, name, got[name], want)
				}
			}
			for name := range got {
				if _, found := report.Rows[i][name]; !found &&
					!oneOf(name, "minimum_top_up", "saved_after_minimum", "priced_messages", "priced_reached",
						"priced_read", "reported_attempts", "mature") {
					t.Errorf("%v row %d: %s is not in the example", report.GroupBy, i, name)
				}
			}
		}
	}
}

// Neither the order of events nor a repetition changes an amount, and the same seed makes the same world.
func TestModel_SavingsReport_OrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(0, 1<<20).Draw(rt, "seed")
		w, same := worlds.RandomMoney(seed), worlds.RandomMoney(seed)
		if len(w.Early) != len(same.Early) || !bytes.Equal(bytes.Join(w.Early, nil), bytes.Join(same.Early, nil)) {
			rt.Fatal("the same seed made another world")
		}
		q := queryOf(w, Query{GroupBy: []string{"path", "day"}}, w.Tariffs)
		want := savingsText(t, mustReport(t, modelOf(w, t, w.Early, w.Late), q))
		again := append(append([][]byte{}, w.Early...), w.Late...)
		again = append(again, again[:len(again)/3]...)
		r := rand.New(rand.NewPCG(seed, rapid.Uint64().Draw(rt, "shuffle")))
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := savingsText(t, mustReport(t, modelOf(w, t, again), q)); got != want {
			rt.Fatalf("seed %d: the report changed:\n%s\nwant\n%s", seed, got, want)
		}
	})
}

// The rows of any grouping add up to the rows without one, and by_channel to actual_cost.
func TestModel_SavingsReport_SumsAreExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := worlds.RandomMoney(rapid.Uint64Range(0, 1<<20).Draw(rt, "seed"))
		m := modelOf(w, t, w.Early, w.Late)
		names := []string{"account", "campaign", "template", "sender", "traffic", "country", "first_channel",
			"reached_by", "path", "sms_segments",
			"hour", "day", "week", "month", "hour_of_day", "weekday"}
		group := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(rt, "group_by")
		sum := func(rows []SavingsRow) map[string]*big.Int {
			sums := map[string]*big.Int{}
			add := func(name string, n *big.Int) {
				if sums[name] == nil {
					sums[name] = new(big.Int)
				}
				sums[name].Add(sums[name], n)
			}
			for _, r := range rows {
				if r.PricedMessages == 0 {
					r.ActualCost = new(big.Int) // It is null.
				}
				byChannel := new(big.Int)
				for _, c := range r.ByChannel {
					byChannel.Add(byChannel, c.Cost)
					add(r.Currency+" attempts "+c.Channel, big.NewInt(c.Attempts))
					add(r.Currency+" units "+c.Channel, big.NewInt(c.Units))
				}
				if byChannel.Cmp(r.ActualCost) != 0 {
					rt.Fatalf("by_channel adds up to %s, actual_cost is %s", WriteMoney(byChannel),
						WriteMoney(r.ActualCost))
				}
				for i, n := range []int64{r.Messages, r.Reached, r.Read, r.Unpriced, r.Estimated, r.SMSSegments,
					r.PricedMessages, r.PricedReached, r.PricedRead} {
					add(r.Currency+" count "+string(rune('0'+i)), big.NewInt(n))
				}
				for i, amount := range []*big.Int{r.SMSOnlyCost, r.ActualCost, r.Saved, r.SavedUnreached, r.DoublePaid,
					r.DoublePaidUnread, r.WastedCost, r.ReportedCost, r.Drift} {
					if amount == nil {
						continue
					}
					add(r.Currency+" amount "+string(rune('0'+i)), amount)
				}
			}
			return sums
		}
		total := sum(mustReport(t, m, queryOf(w, Query{}, w.Tariffs)))
		parts := sum(mustReport(t, m, queryOf(w, Query{GroupBy: group}, w.Tariffs)))
		if len(total) != len(parts) {
			rt.Fatalf("%d sums, want %d", len(parts), len(total))
		}
		for name, want := range total {
			if parts[name] == nil || parts[name].Cmp(want) != 0 {
				rt.Fatalf("by %v: %s adds up to %v, want %v", group, name, parts[name], want)
			}
		}
	})
}

// The vectors on which an independent implementation and a well-known calculator agree.
func TestTextSegments_Vectors(t *testing.T) {
	n := strings.Repeat
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0}, {n("a", 160), 1}, {n("a", 161), 2}, {n("a", 306), 2}, {n("a", 307), 3}, {n("a", 459), 3},
		{n("a", 460), 4},
		{n("a", 159) + "€", 2}, {n("a", 158) + "€", 1}, {n("{", 80), 1}, {n("{", 81), 2},
		{n("a", 152) + "{" + n("a", 153), 3},
		{n("a", 153) + "{" + n("a", 151), 2}, {n("[", 153), 3}, {n("[", 154), 3}, {n("я", 70), 1}, {n("я", 71), 2},
		{n("я", 134), 2}, {n("я", 135), 3},
		{n("я", 201), 3}, {n("я", 202), 4}, {n("я", 1000), 15}, {n("😎", 35), 1}, {n("😎", 36), 2}, {n("😎", 66), 2},
		{n("😎", 67), 3},
		{n("я", 66) + "😎" + n("я", 66), 3}, {n("я", 67) + "😎" + n("я", 65), 2}, {n("a", 159) + "е", 3},
		{n("|", 69) + "∞", 1}, {n("`", 71), 2},
	} {
		if got := textSegments(c.text); got != c.want {
			t.Errorf("%.20q…: %d segments, want %d", c.text, got, c.want)
		}
	}
}
