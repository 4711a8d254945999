package state_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

var begin = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// anyEvent draws an event of the message: few values, so that events meet in all ways, and odd ones among them.
func anyEvent(t *rapid.T) schema.Event {
	text := func(name string, among ...string) []byte {
		return []byte(rapid.SampledFrom(append(among, "")).Draw(t, name))
	}
	statuses := []schema.Status{schema.Queued, schema.Accepted, schema.Sent, schema.Delivered, schema.Delivered,
		schema.Read, schema.Clicked, schema.Replied, schema.Replied, schema.Undelivered, schema.Rejected,
		schema.Expired, schema.Failed, schema.Skipped}
	recipient := rapid.SampledFrom([]string{"+79001234567", "+79001234567", "user:7", "user:A\x00B"}).Draw(t,
		"recipient")
	ev := schema.Event{
		Step:     rapid.SampledFrom([]uint8{1, 1, 1, 2, 3, 255}).Draw(t, "step"),
		Status:   rapid.SampledFrom(statuses).Draw(t, "status"),
		Channel:  rapid.SampledFrom([]string{"sms", "viber", "email", "pigeon"}).Draw(t, "channel"),
		Traffic:  string(text("traffic", "otp", "promo", "other")),
		Trigger:  string(text("trigger", "unread", "undelivered", "other")),
		Provider: text("provider", "p1", "п2"), Campaign: text("campaign", "c1", "c10"),
		Template: text("template", "t"),
		Sender:   text("sender", "Shop", "Shop\x00"), App: text("app", "a"), Operator: text("operator", "25001"),
		Contact: text("contact", "p1", "p2"), SaidCountry: text("said", "RU", "KZ"), Recipient: []byte(recipient),
		ErrorCode:   text("code", "27", "5.1.1", "X"),
		OccurredMS:  begin.UnixMilli() + rapid.Int64Range(-2, 200).Draw(t, "at"),
		Segments:    uint16(rapid.IntRange(0, 3).Draw(t, "segments")),
		SMSSegments: uint16(rapid.SampledFrom([]int{0, 1, 65535}).Draw(t, "sms")),
		SMSMeasure:  uint32(rapid.SampledFrom([]int64{0, 5, 1<<32 - 1}).Draw(t, "measure")),
		Permanent:   rapid.Bool().Draw(t, "permanent"), Machine: rapid.Bool().Draw(t, "machine"),
		Billable: int8(rapid.IntRange(-1, 1).Draw(t, "billable")),
	}
	if recipient[0] == '+' {
		ev.Country = "RU"
	}
	if rapid.Bool().Draw(t, "submitted") {
		ev.SubmittedMS = begin.UnixMilli() + rapid.Int64Range(0, 2).Draw(t, "submitted at")
	}
	if rapid.Bool().Draw(t, "id") {
		ev.IDTimeMS, ev.IDTimePlausible = begin.UnixMilli()+1, rapid.Bool().Draw(t, "plausible")
	}
	if ev.Parts = rapid.SampledFrom([]uint8{0, 0, 1, 2, 2, 255}).Draw(t, "parts"); ev.Parts > 0 {
		ev.Part = rapid.SampledFrom([]uint8{0, 1, 1, min(2, ev.Parts), ev.Parts}).Draw(t, "part")
	}
	if ev.Currency = text("currency", "RUB", "EUR"); len(ev.Currency) > 0 {
		ev.PriceMicros = rapid.Int64Range(0, 3).Draw(t, "price") * 1_000_000
	}
	return ev
}

func anyEvents(t *rapid.T) []schema.Event {
	var events []schema.Event
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		events = append(events, anyEvent(t))
	}
	return events
}

func of(events ...schema.Event) *state.Message {
	var texts state.Texts
	m := &state.Message{}
	m.Reset()
	for i := range events {
		m.Add(&events[i], &texts)
	}
	return m
}

func merged(states ...*state.Message) *state.Message {
	m := of()
	for _, s := range states {
		m.Merge(s)
	}
	return m
}

// plain makes equal states equal for reflect: a list that is empty is none.
func plain(m *state.Message) state.Message {
	p := *m
	p.Attempts = slices.Clone(m.Attempts)
	for i := range p.Attempts {
		a := &p.Attempts[i]
		a.RepliesMS, a.Prices = append([]int64(nil), a.RepliesMS...), append([]law.Price(nil), a.Prices...)
	}
	if len(p.Attempts) == 0 {
		p.Attempts = nil
	}
	return p
}

type fataler interface{ Fatalf(string, ...any) }

func mustEqual(t fataler, what string, got, want *state.Message) {
	if x, y := plain(got), plain(want); !reflect.DeepEqual(x, y) {
		t.Fatalf("%s: state\n%+v\nwant\n%+v", what, x, y)
	}
}

// Whatever the order in which events come, how often, and how they are split among states, the state is the same.
func TestMessage_Merge_OrderSplitAndRepeatsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anyEvents(t)
		want := of(events...)
		shuffled := rapid.Permutation(events).Draw(t, "shuffled")
		mustEqual(t, "another order", of(shuffled...), want)
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		again := rapid.IntRange(0, cut).Draw(t, "again")
		x, y := of(shuffled[:cut]...), of(shuffled[again:]...)
		mustEqual(t, "two states", merged(x, y), want)
		mustEqual(t, "the other way round", merged(y, x), want)
		mustEqual(t, "themselves again", merged(x, y, y, x), want)
	})
}

func TestMessage_Merge_Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y, z := of(anyEvents(t)...), of(anyEvents(t)...), of(anyEvents(t)...)
		mustEqual(t, "x ⊕ x", merged(x, x), x)
		mustEqual(t, "x ⊕ y", merged(x, y), merged(y, x))
		mustEqual(t, "(x ⊕ y) ⊕ z", merged(merged(x, y), z), merged(x, merged(y, z)))
	})
}

// A merge leaves the other state as it was, and later changes of one do not show in the other.
func TestMessage_Merge_SharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events, more := anyEvents(t), anyEvents(t)
		y := of(events...)
		x := merged(y)
		x.Merge(of(more...))
		mustEqual(t, "what was merged", y, of(events...))
	})
}

// A state that is used again knows nothing of what it was before.
func TestMessage_Decode_RoundTrip(t *testing.T) {
	used := &state.Message{}
	rapid.Check(t, func(t *rapid.T) {
		m := of(anyEvents(t)...)
		if rapid.Bool().Draw(t, "facts of before") { // These know a code without a time, and of replies the earliest.
			for i := range m.Attempts {
				m.Attempts[i].AnyErrorCode, m.Attempts[i].RepliesMS = "27", nil
			}
		}
		stored := string(m.Append(nil))
		if err := used.Decode(stored); err != nil {
			t.Fatalf("%v of %+v", err, m)
		}
		mustEqual(t, "decoded", used, m)
		if again := string(merged(used).Append([]byte("x"))); again != "x"+stored {
			t.Fatalf("%x is stored once, %x the second time", stored, again)
		}
		for i := range stored { // Cut off anywhere, it is damaged.
			if err := used.Decode(stored[:i]); err == nil {
				t.Fatalf("the first %d of %d bytes are a state too", i, len(stored))
			}
		}
	})
}

// What is stored now can be read by every later program: the bytes of a state never change.
func TestMessage_Append_Golden(t *testing.T) {
	events := usual()
	stored := of(events...).Append(nil)
	const want = "\x01\x80\xb4\xb0\x86\xbfh\x05\x00\x01\x1c\xde\x02\xf0.\x80\xdd\xdb\x01\xff\x03\x03\x02\ainfobip" +
		"\x10autumn-sale-2026\norder_paid\nKaskadShop\x0525001\x0f+79001234567\x00RU\x01\x02"
	if string(stored) != want {
		t.Errorf("%q\nis stored, want\n%q", stored, want)
	}
	if len(stored) > 100 {
		t.Errorf("a usual message of one attempt takes %d bytes, more than 100: %q", len(stored), stored)
	}
}

// Nor do those of the fields that few attempts have.
func TestMessage_Append_GoldenOfAllFields(t *testing.T) {
	m := of(usual()[0])
	m.IDMS = m.SubmittedMS + 1
	for i := range 2 {
		a := m.Attempt(uint8(1 + i))
		for s := range a.Times {
			a.Times[s] = m.SubmittedMS + int64(s)
		}
		a.MachineMS, a.SingleDeliveredMS = m.SubmittedMS+20, m.SubmittedMS+21
		a.RepliesMS = []int64{m.SubmittedMS + 6, m.SubmittedMS + 9}
		a.Channel, a.Traffic, a.Trigger = schema.Channels[i].Name, "new", schema.Triggers[i]
		a.RecipientCountry, a.RecipientMark, a.SaidCountry, a.Contact, a.App = "user:7\x00", 7, "KZ", "p", "shop"
		a.SMSMeasure, a.Permanent, a.Billable = 1<<31, 1, 3
		a.Parts, a.PartFailures, a.PartsDeliveredMS = 9, 5, m.SubmittedMS+30
		a.DeliveredParts, a.FailedParts = law.PartSet{6}, law.PartSet{0, 0, 0, 1}
		a.AnyErrorCode = "27"
		a.AddError(m.SubmittedMS+11, "X")
		a.AddPrice(law.Price{Currency: "RUB", Part: 1, Micros: 2_500_000})
		a.AddPrice(law.Price{Currency: "RUB", Part: 2, Micros: 0})
	}
	const want = "\x01\x80\xb4\xb0\x86\xbfh\v\x00\x01\x01\xff\x7f\x00\x01\x02\x03\x04\x05\x06\a\b\t\n\v\x14\x15\xff" +
		"\xff\xff\a\x01\x00\x03new\x01\ainfobip\x10autumn-sale-2026\norder_paid\nKaskadShop\x0525001\ause" +
		"r:7\x00\x01p\x04shop\x02KZ\x0227\x01\x02\v\x01X\x02\x03RUB\x01\xc0\x96\xb1\x02\x00\x02\x00\x00\x00" +
		"\x00\x80\a\x00\x00\x00\x02\x06\x03\t\x01\x06\x1e\x04\x00\x00\x00\x01\x05\x01\x03\x02\xff\x7f\x00" +
		"\x01\x02\x03\x04\x05\x06\a\b\t\n\v\x14\x15\xe0\xfc\xff\a\x02\x00\x03new\x02\x00\x00\x00\x00\x00\v" +
		"\x00\x02\x03RUB\x01\xc0\x96\xb1\x02\x00\x02\x00\x00\x00\x00\x80\a\x00\x00\x00\x02\x06\x03\t\x01\x06" +
		"\x1e\x04\x00\x00\x00\x01\x05\x01\x03"
	if stored := m.Append(nil); string(stored) != want {
		t.Errorf("%q\nis stored, want\n%q", stored, want)
	}
}

// What is stored says these places: none may ever mean another name. A new name is one more at the end here.
func TestMessage_Append_PlacesOfNames(t *testing.T) {
	for _, c := range []struct {
		want string
		got  []string
	}{
		{"sms push viber whatsapp vk ok telegram messenger instagram rcs email flash_call voice",
			schema.Channels.Names()},
		{"otp transactional service promo", schema.Traffics},
		{"first undelivered unread no_app expired rejected manual", schema.Triggers},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("the places are %s, want %s", got, c.want)
		}
	}
}

// usual are the events of a message that is sent, delivered and read.
func usual() []schema.Event {
	at := begin.UnixMilli()
	ev := schema.Event{Account: []byte("acme"), MessageID: []byte("01939c7e-8a3b-7def-8123-456789abcdef"), Step: 1,
		Channel: "viber", Provider: []byte("infobip"), Campaign: []byte("autumn-sale-2026"),
		Template: []byte("order_paid"),
		Sender:   []byte("KaskadShop"), Operator: []byte("25001"), Traffic: "transactional",
		Recipient: []byte("+79001234567"),
		Country:   "RU", SubmittedMS: at, Segments: 1, SMSSegments: 2, Billable: -1}
	events := []schema.Event{ev, ev, ev}
	for i, status := range []schema.Status{schema.Sent, schema.Delivered, schema.Read} {
		events[i].Status, events[i].OccurredMS = status, at+[]int64{350, 6_000, 3_600_000}[i]
	}
	return events
}

func TestKey_Parse_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := state.Key{Account: rapid.String().Draw(t, "account"), MessageID: rapid.String().Draw(t, "id"),
			BucketMS: rapid.Int64Range(0, 1<<31).Draw(t, "hour") * schema.HourMS}
		stored := string(key.AppendKey(nil))
		if got, err := state.ParseKey(stored); err != nil || got != key {
			t.Fatalf("%+v, %v, want %+v", got, err, key)
		}
		hour := key
		hour.MessageID = ""
		if prefix := string(hour.AppendKey(nil)); stored[:len(prefix)] != prefix {
			t.Fatalf("%x does not begin as its hour %x does", stored, prefix)
		}
		if _, err := state.ParseKey(string(hour.AppendKey(nil)[:4])); len(key.Account) > 0 && err == nil {
			t.Fatalf("a part of a key is a key")
		}
	})
}

// Whatever bytes are read: an error, or a state that is stored and read as itself.
func FuzzMessage_Decode(f *testing.F) {
	f.Add([]byte{})
	f.Add(of(usual()...).Append(nil))
	for seed := range 30 {
		f.Add(of(rapid.Custom(anyEvents).Example(seed)...).Append(nil))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		m := of()
		if err := m.Decode(string(stored)); err != nil {
			mustEqual(t, "after an error", m, of())
			return
		}
		again := of()
		bytes := m.Append(nil)
		if err := again.Decode(string(bytes)); err != nil {
			t.Fatalf("%x is read and stored as %x, which is %v", stored, bytes, err)
		}
		mustEqual(t, fmt.Sprintf("%x, stored as %x", stored, bytes), again, m)
		merged(m, again).Append(nil)
	})
}
