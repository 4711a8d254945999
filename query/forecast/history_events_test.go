package forecast

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/aggregate"
	"kaskad/schema"
	"kaskad/schema/event"
)

// This file makes the events that forecasts from history are tested with, and stores them.

// pastEvent is an event of a message, or of a recipient when it has no message.
type pastEvent struct {
	account, message                                                    string
	step                                                                int
	channel, status, provider, template, sender, app, operator, traffic string
	recipient, contact                                                  string
	// submitted is zero where the event does not say
	at, submitted                      time.Time
	segments, smsSegments, part, parts int
}

func (e pastEvent) line() string {
	fields := map[string]any{"account": e.account, "channel": e.channel, "status": e.status, "recipient": e.recipient,
		"occurred_at": e.at.Format("2006-01-02T15:04:05.000Z07:00")}
	for name, value := range map[string]string{"message_id": e.message, "provider": e.provider, "template": e.template,
		"sender": e.sender, "app": e.app,
		"operator": e.operator, "traffic": e.traffic, "contact": e.contact} {
		if value != "" {
			fields[name] = value
		}
	}
	for name, value := range map[string]int{"step": e.step, "segments": e.segments, "sms_segments": e.smsSegments,
		"part": e.part, "parts": e.parts} {
		if value != 0 {
			fields[name] = value
		}
	}
	if !e.submitted.IsZero() {
		fields["submitted_at"] = e.submitted.Format("2006-01-02T15:04:05.000Z07:00")
	}
	line, err := json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return string(line)
}

// storePast stores events as ingest does, and has them aggregated.
func storePast(tb testing.TB, conn driver.Conn, events []pastEvent) {
	tb.Helper()
	storeFacts(tb, conn, events)
	aggregatePast(tb, conn)
}

// storeFacts stores events and marks their buckets as touched.
func storeFacts(tb testing.TB, conn driver.Conn, events []pastEvent) {
	tb.Helper()
	touched := map[schema.Touch]bool{}
	var facts schema.Facts
	var people schema.RecipientEvents
	var decoder event.Decoder
	for _, e := range events {
		decoded, failure := decoder.Decode([]byte(e.line()), testNow.UnixMilli())
		switch {
		case failure != nil:
			tb.Fatalf("%s: %v", e.line(), failure)
		case !decoded.Status.OfMessage():
			people.Append(decoded)
		case decoded.BucketMS == 0:
			tb.Fatalf("%s is an orphan", e.line())
		default:
			facts.Append(decoded)
			touched[schema.Touch{Account: e.account, BucketMS: decoded.BucketMS}] = true
		}
	}
	batch := uuid.New()
	var touches []schema.Touch
	for t := range touched {
		t.ID, t.AtMS = batch, testNow.UnixMilli()
		touches = append(touches, t)
	}
	for _, err := range []error{facts.Insert(tb.Context(), conn, batch, 0, facts.Rows()),
		people.Insert(tb.Context(), conn, uuid.New(), 0, people.Rows()),
		schema.OpenTouches(tb.Context(), conn, touches)} {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// aggregatePast runs an aggregator until it has nothing left to do.
func aggregatePast(tb testing.TB, conn driver.Conn) {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, Now: func() time.Time { return testNow },
		Poll: 10 * time.Millisecond}, aggregate.Deps{Conn: conn, Logger: slog.New(slog.DiscardHandler)})
	go func() { ended <- a.Run(ctx) }()
	for open := uint64(1); open > 0; time.Sleep(20 * time.Millisecond) {
		if err := conn.QueryRow(tb.Context(),
			"SELECT count() FROM (SELECT id FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0)").Scan(&open); err != nil {
			tb.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		tb.Fatal(err)
	}
}

// messageAt makes an id that holds a time, a UUIDv7.
func messageAt(at time.Time, r *rand.Rand) string {
	var id uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	for i := 6; i < 16; i++ {
		id[i] = byte(r.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// randomPast makes the events of n messages of the days before testNow, and of people who leave and come back.
func randomPast(r *rand.Rand, n, days int) (events []pastEvent) {
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	chance := func(percent int) bool { return r.IntN(100) < percent }
	phone := func(person int) string {
		return fmt.Sprintf("+7%s%07d", []string{"900", "901", "701"}[person%3], person) // Russia, and Kazakhstan
	}
	apps := []string{"", "bank", "shop"}
	device := func(person int, app string) string { return fmt.Sprintf("device:%d-%s-%d", person, app, r.IntN(2)) }
	for i := range n {
		at := testNow.Add(-time.Duration(1+r.Int64N(int64(days)*86_400_000)) * time.Millisecond)
		m := pastEvent{account: pick("acme", "acme", "acme", "центр"),
			template: pick("", "otp", "order", "bday", "news", "c'est"), traffic: pick("", "promo", "otp")}
		person := r.IntN(max(1, n/8))
		contact := ""
		if person%4 != 0 {
			contact = fmt.Sprintf("user:%d", person)
		}
		if chance(60) {
			m.message = messageAt(at, r)
			if chance(30) {
				m.submitted = at.Add(-time.Duration(r.IntN(3_000_000)) * time.Millisecond)
			}
		} else {
			m.message, m.submitted = fmt.Sprintf("m-%d", i), at
		}
		for step := range 1 + r.IntN(3) {
			s := m
			s.step, s.contact = step+1, contact
			s.channel = pick("sms", "sms", "sms", "push", "push", "viber", "vk")
			if step == 0 && m.template == "news" {
				s.channel = "email"
			}
			s.recipient, s.sender, s.provider = phone(person), pick("", "Shop"), pick("", "mts")
			s.operator = pick("", "25001")
			if s.channel == "push" {
				s.app, s.provider = apps[r.IntN(3)], pick("", "fcm", "own")
				s.recipient = device(person, s.app)
			}
			if chance(50) {
				s.smsSegments = 1 + r.IntN(3)
			}
			if chance(40) {
				s.segments = 1 + r.IntN(3)
			}
			clock := at.Add(time.Duration(step) * time.Minute)
			say := func(status string, part, parts int) {
				e := s
				clock = clock.Add(time.Duration(1+r.IntN(20_000_000)) * time.Millisecond)
				if clock.After(testNow) {
					clock = testNow
				}
				e.at, e.status, e.part, e.parts = clock, status, part, parts
				if m.message[0] != 'm' && chance(50) {
					e.submitted = time.Time{} // The id tells, or another event.
				}
				if chance(30) {
					e.template, e.sender, e.segments, e.smsSegments, e.contact = "", "", 0, 0, contact
				}
				events = append(events, e)
				if chance(5) {
					events = append(events, e) // twice
				}
			}
			switch r.IntN(8) {
			case 0:
				say("skipped", 0, 0)
				if chance(20) {
					say(pick("rejected", "queued", "sent"), 0, 0)
				}
			case 1:
				say(pick("undelivered", "rejected", "expired", "failed"), 0, 0)
			case 2:
				if chance(50) {
					say("sent", 0, 0)
				}
				for part := 1; part <= 2; part++ {
					say(pick("delivered", "delivered", "undelivered", "failed", "rejected"), part, 2)
				}
			case 3:
				say("queued", 0, 0)
			case 4:
				say("accepted", 0, 0)
			default:
				say("sent", 0, 0)
				say(pick("delivered", "delivered", "read", "clicked"), 0, 0)
			}
		}
		if chance(15) {
			e := pastEvent{account: m.account,
				status:    pick("uninstalled", "unsubscribed", "blocked", "subscribed", "complained"),
				channel:   pick("push", "push", "viber", "vk"),
				recipient: phone(person),
				at:        testNow.Add(-time.Duration(r.Int64N(int64(days)*86_400_000)) * time.Millisecond)}
			if e.channel == "push" {
				e.app = apps[r.IntN(3)]
				e.recipient = device(person, e.app)
			}
			if chance(50) {
				e.contact = contact
			}
			events = append(events, e)
		}
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}
