package simulate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model agrees with a program that shares nothing with it: every number of the example, every field to the last
// digit.
func TestModel_Numbers_Examples(t *testing.T) {
	raw, err := os.ReadFile("testdata/examples/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Now      time.Time
		Events   string
		ErrorMap map[string]ErrorMap `json:"error_map"`
		Numbers  []map[string]any
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&example); err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile("testdata/examples/" + example.Events)
	if err != nil {
		t.Fatal(err)
	}
	m := NewModel(example.Now)
	for _, line := range bytes.Split(bytes.TrimSpace(events), []byte("\n")) {
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	verdicts, err := m.Numbers(NumbersQuery{ErrorMaps: example.ErrorMap})
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != len(example.Numbers) || len(verdicts) != 60 {
		t.Fatalf("%d verdicts, want the %d of the example, which are 60", len(verdicts), len(example.Numbers))
	}
	for i, v := range verdicts {
		encoded, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeRow(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range example.Numbers[i] {
			if value, found := got[name]; !found || !sameField(name, want, value) {
				t.Errorf("%s: %s is %v, want %v", v.Number, name, value, want)
			}
		}
		if last := len(v.History) - 1; last >= 0 && v.History[last].To != v.State || last < 0 && v.State != "unknown" {
			t.Errorf("%s: %s does not end the history %v", v.Number, v.State, v.History)
		}
	}
}

// sameField is sameValue for objects of numbers too.
func sameField(name string, want, got any) bool {
	x, isObject := want.(map[string]any)
	y, alsoObject := got.(map[string]any)
	if !isObject || !alsoObject {
		return sameValue(name, want, got)
	}
	if len(x) != len(y) {
		return false
	}
	for key, value := range x {
		if !sameValue(key, value, y[key]) {
			return false
		}
	}
	return true
}

// Neither the order of events nor a repetition changes a verdict or a report, and the same seed makes the same world.
func TestModel_Numbers_OrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(0, 1<<20).Draw(rt, "seed")
		w, same := RandomNumbers(seed, 12), RandomNumbers(seed, 12)
		if !bytes.Equal(bytes.Join(w.Early, nil), bytes.Join(same.Early, nil)) ||
			!bytes.Equal(bytes.Join(w.Late, nil), bytes.Join(same.Late, nil)) {
			rt.Fatal("the same seed made another world")
		}
		want := everything(t, w.model(t, w.Early, w.Late), w)
		again := slices.Concat(w.Late, w.Early)
		again = append(again, again[:len(again)/3]...)
		r := rand.New(rand.NewPCG(seed, rapid.Uint64().Draw(rt, "shuffle")))
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := everything(t, w.model(t, again), w); got != want {
			rt.Fatalf("seed %d: changed:\n%s\nwant\n%s", seed, got, want)
		}
	})
}

// A verdict is what its history ends with, and the spans of death are those of its changes.
func TestModel_Numbers_HistoryEndsWithVerdict(t *testing.T) {
	for seed := range uint64(40) {
		w := RandomNumbers(seed, 60)
		verdicts, err := w.model(t, w.Early, w.Late).Numbers(w.Query())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			state, rule := "unknown", ""
			for i, change := range v.History {
				if change.From != state || change.To == state && change.Rule == rule || i > 0 &&
					change.At.Before(v.History[i-1].At) || change.At.After(w.Now) {
					t.Errorf("seed %d %s: %+v does not follow %s", seed, v.Number, change, state)
				}
				state, rule = change.To, change.Rule
			}
			if v.Override == "" && (state != v.State || rule != v.Rule) {
				t.Errorf("seed %d %s: %s %s, but its history ends with %s %s", seed, v.Number, v.State, v.Rule, state,
					rule)
			}
			for i, span := range v.DeadSpans {
				open := span.To.IsZero()
				if !open && !span.From.Before(span.To) || open != (v.State == "dead" && i == len(v.DeadSpans)-1) ||
					i > 0 && span.From.Before(v.DeadSpans[i-1].To) {
					t.Errorf("seed %d %s: dead %v", seed, v.Number, v.DeadSpans)
				}
			}
		}
	}
}

// everything prints all that the model says of a world's numbers and people.
func everything(t testing.TB, m *Model, w NumberWorld) string {
	t.Helper()
	q := ReachQuery{Numbers: w.Query()}
	var out bytes.Buffer
	print := func(rows any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(encoded, '\n'))
	}
	verdicts, err := m.Numbers(q.Numbers)
	print(verdicts, err)
	for _, v := range verdicts {
		print(v.History, nil)
		print(v.DeadSpans, nil)
	}
	penetration, err := m.Penetration(q)
	print(penetration, err)
	failures, err := m.Failures(q)
	print(failures, err)
	spend, err := m.DeadSpend(q)
	print(spend, err)
	best, err := m.BestChannel(q)
	print(best, err)
	for _, state := range []string{"", "blocked", "complained"} {
		audience, err := m.Audience(AudienceQuery{State: state, ErrorMaps: q.Numbers.ErrorMaps})
		print(audience, err)
	}
	unmapped, err := m.Unmapped(q)
	print(unmapped, err)
	history := HistoryQuery{ReachQuery: q, Account: w.Account, Channel: "push", ChannelPrice: "0.36",
		Billing: "per_message_delivered", SMSPrice: "2"}
	history.From, history.To = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	forecast, err := m.HistoryForecast(history)
	print(forecast, err)
	return out.String()
}
