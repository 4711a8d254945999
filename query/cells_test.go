package query

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/querytest"
	"kaskad/schema"
)

// cell is a row of rollup_attempts: a difference of an edition, its generation.
type cell struct {
	account                                                               string
	bucket                                                                time.Time
	generation                                                            uint64
	cohort                                                                time.Time
	channel, provider, campaign, template, sender, app, operator, country string
	traffic                                                               string
	step                                                                  uint8
	trigger                                                               string
	// as in countNames; of a cell up to machine_opened, the others are of optOut
	counts                     [14]int64
	timed                      [4]int64 // timed, in_1m, in_24h, read_in_24h
	windowEnd                  time.Time
	toDeliver, toRead, toReply map[uint16]uint64
	minMS, maxMS               int64
}

func insertCells(tb testing.TB, conn driver.Conn, cells []cell) {
	tb.Helper()
	batch, err := conn.PrepareBatch(clickhouse.Context(tb.Context(),
		clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0})),
		`INSERT INTO rollup_attempts (account, kind, day, bucket, edition, cohort, channel, provider, campaign, template, sender, app, operator,
		country, traffic, step, trigger, attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened,
		window_end, timed, in_1m, in_24h, read_in_24h, to_deliver, to_read, to_reply, cohort_max_ms)`)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range cells {
		row := []any{c.account, "difference", c.cohort, c.bucket, c.generation, c.cohort, c.channel, c.provider,
			c.campaign, c.template,
			c.sender, c.app, c.operator,
			c.country, c.traffic, c.step, c.trigger}
		for _, n := range c.counts[:11] {
			row = append(row, n)
		}
		if c.windowEnd.IsZero() {
			c.windowEnd = time.Unix(0, 0)
		}
		row = append(row, c.windowEnd)
		for _, n := range c.timed {
			row = append(row, n)
		}
		row = append(row, histogram(c.toDeliver), histogram(c.toRead), histogram(c.toReply), c.maxMS)
		if err := batch.Append(row...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

func histogram(m map[uint16]uint64) map[uint16]uint64 {
	if m == nil {
		return map[uint16]uint64{}
	}
	return m
}

// publish makes the cells' editions visible.
func publish(tb testing.TB, conn driver.Conn, cells []cell) {
	tb.Helper()
	var editions []uint64
	for _, c := range cells {
		editions = append(editions, c.generation)
	}
	slices.Sort(editions)
	querytest.Publish(tb, conn, slices.Compact(editions)...)
}

// randomCells makes cells of the days before end, with every relation between counts that definitions.md promises.
func randomCells(seed uint64, n int, end time.Time, days int) []cell {
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	split := func(total int64) int64 { return r.Int64N(total + 1) }
	cells := make([]cell, n)
	for i := range cells {
		c := &cells[i]
		c.account = pick("acme", "центр", "z")
		c.bucket = end.Add(-time.Duration(1+r.IntN(days*24)) * time.Hour).Truncate(time.Hour)
		c.generation = 1
		c.cohort = c.bucket.Add(time.Duration(r.IntN(4)) * 15 * time.Minute)
		c.minMS = c.cohort.UnixMilli() + r.Int64N(450_000)
		c.maxMS = c.minMS + r.Int64N(450_000)
		c.channel = schema.Channels[r.IntN(len(schema.Channels))].Name
		c.provider = pick("", "fcm", "apns", "bot", "mts", "devino")
		c.campaign = pick("", "c1", "c2", "весна", "=cmd", "a,\"b\"\nc", "-10%", "\xff\xfe")
		c.template, c.sender, c.app = pick("", "otp"), pick("", "Kaskad"), pick("", "shop", "bank")
		c.operator, c.country = pick("", "25001", "25002"), pick("", "RU", "KZ", "UA")
		c.traffic = pick(append([]string{""}, schema.Traffics...)...)
		c.step = uint8(1 + r.IntN(3))
		c.trigger = pick(append([]string{""}, schema.Triggers...)...)
		attempted := int64(1 + r.IntN(1000))
		delivered := split(attempted)
		failed := split(attempted - delivered)
		sent := delivered + split(attempted-delivered)
		read := split(delivered)
		c.counts = [14]int64{attempted, sent, delivered, read, split(read), split(read), failed,
			attempted - delivered - failed, split(50), split(3), split(delivered)}
		timed := split(sent)
		in24h := split(timed)
		c.timed = [4]int64{timed, split(in24h), in24h, split(in24h)}
		if r.IntN(2) == 0 {
			c.windowEnd = c.cohort.Add(time.Duration(1+r.IntN(100)) * 15 * time.Minute)
		}
		cellsOf := func(total int64) map[uint16]uint64 {
			m := map[uint16]uint64{}
			for total > 0 {
				part := 1 + split(total-1)
				m[uint16(r.IntN(1100))] += uint64(part)
				total -= part
			}
			return m
		}
		c.toDeliver, c.toRead, c.toReply = cellsOf(split(delivered)), cellsOf(split(read)), cellsOf(c.counts[5])
	}
	return cells
}

// optOut is a row of opt_outs: an event of a person, and the attempt that it is attributed to, whose dimensions are
// those of a cell.
type optOut struct {
	recipient, status, messageID string
	occurredMS                   int64
	found                        bool
	cell
}

func insertOptOuts(tb testing.TB, conn driver.Conn, rows []optOut) {
	tb.Helper()
	batch, err := conn.PrepareBatch(tb.Context(), `INSERT INTO opt_outs (account, recipient, status, event_channel, event_app, occurred_ms, named, generation, found, message_id, cohort_ms,
		channel, provider, campaign, template, sender, app, operator, country, traffic, step, trigger)`)
	if err != nil {
		tb.Fatal(err)
	}
	for _, o := range rows {
		if err := batch.Append(o.account, o.recipient, o.status, o.channel, "", o.occurredMS, "", o.generation, o.found,
			o.messageID, o.minMS,
			o.channel, o.provider, o.campaign, o.template, o.sender, o.app, o.operator, o.country, o.traffic, o.step,
			o.trigger); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
}

// randomOptOuts attributes events to attempts of the cells' dimensions: several to one attempt, and one event in
// several generations, of which the last counts.
func randomOptOuts(seed uint64, n int, cells []cell) (rows []optOut) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		c := cells[r.IntN(len(cells))]
		c.minMS = c.cohort.UnixMilli() + r.Int64N(900_000)
		o := optOut{recipient: "+7900000" + strconv.Itoa(i), messageID: strconv.Itoa(i), found: true, cell: c}
		for e := range 1 + r.IntN(4) {
			o.status, o.occurredMS = []string{"unsubscribed", "blocked", "complained"}[r.IntN(3)], int64(4*i+e)
			o.generation = 1
			rows = append(rows, o)
			if r.IntN(3) == 0 {
				// The event is attributed anew: to another message, or to none.
				moved := o
				moved.generation, moved.found = 2, r.IntN(2) == 0
				moved.messageID = "moved " + strconv.Itoa(i)
				rows = append(rows, moved)
			}
		}
	}
	return rows
}

// attributed are the attempts that opt-outs are attributed to, as cells that count them once for each status.
func attributed(rows []optOut) (cells []cell) {
	type event struct {
		account, recipient, status, channel string
		ms                                  int64
	}
	last := map[event]optOut{}
	for _, o := range rows {
		id := event{o.account, o.recipient, o.status, o.channel, o.occurredMS}
		if before, found := last[id]; !found || before.generation < o.generation {
			last[id] = o
		}
	}
	type attemptKey struct {
		account, message string
		step             uint8
	}
	attempts := map[attemptKey]*cell{}
	for _, o := range last {
		if !o.found {
			continue
		}
		id := attemptKey{o.account, o.messageID, o.step}
		if attempts[id] == nil {
			c := o.cell
			c.counts, c.timed, c.toDeliver, c.toRead, c.toReply, c.maxMS = [14]int64{}, [4]int64{}, nil, nil, nil,
				c.minMS
			attempts[id] = &c
		}
		attempts[id].counts[11+slices.Index([]string{"unsubscribed", "blocked", "complained"}, o.status)] = 1
	}
	for _, c := range attempts {
		cells = append(cells, *c)
	}
	return cells
}
