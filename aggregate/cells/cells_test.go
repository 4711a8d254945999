package cells_test

import (
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/aggregate/cells"
	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/schema/law"
	"kaskad/schema/state"
	"kaskad/simulate/worlds"
)

// change is a message before and after its late events came, with units that were drawn by chance. A message that had
// no events before has no old state.
type change struct {
	old, new           *state.Message
	oldUnits, newUnits []law.Units
}

// changes are the messages of a random world.
func changes(t *rapid.T) []change {
	w := worlds.RandomMoney(rapid.Uint64Range(0, 1<<20).Draw(t, "world"))
	early, both := map[string]*state.Message{}, map[string]*state.Message{}
	addLines(t, early, w.Early, w.Now)
	addLines(t, both, append(slices.Clip(w.Early), w.Late...), w.Now)
	var all []change
	for _, id := range slices.Sorted(maps.Keys(both)) {
		c := change{old: early[id], new: both[id], newUnits: anyUnits(t, both[id])}
		if c.old != nil {
			c.oldUnits = anyUnits(t, c.old)
		}
		all = append(all, c)
	}
	return all
}

func anyUnits(t *rapid.T, m *state.Message) (units []law.Units) {
	for _, a := range m.Attempts {
		if !schema.Channels.Find(a.Channel).Dialog {
			units = append(units, law.Units{})
			continue
		}
		units = append(units, law.Units{Conversation: rapid.Bool().Draw(t, "conversation"),
			Outside: rapid.Bool().Draw(t, "outside")})
	}
	return units
}

// addLines makes states of events in JSON, by the ids of their messages.
func addLines(t interface{ Fatalf(string, ...any) }, states map[string]*state.Message, lines [][]byte, now time.Time) {
	var decoder event.Decoder
	var texts state.Texts
	for _, line := range lines {
		ev, bad := decoder.Decode(line, now.UnixMilli())
		if bad != nil {
			t.Fatalf("%s: %v", line, bad)
		}
		if !ev.Status.OfMessage() {
			continue
		}
		m := states[string(ev.MessageID)]
		if m == nil {
			m = &state.Message{}
			m.Reset()
			m.Account, m.MessageID = string(ev.Account), string(ev.MessageID)
			states[m.MessageID] = m
		}
		m.BucketMS = max(m.BucketMS, ev.BucketMS)
		m.Add(ev, &texts)
	}
}

// counted are sums by table, key and column; zeros are left out.
type counted map[string]int64

// add adds all rows of the rollups. Columns that are neither a key nor a sum do not count.
func (c counted) add(blocks []cells.Block) {
	sums := strings.Fields("attempted sent delivered read clicked replied failed pending skipped skewed machine_opened " +
		"lowered timed in_1m in_24h read_in_24h to_deliver to_read to_reply messages reported_micros reported attempts")
	for _, b := range blocks {
		if !strings.HasPrefix(b.Table, "rollup_") {
			continue
		}
		for row := range b.Rows {
			key := b.Table
			for i, name := range b.Names {
				if !slices.Contains(sums, name) && name != "edition" && name != "cohort_max_ms" {
					key += fmt.Sprintf(" %s=%v", name, reflect.ValueOf(b.Columns[i]).Index(row))
				}
			}
			for i, name := range b.Names {
				if !slices.Contains(sums, name) {
					continue
				}
				switch column := b.Columns[i].(type) {
				case []int64:
					c[key+": "+name] += column[row]
				case []int32:
					c[key+": "+name] += int64(column[row])
				case []*big.Int:
					c[key+": "+name] += column[row].Int64()
				case *schema.CountMaps:
					for cell, n := range column.Row(row) {
						c[fmt.Sprint(key, ": ", name, " ", cell)] += int64(n)
					}
				case []map[string]*big.Int:
					for currency, n := range column[row] {
						c[key+": "+name+" "+currency] += n.Int64()
					}
				default:
					panic(fmt.Sprintf("column %s of %s is %T", name, b.Table, column))
				}
			}
		}
	}
	maps.DeleteFunc(c, func(_ string, n int64) bool { return n == 0 })
}

func of(blocks ...[]cells.Block) counted {
	c := counted{}
	for _, b := range blocks {
		c.add(b)
	}
	return c
}

// sum adds the messages, in one use of a Sum or several.
func sum(messages []change, was bool) []cells.Block {
	var s cells.Sum
	for _, c := range messages {
		if !was {
			s.Replace(nil, c.new, nil, c.newUnits)
		} else if c.old != nil {
			s.Replace(nil, c.old, nil, c.oldUnits)
		}
	}
	return plain(s.Blocks(1))
}

func mustCount(t *rapid.T, what string, got, want counted) {
	if maps.Equal(got, want) {
		return
	}
	for key, n := range got {
		if want[key] != n {
			t.Errorf("%s: %s is %d, want %d", what, key, n, want[key])
		}
	}
	for key, n := range want {
		if _, known := got[key]; !known {
			t.Errorf("%s: %s is missing, want %d", what, key, n)
		}
	}
	t.FailNow()
}

// Whatever the order, and however messages are parted, cells are the sum of what each message contributes.
func TestSum_Replace_OrderAndSplitChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := changes(t)
		want := of(sum(all, false))
		if len(want) == 0 {
			t.Fatalf("a world of %d messages has no cells", len(all))
		}
		shuffled := rapid.Permutation(all).Draw(t, "shuffled")
		mustCount(t, "another order", of(sum(shuffled, false)), want)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		mustCount(t, "two parts", of(sum(shuffled[:cut], false), sum(shuffled[cut:], false)), want)
		each := counted{}
		for i := range all {
			each.add(sum(all[i:i+1], false))
		}
		mustCount(t, "one by one", each, want)
	})
}

// What was published and the difference to it are what is.
func TestSum_Replace_IsTheDifference(t *testing.T) {
	var s cells.Sum // Used again and again, it must remember nothing.
	rapid.Check(t, func(t *rapid.T) {
		all := changes(t)
		s.Reset()
		for _, c := range all {
			s.Replace(c.old, c.new, c.oldUnits, c.newUnits)
		}
		mustCount(t, "old + (new - old)", of(sum(all, true), plain(s.Blocks(1))), of(sum(all, false)))
	})
}

// What does not change leaves no row at all.
func TestSum_Replace_SameLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s cells.Sum
		for _, c := range changes(t) {
			s.Replace(c.new, c.new, c.newUnits, c.newUnits)
		}
		for _, b := range plain(s.Blocks(1)) {
			if b.Table != "legs" && b.Table != "shapes" {
				t.Fatalf("%d rows of %s although nothing has changed", b.Rows, b.Table)
			}
		}
	})
}

// Every column has all rows, and every shape and leg that cells name is noted.
func TestSum_Blocks_Whole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s cells.Sum
		for _, c := range changes(t) {
			s.Replace(nil, c.new, nil, c.newUnits)
		}
		noted := map[string]map[uint64]bool{"leg": {}, "shape": {}}
		blocks := plain(s.Blocks(7))
		for _, b := range blocks {
			for i, name := range b.Names {
				var n int
				if counts, are := b.Columns[i].(*schema.CountMaps); are {
					n = counts.Rows()
				} else {
					n = reflect.ValueOf(b.Columns[i]).Len()
				}
				if n != b.Rows || b.Rows == 0 {
					t.Fatalf("column %s of %s has %d rows, want %d", name, b.Table, n, b.Rows)
				}
				if b.Table == name+"s" {
					for _, hash := range b.Columns[i].([]uint64) {
						noted[name][hash] = true
					}
				}
			}
		}
		for _, way := range columnOf[string](t, blocks, "rollup_people", "way") {
			if !slices.Contains(waysOfLegs(t, blocks), way) {
				t.Fatalf("way %q is of no leg", way)
			}
		}
		for _, b := range blocks {
			for i, name := range b.Names {
				if hashes, ok := b.Columns[i].([]uint64); ok && noted[name] != nil &&
					strings.HasPrefix(b.Table, "rollup_") {
					for _, hash := range hashes {
						if !noted[name][hash] {
							t.Fatalf("%s %d of %s is not noted", name, hash, b.Table)
						}
					}
				}
			}
		}
	})
}

// messageOf makes a state of events of account a; members are names of fields, each followed by its value in JSON.
func messageOf(t *testing.T, lines ...string) *state.Message {
	t.Helper()
	states := map[string]*state.Message{}
	var all [][]byte
	for _, line := range lines {
		all = append(all, []byte(`{"account":"a","message_id":"m","channel":"sms","recipient":"+79001234567",`+line+`}`))
	}
	addLines(t, states, all, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	return states["m"]
}

// plain has the texts of columns side by side.
func plain(blocks []cells.Block) []cells.Block {
	for _, b := range blocks {
		for i, column := range b.Columns {
			if texts, are := column.(*schema.Texts); are {
				b.Columns[i] = texts.Strings()
			}
		}
	}
	return blocks
}

func columnOf[T any](t interface{ Helper() }, blocks []cells.Block, table, name string) []T {
	t.Helper()
	for _, b := range blocks {
		if i := slices.Index(b.Names, name); b.Table == table && i >= 0 {
			return b.Columns[i].([]T)
		}
	}
	return nil
}

const submittedAt = `"submitted_at":"2026-11-20T10:00:00Z"`

// The windows of a cell are over when the first minute of each of its attempts is.
func TestSum_Add_Windows(t *testing.T) {
	for name, c := range map[string]struct {
		line                         string
		windowEnd                    string
		timed, in1m, in24h, readIn24 int64
	}{
		"on a quarter hour": {`"status":"sent","occurred_at":"2026-11-20T10:14:00Z",` + submittedAt, "10:15", 1, 0, 0,
			0},
		"a millisecond later": {`"status":"sent","occurred_at":"2026-11-20T10:14:00.001Z",` + submittedAt, "10:30", 1,
			0, 0,
			0},
		"by the cohort": {`"status":"delivered","occurred_at":"2026-11-20T10:01:00Z",` + submittedAt, "10:15", 1, 1, 1,
			0},
		"too late": {`"status":"delivered","occurred_at":"2026-11-20T10:01:00.001Z",` + submittedAt, "10:15", 1, 0, 1,
			0},
		"a day late": {`"status":"read","occurred_at":"2026-11-21T00:00:00Z",` + submittedAt, "10:15", 1, 0, 1, 1},
		"not sent":   {`"status":"rejected","occurred_at":"2026-11-20T10:01:00Z",` + submittedAt, "", 0, 0, 0, 0},
		"skewed":     {`"status":"delivered","occurred_at":"2026-11-20T09:58:00Z",` + submittedAt, "", 0, 0, 0, 0},
	} {
		var s cells.Sum
		s.Add(messageOf(t, c.line), nil, 1)
		blocks := plain(s.Blocks(1))
		end, want := columnOf[int64](t, blocks, "rollup_attempts", "window_end"), int64(0)
		if c.windowEnd != "" {
			at, err := time.Parse(time.RFC3339, "2026-11-20T"+c.windowEnd+":00Z")
			if err != nil {
				t.Fatal(err)
			}
			want = at.Unix()
		}
		if len(end) != 1 || end[0] != want {
			t.Errorf("%s: windows end at %v, want %d", name, end, want)
		}
		for column, want := range map[string]int64{"timed": c.timed, "in_1m": c.in1m, "in_24h": c.in24h,
			"read_in_24h": c.readIn24} {
			if n := columnOf[int64](t, blocks, "rollup_attempts", column); !slices.Equal(n, []int64{want}) {
				t.Errorf("%s: %s is %v, want %d", name, column, n, want)
			}
		}
	}
}

// A message without a cohort counts nowhere, as old state and as new one.
func TestSum_Replace_WithoutCohort(t *testing.T) {
	const sent = `"status":"sent","occurred_at":"2026-11-20T10:00:00Z"`
	parked, known := messageOf(t, sent), messageOf(t, sent+","+submittedAt)
	var s cells.Sum
	s.Replace(nil, parked, nil, nil)
	if blocks := plain(s.Blocks(1)); len(blocks) != 0 {
		t.Fatalf("a message without a cohort makes %+v", blocks)
	}
	s.Replace(parked, known, nil, nil)
	if n := columnOf[int64](t, plain(s.Blocks(1)), "rollup_attempts", "sent"); !slices.Equal(n, []int64{1}) {
		t.Fatalf("%d were sent, want 1", n)
	}
}

// An attempt that has another recipient now is taken from the old one; one in which nothing that counts has changed is
// not written again.
func TestSum_Replace_Recipients(t *testing.T) {
	const sent = `"status":"sent","occurred_at":"2026-11-20T10:00:00Z",` + submittedAt
	old := messageOf(t, sent)
	var s cells.Sum
	s.Replace(old, messageOf(t, sent, sent+`,"recipient":"+79009999999"`), nil, nil)
	blocks := plain(s.Blocks(1))
	if to, gone := columnOf[string](t, blocks, "attempts_by_recipient", "recipient"),
		columnOf[uint8](t, blocks, "attempts_by_recipient", "gone"); !slices.Equal(to,
		[]string{"+79009999999", "+79001234567"}) || !slices.Equal(gone, []uint8{0, 1}) {
		t.Errorf("rows of %v, gone %v", to, gone)
	}
	s.Reset()
	s.Replace(old, messageOf(t, sent, `"status":"queued","occurred_at":"2026-11-20T10:01:00Z"`), nil, nil)
	if to := columnOf[string](t, plain(s.Blocks(1)), "attempts_by_recipient", "recipient"); len(to) != 0 {
		t.Errorf("rows of %v are written although none has changed", to)
	}
	s.Reset()
	moved := messageOf(t, sent)
	moved.BucketMS -= schema.HourMS
	s.Replace(old, moved, nil, nil)
	blocks = plain(s.Blocks(1))
	if at, gone := columnOf[int64](t, blocks, "attempts_by_recipient", "bucket"), columnOf[uint8](t, blocks,
		"attempts_by_recipient", "gone"); !slices.Equal(at, []int64{moved.BucketMS / 1000, old.BucketMS / 1000}) ||
		!slices.Equal(gone, []uint8{0, 1}) {
		t.Errorf("rows of hours %v, gone %v", at, gone)
	}
}

// Cells outgrow 64 bits of money, and come back.
func TestSum_Add_MoneyIn128Bits(t *testing.T) {
	m := messageOf(t, `"status":"sent","occurred_at":"2026-11-20T10:00:00Z","price":"1000000000","currency":"RUB",`+
		submittedAt)
	var s cells.Sum
	add := func(n int64) {
		for range 20_000 {
			s.Add(m, nil, n)
		}
	}
	sum := func() []*big.Int {
		return columnOf[*big.Int](t, plain(s.Blocks(1)), "rollup_cascades", "reported_micros")
	}
	want, _ := new(big.Int).SetString("20000000000000000000", 10)
	if add(1); len(sum()) != 1 || sum()[0].Cmp(want) != 0 {
		t.Fatalf("%v, want %v", sum(), want)
	}
	if add(-1); len(sum()) != 0 {
		t.Fatalf("%v is left", sum())
	}
	if add(-1); len(sum()) != 1 || sum()[0].Cmp(want.Neg(want)) != 0 {
		t.Fatalf("%v, want %v", sum(), want)
	}
}

// A dialog is another one when anything of it has changed, the replies too.
func TestDialog_Equal(t *testing.T) {
	const delivered = `"channel":"viber","status":"delivered","occurred_at":"2026-11-20T10:00:00Z",` + submittedAt
	m := messageOf(t, delivered)
	dialogs := cells.AppendDialogs(nil, m, []law.Units{{Conversation: true}})
	if len(dialogs) != 1 || dialogs[0].Recipient != "+79001234567" || !dialogs[0].Units.Conversation {
		t.Fatalf("dialogs %+v", dialogs)
	}
	replied := messageOf(t, delivered, `"channel":"viber","status":"replied","occurred_at":"2026-11-20T10:05:00Z"`)
	for name, c := range map[string]struct {
		m     *state.Message
		units []law.Units
		same  bool
	}{"same": {m, []law.Units{{Conversation: true}}, true}, "units": {m, nil, false},
		"a reply": {replied, []law.Units{{Conversation: true}}, false}} {
		if other := cells.AppendDialogs(nil, c.m, c.units); len(other) != 1 || other[0].Equal(&dialogs[0]) != c.same {
			t.Errorf("%s: %+v equal to %+v: %v", name, other, dialogs, !c.same)
		}
	}
	if others := cells.AppendDialogs(nil, messageOf(t, `"status":"delivered","occurred_at":"2026-11-20T10:00:00Z",`+
		submittedAt), nil); len(others) != 0 {
		t.Errorf("an SMS is the dialog %+v", others)
	}
}

func TestSum_Reset_ForgetsStates(t *testing.T) {
	var s cells.Sum
	m := messageOf(t, `"status":"sent","occurred_at":"2026-11-20T10:00:00Z",`+submittedAt)
	s.Replace(nil, m, nil, nil)
	first := plain(s.Blocks(1))
	s.Reset()
	if blocks := plain(s.Blocks(1)); len(blocks) != 0 {
		t.Fatalf("%+v is left", blocks)
	}
	s.Replace(nil, m, nil, nil)
	// Legs and shapes are stored by now.
	first = slices.DeleteFunc(first, func(b cells.Block) bool { return b.Table == "legs" || b.Table == "shapes" })
	if again := plain(s.Blocks(1)); !reflect.DeepEqual(again, first) {
		t.Fatalf("%+v, want %+v", again, first)
	}
}
