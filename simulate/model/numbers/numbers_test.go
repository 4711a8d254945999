package numbers

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// The model agrees with a program that shares nothing with it: every number of the example, every field to the last
// digit.
func TestModel_Numbers_Examples(t *testing.T) {
	raw, err := os.ReadFile("../testdata/examples/numbers.json")
	if err != nil {
		t.Fatal(err)
	}
	var example struct {
		Now      time.Time
		Events   string
		ErrorMap map[string]settings.ErrorMap `json:"error_map"`
		Numbers  json.RawMessage
	}
	if err := json.Unmarshal(raw, &example); err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile("../testdata/examples/" + example.Events)
	if err != nil {
		t.Fatal(err)
	}
	m := model.New(example.Now)
	for _, line := range bytes.Split(bytes.TrimSpace(events), []byte("\n")) {
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	verdicts, err := Verdicts(m, settings.Numbers{ErrorMaps: example.ErrorMap})
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 60 {
		t.Fatalf("%d verdicts, want the 60 of the example", len(verdicts))
	}
	if err := model.CompareRows(verdicts, example.Numbers, "first_failed_at", "wasted_cost", "currency",
		"possible_reassignment",
		"reachable_on", "opt_outs", "looked_up_at", "operator", "ported", "valid", "owner_changed_at"); err != nil {
		t.Error(err)
	}
	for _, v := range verdicts {
		if last := len(v.History) - 1; last >= 0 && v.History[last].To != v.State || last < 0 && v.State != "unknown" {
			t.Errorf("%s: %s does not end the history %v", v.Number, v.State, v.History)
		}
	}
}

// Neither the order of events nor a repetition changes a verdict or a report, and the same seed makes the same world.
func TestModel_Numbers_OrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(0, 1<<20).Draw(rt, "seed")
		w, same := worlds.RandomNumbers(seed, 12), worlds.RandomNumbers(seed, 12)
		if !bytes.Equal(bytes.Join(w.Early, nil), bytes.Join(same.Early, nil)) ||
			!bytes.Equal(bytes.Join(w.Late, nil), bytes.Join(same.Late, nil)) {
			rt.Fatal("the same seed made another world")
		}
		want := everything(t, modelOf(w, t, w.Early, w.Late), w)
		again := slices.Concat(w.Late, w.Early)
		again = append(again, again[:len(again)/3]...)
		r := rand.New(rand.NewPCG(seed, rapid.Uint64().Draw(rt, "shuffle")))
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := everything(t, modelOf(w, t, again), w); got != want {
			rt.Fatalf("seed %d: changed:\n%s\nwant\n%s", seed, got, want)
		}
	})
}

// A verdict is what its history ends with, and the spans of death are those of its changes.
func TestModel_Numbers_HistoryEndsWithVerdict(t *testing.T) {
	for seed := range uint64(40) {
		w := worlds.RandomNumbers(seed, 60)
		verdicts, err := Verdicts(modelOf(w, t, w.Early, w.Late), w.Query())
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
func everything(t testing.TB, m *model.Model, w worlds.NumberWorld) string {
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
	verdicts, err := Verdicts(m, q.Numbers)
	print(verdicts, err)
	for _, v := range verdicts {
		print(v.History, nil)
		print(v.DeadSpans, nil)
	}
	penetration, err := Penetration(m, q)
	print(penetration, err)
	failures, err := Failures(m, q)
	print(failures, err)
	spend, err := DeadSpend(m, q)
	print(spend, err)
	best, err := BestChannel(m, q)
	print(best, err)
	for _, state := range []string{"", "blocked", "complained"} {
		audience, err := Audience(m, AudienceQuery{State: state, ErrorMaps: q.Numbers.ErrorMaps})
		print(audience, err)
	}
	unmapped, err := Unmapped(m, q)
	print(unmapped, err)
	history := HistoryQuery{ReachQuery: q, Account: w.Account, Channel: "push", ChannelPrice: "0.36",
		Billing: "per_message_delivered", SMSPrice: "2"}
	history.From, history.To = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	forecast, err := Forecast(m, history)
	print(forecast, err)
	return out.String()
}
