package model

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/simulate"
	"kaskad/simulate/worlds"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func lines(t testing.TB, cfg simulate.Config) (*simulate.Simulator, [][]byte) {
	t.Helper()
	sim, err := simulate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for ev := range sim.Events() {
		all = append(all, bytes.Clone(ev.Line))
	}
	return sim, all
}

func truth(t testing.TB, m *Model) string {
	t.Helper()
	queries, err := TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := m.WriteTruth(&out, "events.ndjson", queries); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func fold(now time.Time, all [][]byte) *Model {
	m := New(now)
	for _, line := range all {
		_ = m.Add(line) // Poison changes nothing, which is part of the law.
	}
	return m
}

// TestModel_Add_OrderAndDuplicatesChangeNothing is the first principle of the design: a stored fact is a merge.
func TestModel_Add_OrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		sim, all := lines(t, simulate.DirtyConfig(seed, 60))
		want := truth(t, fold(sim.Now(), all))

		r := rand.New(rand.NewPCG(seed, rapid.Uint64().Draw(rt, "shuffle")))
		again := append([][]byte{}, all...)
		for range rapid.IntRange(0, len(all)).Draw(rt, "duplicates") {
			again = append(again, all[r.IntN(len(all))])
		}
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := truth(t, fold(sim.Now(), again)); got != want {
			rt.Fatalf("seed %d: the report changed:\n%s\nwant\n%s", seed, got, want)
		}
	})
}

// The same of the worlds of money, where e-mails bounce, parts have prices and people opt out.
func TestModel_Reports_OrderAndDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64Range(0, 1<<20).Draw(rt, "seed")
		w := worlds.RandomMoney(seed)
		text := func(lines ...[][]byte) string {
			m := modelOf(w, t, lines...)
			spend, err := m.SpendReport(queryOf(w, Query{GroupBy: []string{"step", "country"}}, w.Tariffs))
			if err != nil {
				rt.Fatal(err)
			}
			rows, err := json.Marshal(spend)
			if err != nil {
				rt.Fatal(err)
			}
			return truth(t, m) + string(rows)
		}
		want := text(w.Early, w.Late)
		again := slices.Concat(w.Late, w.Early, w.Early[:len(w.Early)/2], w.Late)
		r := rand.New(rand.NewPCG(seed, rapid.Uint64().Draw(rt, "shuffle")))
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		if got := text(again); got != want {
			rt.Fatalf("seed %d: the reports changed:\n%s\nwant\n%s", seed, got, want)
		}
	})
}

// TestModel_ChannelReport_PartsAddUp checks what holds in every report: the identity of counts, numerators within
// denominators, and that the rows of any grouping sum to the whole.
func TestModel_ChannelReport_PartsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sim, all := lines(t, simulate.DirtyConfig(rapid.Uint64().Draw(rt, "seed"), 100))
		m := fold(sim.Now(), all)
		whole, err := m.ChannelReport(Query{})
		if err != nil || len(whole) != 1 {
			rt.Fatalf("%d rows, %v", len(whole), err)
		}
		queries, err := TruthQueries()
		if err != nil {
			rt.Fatal(err)
		}
		for _, q := range queries {
			rows, err := m.ChannelReport(q)
			if err != nil {
				rt.Fatal(err)
			}
			var sum [14]int64
			var rates [12]Rate
			for _, r := range rows {
				if r.Attempted != r.Delivered+r.Failed+r.Pending {
					rt.Fatalf("%v: attempted %d ≠ %d + %d + %d", r.Keys, r.Attempted, r.Delivered, r.Failed, r.Pending)
				}
				for i, n := range r.counts() {
					sum[i] += n
				}
				for i, x := range r.rates() {
					if x.Num < 0 || x.Num > x.Den {
						rt.Fatalf("%v: rate %d is %d/%d", r.Keys, i, x.Num, x.Den)
					}
					rates[i].Num += x.Num
					rates[i].Den += x.Den
				}
			}
			if sum != whole[0].counts() || rates != whole[0].rates() {
				rt.Fatalf("rows by %v do not sum to the whole", q.GroupBy)
			}
		}
	})
}

func (r Row) counts() [14]int64 {
	return [14]int64{r.Attempted, r.Sent, r.Delivered, r.Read, r.Clicked, r.Replied, r.Failed, r.Pending, r.Skipped,
		r.Skewed,
		r.MachineOpened, r.Unsubscribed, r.Blocked, r.Complained}
}

func (r Row) rates() [12]Rate {
	return [12]Rate{r.Delivery, r.DeliveredOfAttempted, r.Open, r.ReadOfSent, r.Reply, r.Click, r.Delivered1m,
		r.Delivered24h, r.Read24h,
		r.Unsubscribe, r.Block, r.Complaint}
}

// TestModel_ChannelReport_FiltersSelectRows checks that a filter on a group's value gives that group's row and no
// other.
func TestModel_ChannelReport_FiltersSelectRows(t *testing.T) {
	sim, all := lines(t, simulate.DirtyConfig(5, 300))
	m := fold(sim.Now(), all)
	queries, err := TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		rows, err := m.ChannelReport(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			q.Filters = map[string][]string{}
			for _, key := range row.Keys {
				q.Filters[key.Name] = []string{"no such value", key.String()}
			}
			filtered, err := m.ChannelReport(q)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(filtered), fmt.Sprint([]Row{row}); got != want {
				t.Fatalf("filter %v:\n got %s\nwant %s", q.Filters, got, want)
			}
		}
	}
}

// TestRate_Millionths_Exact compares with a definition that shares no operation: the half is decided on the remainder.
func TestRate_Millionths_Exact(t *testing.T) {
	for _, c := range []struct{ num, den, want int64 }{{0, 3, 0}, {3, 3, 1_000_000}, {1, 3, 333_333}, {2, 3, 666_667},
		{1, 2_000_000, 1}, {1, 2_000_001, 0}, {999_999, 2_000_000, 500_000},
		{math.MaxInt64 / 2, math.MaxInt64/2 + 1, 1_000_000}} {
		if got, ok := (Rate{c.num, c.den}).Millionths(); !ok || got != c.want {
			t.Errorf("%d/%d = %d, want %d", c.num, c.den, got, c.want)
		}
	}
	if _, ok := (Rate{}).Millionths(); ok {
		t.Error("0/0 is known")
	}
	rapid.Check(t, func(rt *rapid.T) {
		den := rapid.Int64Range(1, 1e12).Draw(rt, "den")
		num := rapid.Int64Range(0, den).Draw(rt, "num")
		got, _ := (Rate{num, den}).Millionths()
		// |num/den − got/10⁶| ≤ ½·10⁻⁶, the half going up: −den < 2·(10⁶·num − got·den) … computed by parts to stay in
		// 64 bits.
		whole, rest := num/den, num%den
		for range 6 {
			rest *= 10
			whole = whole*10 + rest/den
			rest %= den
		}
		want := whole
		if 2*rest >= den {
			want++
		}
		if got != want {
			rt.Fatalf("%d/%d = %d, want %d", num, den, got, want)
		}
	})
}

func TestRate_Wilson_AgreesWithFloats(t *testing.T) {
	const z = 1.959963984540054
	if low, high, _ := (Rate{0, 7}).Wilson(); low != 0 || high == 0 {
		t.Errorf("0/7: %d %d", low, high)
	}
	if low, high, _ := (Rate{7, 7}).Wilson(); high != 1_000_000 || low == 0 {
		t.Errorf("7/7: %d %d", low, high)
	}
	rapid.Check(t, func(rt *rapid.T) {
		den := rapid.Int64Range(1, 1e9).Draw(rt, "den")
		num := rapid.Int64Range(0, den).Draw(rt, "num")
		low, high, ok := (Rate{num, den}).Wilson()
		n, p := float64(den), float64(num)/float64(den)
		middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
		// A float may fall on the other side of a half, never further away.
		for _, pair := range [][2]float64{{float64(low), (middle - half) / (1 + z*z/n)},
			{float64(high), (middle + half) / (1 + z*z/n)}} {
			if !ok || math.Abs(pair[0]-1e6*pair[1]) > 0.5001 {
				rt.Fatalf("%d/%d: %v, want %v", num, den, pair[0], 1e6*pair[1])
			}
		}
	})
}

// TestDecodeFlat_AgreesWithDecodeAny holds the fast decoder to the slow one, on whole and on broken lines.
func TestDecodeFlat_AgreesWithDecodeAny(t *testing.T) {
	_, all := lines(t, simulate.DirtyConfig(9, 300))
	_, examples := readExample(t)
	all = append(all, examples...)
	flat := 0
	check := func(fail func(string, ...any), line []byte) bool {
		var fast, slow wireEvent
		if !decodeFlat(string(line), &fast) {
			return false
		}
		var f faults
		if err := decodeAny(line, &slow, &f); err != nil || len(f.texts) > 0 {
			fail("%s: taken, but %v %v", line, err, f.texts)
		}
		if fast != slow {
			fail("%s:\nfast %+v\nslow %+v", line, fast, slow)
		}
		return true
	}
	for _, line := range all {
		if check(t.Fatalf, line) {
			flat++
		}
	}
	if flat < len(all)*9/10 {
		t.Errorf("only %d of %d lines are decoded fast", flat, len(all))
	}
	rapid.Check(t, func(rt *rapid.T) {
		line := bytes.Clone(all[rapid.IntRange(0, len(all)-1).Draw(rt, "line")])
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			at := rapid.IntRange(0, len(line)-1).Draw(rt, "at")
			switch rapid.IntRange(0, 2).Draw(rt, "change") {
			case 0:
				line[at] = rapid.SampledFrom([]byte(`"\{}[],:0123456789-.eE +trufalsn`+"\x00\x1f\xff\xd0")).Draw(rt,
					"byte")
			case 1:
				line = append(line[:at:at], line[at+1:]...)
			case 2:
				line = append(line[:at:at], append([]byte{line[at]}, line[at:]...)...)
			}
			if len(line) == 0 {
				return
			}
		}
		check(rt.Fatalf, line)
	})
}

func TestCompare_Differences(t *testing.T) {
	sim, all := lines(t, simulate.DirtyConfig(3, 200))
	rows, err := fold(sim.Now(), all).ChannelReport(Query{GroupBy: []string{"channel", "step"}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := Compare(rows, answer); err != nil {
		t.Errorf("a report differs from itself: %v", err)
	}
	p50 := func(seconds string) string {
		return strings.Replace(string(answer),
			`"time_to_deliver_p50":`+string(appendDecimal(nil, printed(rows[0].TimeToDeliver.P50), 3)),
			`"time_to_deliver_p50":`+seconds, 1)
	}
	exact := rows[0].TimeToDeliver.P50.Seconds()
	seconds := func(s float64) string {
		return string(appendDecimal(nil, printed(time.Duration(s*float64(time.Second))), 3))
	}
	if err := Compare(rows, json.RawMessage(p50(seconds(exact*1.019)))); err != nil {
		t.Errorf("a percentile may be 1.9 %% off: %v", err)
	}
	for name, wrong := range map[string]string{
		"percentile": p50(seconds(exact*1.03 + 0.02)),
		"digits":     p50(fmt.Sprintf("%.3f1", exact)),
		"count":      strings.Replace(string(answer), `"attempted":`, `"attempted":1`, 1),
		"null":       strings.Replace(string(answer), `"click_rate":`, `"click_rate":null,"x":`, 1),
		"mature":     strings.Replace(string(answer), `"mature":true`, `"mature":false`, 1),
		"row":        "[]",
	} {
		if wrong == string(answer) {
			t.Errorf("%s: the test changes nothing", name)
		}
		if err := Compare(rows, json.RawMessage(wrong)); err == nil {
			t.Errorf("%s: the difference is not seen", name)
		}
	}
}

// TestModel_WriteTruth_Readable reads a truth file back and holds its rows to the model's.
func TestModel_WriteTruth_Readable(t *testing.T) {
	sim, all := lines(t, simulate.DirtyConfig(4, 300))
	m := fold(sim.Now(), all)
	var file exampleFile
	if err := json.NewDecoder(bufio.NewReader(strings.NewReader(truth(t, m)))).Decode(&file); err != nil {
		t.Fatal(err)
	}
	queries, err := TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	if !file.Now.Equal(sim.Now()) || file.Events != "events.ndjson" || len(file.Reports) != len(queries) {
		t.Fatalf("%v %s %d", file.Now, file.Events, len(file.Reports))
	}
	for i, report := range file.Reports {
		rows, err := m.ChannelReport(queries[i])
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(report.Rows)
		if err != nil {
			t.Fatal(err)
		}
		if err := Compare(rows, got); err != nil || len(rows) == 0 {
			t.Errorf("%v: %v", report.GroupBy, err)
		}
	}
}
