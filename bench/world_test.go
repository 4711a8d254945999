package bench

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema/schematest"
)

var (
	//go:embed sql/attempts.sql
	attemptsSQL string
	//go:embed sql/touch.sql
	touchSQL string
)

// world is a stored history: messages spread evenly over the hours of some days and over accounts of equal size. What
// message n is follows from n and the seed alone, in SQL (sql/attempts.sql) and here.
type world struct {
	seed                              uint64
	messages, accounts, hours, people int
	start                             time.Time
}

// newWorld ends an hour ago, so that the windows of a minute are over and those of a day are not.
func newWorld(messages, accounts, hours int) world {
	return world{seed: 1, messages: messages, accounts: accounts, hours: hours, people: max(messages/5, 1),
		start: time.Now().Add(-time.Hour).Truncate(time.Hour).Add(-time.Duration(hours) * time.Hour)}
}

func (w world) span() time.Duration { return time.Duration(w.hours) * time.Hour }

func (w world) fill(b testing.TB, conn driver.Conn) {
	b.Helper()
	ctx := clickhouse.Context(b.Context(), clickhouse.WithParameters(clickhouse.Parameters{
		"seed": fmt.Sprint(w.seed), "messages": fmt.Sprint(w.messages), "accounts": fmt.Sprint(w.accounts),
		"people": fmt.Sprint(w.people), "start_ms": fmt.Sprint(w.start.UnixMilli()),
		"span_ms": fmt.Sprint(w.span().Milliseconds()), "at_ms": fmt.Sprint(time.Now().UnixMilli())}),
		clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0}))
	for _, statement := range []string{attemptsSQL, touchSQL} {
		if err := conn.Exec(ctx, statement); err != nil {
			b.Fatal(err)
		}
	}
}

// message is the last step of a message's cascade.
type message struct {
	account, id, channel, recipient string
	step                            int
	at                              time.Time
	arrived, waits                  bool
}

func (w world) message(n uint64) message {
	h := intHash64(n + w.seed<<40)
	at := w.start.UnixMilli() + int64(n*uint64(w.span().Milliseconds())/uint64(w.messages))
	m := message{account: "tenant-" + strconv.FormatUint(h%uint64(w.accounts), 10), step: 1, at: time.UnixMilli(at)}
	way, fate := h>>8%100, h>>16%100
	switch {
	case way < 65 && fate >= 70:
		m.step, m.channel, fate = 2, "sms", h>>24%100
	case way < 30:
		m.channel = "push"
	case way < 50:
		m.channel = "viber"
	case way < 60:
		m.channel = "whatsapp"
	case way < 65:
		m.channel = "telegram"
	default:
		m.channel = "sms"
	}
	if m.channel == "sms" {
		m.arrived, m.waits = fate < 80, fate >= 80 && fate < 90
	} else {
		m.arrived = fate < 70
	}
	person := h >> 34 % uint64(w.people)
	if m.recipient = fmt.Sprintf("+79%09d", person); m.channel == "push" {
		m.recipient = "device:" + hexBytes(person)
	}
	clock, noise := hexBytes(uint64(at)), hexBytes(h)
	m.id = clock[:8] + "-" + clock[8:] + "-7" + noise[:3] + "-8" + noise[3:6] + "-" + fmt.Sprintf("%012x", n)
	return m
}

// receipt appends a late receipt of a random message, one that moves its figures: a read, click or reply of what was
// delivered, or the delivery of an SMS that waits. Messages of the last `back` of the history are chosen.
func (w world) receipt(random *rand.Rand, back time.Duration, now time.Time) (key, line []byte) {
	first := uint64(w.messages) * uint64(w.span()-min(back, w.span())) / uint64(w.span())
	for {
		m := w.message(first + random.Uint64N(uint64(w.messages)-first))
		status := "delivered"
		switch draw := random.IntN(100); {
		case !m.waits && (!m.arrived || m.channel == "sms"):
			continue
		case m.waits:
		case draw < 60:
			status = "read"
		case draw < 98:
			status = "clicked"
		default:
			status = "replied"
		}
		key = fmt.Appendf(nil, "%s\x00%s", m.account, m.id)
		line = fmt.Appendf(nil, `{"account":%q,"message_id":%q,"step":%d,"channel":%q,"status":%q,"occurred_at":%q,`+
			`"recipient":%q}`, m.account, m.id, m.step, m.channel, status, now.UTC().Format("2006-01-02T15:04:05.000Z"),
			m.recipient)
		return key, line
	}
}

// intHash64 is ClickHouse's function of that name.
func intHash64(x uint64) uint64 {
	x ^= 0x4cf2d2baae6da887
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// hexBytes is lower(hex(x)) of ClickHouse, which writes whole bytes.
func hexBytes(x uint64) string {
	text := strconv.FormatUint(x, 16)
	return strings.Repeat("0", len(text)%2) + text
}

// A late receipt is worth its name only if it finds its message: what Go makes of a number is what SQL made of it.
func TestWorld_Message_SameInSQL(t *testing.T) {
	conn := schematest.Conn(t)
	w := newWorld(3000, 7, 72)
	w.fill(t, conn)
	rows, err := conn.Query(t.Context(), "SELECT account, message_id, max(step), argMax(channel, step), "+
		"argMax(splitByChar('\\0', recipient_country)[1], step), argMax(delivered_ms < 9999999999999, step), "+
		"argMax(delivered_ms = 9999999999999 AND undelivered_ms = 9999999999999, step), any(submitted_ms), "+
		"any(toUnixTimestamp(bucket)::Int64) FROM attempts GROUP BY account, message_id ORDER BY "+
		"substring(message_id, 25)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := uint64(0)
	for rows.Next() {
		var got message
		var step uint8
		var arrived, waits uint8
		var at, bucket int64
		if err := rows.Scan(&got.account, &got.id, &step, &got.channel, &got.recipient, &arrived, &waits, &at,
			&bucket); err != nil {
			t.Fatal(err)
		}
		got.step, got.arrived, got.waits, got.at = int(step), arrived == 1, waits == 1, time.UnixMilli(at)
		if want := w.message(n); got != want || bucket != at/3_600_000*3600 {
			t.Fatalf("message %d: Go makes %+v of it, SQL %+v in hour %d", n, want, got, bucket)
		}
		n++
	}
	if err := rows.Err(); err != nil || n != uint64(w.messages) {
		t.Fatalf("%d messages, %v", n, err)
	}
}
