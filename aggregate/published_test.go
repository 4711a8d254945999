package aggregate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
)

// published is a query of the rows of a rollup that a reader adds up now, taking sums of the kind where there are some.
func published(table, kind string) string {
	return fmt.Sprintf(`(SELECT p.* FROM %[1]s AS p
		LEFT ANY JOIN (SELECT account, day, max(build) AS newest FROM builds
			WHERE build NOT IN (%[3]s) GROUP BY account, day) AS b
		ON b.account = p.account AND b.day = p.day
		WHERE p.kind = '%[2]s' AND p.edition = b.newest
			OR p.kind = 'difference' AND p.edition > b.newest AND p.edition NOT IN (%[3]s))`,
		table, kind, "SELECT edition FROM editions GROUP BY edition HAVING NOT max(published)")
}

// rollupSums are the sums of each rollup by all that a cell of its kinds quarter and day is told apart by.
var rollupSums = map[string][2]string{
	"rollup_attempts": {"channel, provider, campaign, template, sender, app, operator, country, traffic, step, " +
		"trigger, window_end",
		"attempted, sent, delivered, read, clicked, replied, failed, pending, skipped, skewed, machine_opened, " +
			"lowered, timed, " +
			"in_1m, in_24h, read_in_24h, Map to_deliver, Map to_read, Map to_reply"},
	"rollup_cascades": {"campaign, template, shape, reported_currency", "messages, reported_micros"},
	"rollup_spend": {"campaign, template, step, leg, code, computed_segments, shape, message_segments, message_template",
		"Map reported, attempts"},
	"rollup_waste": {"campaign, template, leg, code, sms_segments, sms_measure", "attempts"},
	"rollup_failures": {"channel, provider, campaign, template, sender, app, operator, country, traffic, step, " +
		"trigger, " +
		"error_code, permanent, expired", "failed"},
}

// fingerprint hashes the sums of the rows that a query yields, by account, day and keys.
func fingerprint(rows, keys, sums string) string {
	var columns []string
	for i, c := range strings.Split(sums, ", ") {
		sum := "sum(%s)"
		name, isMap := strings.CutPrefix(c, "Map ")
		if isMap {
			sum = "toString(mapFilter((k, v) -> v != 0, sumMap(%s)))"
		}
		columns = append(columns, fmt.Sprintf(sum+" AS s%d", name, i))
	}
	var kept []string
	for i, c := range columns {
		if strings.HasPrefix(c, "toString") {
			kept = append(kept, fmt.Sprintf("s%d != '{}'", i))
		} else {
			kept = append(kept, fmt.Sprintf("s%d != 0", i))
		}
	}
	return fmt.Sprintf("SELECT sum(cityHash64(*)) FROM (SELECT account, day, %s, %s FROM %s AS p GROUP BY account, "+
		"day, %s HAVING %s)",
		keys, strings.Join(columns, ", "), rows, keys, strings.Join(kept, " OR "))
}

// mustBuildTrue fails where sums of days are not what they sum.
func mustBuildTrue(t *testing.T, conn driver.Conn) {
	t.Helper()
	for table, c := range rollupSums {
		quarter := count(t, conn, fingerprint(published(table, "quarter"), c[0], c[1]))
		if day := count(t, conn, fingerprint(published(table, "day"), c[0], c[1])); day != quarter {
			t.Errorf("%s: sums of days differ from those of quarter hours", table)
		}
	}
	c := rollupSums["rollup_attempts"]
	quarter := count(t, conn, fingerprint(published("rollup_attempts", "quarter"), "channel, provider", c[1]))
	if route := count(t, conn, fingerprint(published("rollup_attempts", "route"), "channel, provider",
		c[1])); route != quarter {
		t.Error("sums by route differ from those of quarter hours")
	}
}

// peopleSums are what rollup_people says, all in all.
const peopleSums = "sum(cityHash64(account, day, bucket, cohort, person, other, way, delivered_ms, error_code, told_ms, " +
	"failed_ms, attempts, messages))"

// mustKnowPeople fails where what is published of people is not what follows from the attempts by recipient.
func mustKnowPeople(t *testing.T, conn driver.Conn) {
	t.Helper()
	const keys = "account, day, bucket, cohort, person, other, way, delivered_ms, error_code, told_ms, failed_ms"
	got := count(t, conn, "SELECT "+peopleSums+" FROM (SELECT "+keys+", sum(p.attempts)::Int64 AS attempts, "+
		"sum(p.messages)::Int64 AS messages FROM "+published("rollup_people", "quarter")+" AS p GROUP BY "+keys+
		" HAVING (attempts, messages) != (0, 0))")
	want := count(t, conn, "SELECT "+peopleSums+` FROM (SELECT `+keys+`, count()::Int64 AS attempts, sum(is_first)::Int64 AS messages FROM
		(SELECT account, toStartOfFifteenMinutes(toDateTime(intDiv(cohort_ms, 1000), 'UTC')) AS cohort, toDate(cohort) AS day, bucket,
			xxHash64(concat(account, '\0', person)) AS person, bitXor(xxHash64(concat(account, '\0', recipient)), person) AS other,
			concat(channel, '\0', app, '\0', provider) AS way, if(bitTest(code, 1), f.delivered_ms, 0) AS delivered_ms, error_code,
			if(start_ms = 9999999999999, cohort_ms, start_ms) AS started_ms,
			if(error_code = '', 0, if(error_ms > 0, error_ms, started_ms)) AS told_ms, if(error_code != '' AND bitTest(code, 3), started_ms, 0) AS failed_ms,
			step = min(step) OVER (PARTITION BY account, bucket, message_id) AS is_first
		FROM (SELECT * FROM attempts_by_recipient FINAL) AS f WHERE NOT bitTest(code, 6)) GROUP BY `+keys+")")
	if got != want {
		t.Error("what is known of people does not follow from attempts")
	}
}

// touchAll asks for all hours that have facts, or had some.
func touchAll(t testing.TB, conn driver.Conn) {
	t.Helper()
	if err := conn.Exec(t.Context(), "INSERT INTO touched SELECT account, bucket, generateUUIDv4(), 1, 1 FROM "+
		"generations "+
		"WHERE bucket != 0 GROUP BY account, bucket"); err != nil {
		t.Fatal(err)
	}
}

// derived are queries of what follows from facts besides cells.
var derived = map[string]string{
	"states": `SELECT sum(cityHash64(key, latest)) FROM (SELECT key, argMax(state, edition) AS latest FROM
		(SELECT key, state, 18446744073709551615 AS edition FROM message_states WHERE key != '' AND state != ''
		UNION ALL SELECT key, state, edition FROM settled_states)
		WHERE key NOT IN (SELECT concat(char(length(account)), account,
			reverse(reinterpretAsFixedString(intDiv(toUnixTimestamp(bucket), 3600)::UInt32)), message_id) FROM splits)
		GROUP BY key)`,
	"attempts by recipient": "SELECT sum(cityHash64(* EXCEPT (generation, permanent))) FROM attempts_by_recipient FINAL",
	"dialogs": `SELECT sum(cityHash64(*)) FROM
		(SELECT account, bucket, message_id, step, argMax((channel, sender, recipient, delivered_ms, replies_ms, conversation,
			outside, gone), (generation, NOT gone)) AS latest
		FROM dialogs WHERE generation NOT IN (SELECT edition FROM editions GROUP BY edition HAVING NOT max(published))
		GROUP BY account, bucket, message_id, step HAVING latest.8 = 0)`,
	"dialogs by person": `SELECT sum(cityHash64(*)) FROM
		(SELECT account, bucket, message_id, step, channel, sender, recipient, argMax((delivered_ms, replies_ms, conversation,
			outside, gone), generation) AS latest
		FROM dialogs_by_person WHERE generation NOT IN
			(SELECT edition FROM editions GROUP BY edition HAVING NOT max(published))
		GROUP BY account, bucket, message_id, step, channel, sender, recipient HAVING latest.5 = 0)`,
}

// mustRepeat computes everything anew from facts, with what is stored of messages and without, and fails where that
// differs from what is published.
func mustRepeat(t *testing.T, conn driver.Conn, a *Aggregator) {
	t.Helper()
	mustBuildTrue(t, conn)
	mustKnowPeople(t, conn)
	tables := append(slices.Collect(maps.Keys(rollupSums)), "rollup_people")
	want := map[string]uint64{}
	for name, query := range derived {
		want[name] = count(t, conn, query)
	}
	for _, forget := range []bool{false, true} {
		if forget {
			if err := a.states.Forget(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		before := count(t, conn, "SELECT max(edition) FROM editions")
		touchAll(t, conn)
		settle(t, a)
		for _, table := range tables {
			if n := count(t, conn, fmt.Sprintf("SELECT count() FROM %s WHERE kind = 'difference' AND edition > %d",
				table,
				before)); n != 0 {
				t.Errorf("%s: computed anew, %d cells differ from what was published", table, n)
			}
		}
		for name, query := range derived {
			if got := count(t, conn, query); got != want[name] {
				t.Errorf("%s differ when they are computed anew (forgotten: %v)", name, forget)
			}
		}
		mustBuildTrue(t, conn)
		mustKnowPeople(t, conn)
	}
}

// What an edition wrote by recipient before it died, readers see: the next one takes it back or writes over it, also
// where what it publishes of an attempt is what was published before.
func TestAggregator_Pass_DiedAfterRecipients(t *testing.T) {
	at := noon.Add(-2 * time.Hour)
	of := func(id, channel, recipient, status string, after time.Duration, members ...string) string {
		return eventLine(id, status, at.Add(after), append([]string{"channel", fmt.Sprintf("%q", channel), "recipient",
			fmt.Sprintf("%q", recipient)}, append(members, submitted(at)...)...)...)
	}
	conn := connect(t)
	load(t, conn, "published", []byte(of("readdressed", "sms", "+79001234566", "sent", 0)+
		of("as before", "email", "email:a@b.c", "undelivered", 0)), noon)
	settle(t, newAggregator(conn, noon))
	load(t, conn, "died", []byte(of("readdressed", "sms", "+79001234567", "sent", 1)+
		of("as before", "email", "email:a@b.c", "delivered", 1)), noon)
	dying := newAggregator(conn, noon)
	dying.cfg.OnStep = func(string) { panic("died") }
	func() {
		defer func() { _ = recover() }()
		settle(t, dying)
	}()
	load(t, conn, "next", []byte(of("readdressed", "sms", "+79001234568", "sent", 2)+
		of("as before", "email", "email:a@b.c", "failed", 2, "permanent", "true")), noon)
	a := newAggregator(conn, noon)
	settle(t, a)
	mustRepeat(t, conn, a)
}

// Whatever happens in whatever order, the differences that were published add up to what facts say.
// The audit looks all the time, a few messages at once, and finds nothing; with a bound on the keyed store that nothing
// fits in, all is the same.
func TestAggregator_Editions_AddUp(t *testing.T) {
	rounds, schedules := 7, enginetest.World(t, 2, 2, 50)
	if enginetest.Long() {
		rounds = 15
	}
	var looks uint64
	for seed := range uint64(schedules) {
		stateBytes := int64(-1)
		if seed%2 == 1 {
			stateBytes = 1
		}
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) { looks += addUp(t, seed, rounds, stateBytes) })
	}
	if looks < 3*uint64(schedules) {
		t.Errorf("%d looks of the audit, want more for a test that means something", looks)
	}
}

// addUp returns how often the audit looked.
func addUp(t *testing.T, seed uint64, rounds int, stateBytes int64) (looks uint64) {
	t.Helper()
	conn := connect(t)
	now := noon
	random := rand.New(rand.NewPCG(seed+1, 2))
	build := func() *Aggregator {
		a := New(Config{Exclusive: true, Now: func() time.Time { return now }, StateBytes: stateBytes, AuditRest: -1},
			newAggregator(conn, noon).deps)
		a.audit.fewest = 8
		a.flushEvery = []int{2, 7, flushEvery}[random.IntN(3)]
		a.mergeAtOnce = []int{1, 3, mergeAtOnce}[random.IntN(3)]
		return a
	}
	a := build()
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	steps := []string{"joined", "joined", "computed", "published", "applied", "closed", "settle", "settle_note", "settle_blank"}
	var left []func(context.Context) error // of what is to be removed
	for round := range rounds {
		var lines strings.Builder
		for range 40 {
			at := now.Add(-time.Duration(random.IntN(70)) * time.Hour)
			id, submit := fmt.Sprint("m", random.IntN(60)), noon.Add(-time.Duration(72+random.IntN(3))*time.Hour)
			members := []string{"channel", pick(`"sms"`, `"viber"`, `"whatsapp"`, `"push"`, `"email"`), "recipient",
				pick(`"+79001234567"`, `"+79001234568"`), "step", pick("1", "1", "2"),
				"campaign", pick(`""`, `"a"`, `"b"`), "segments", pick("0", "1", "3"), "sms_segments", pick("0", "2")}
			if random.IntN(4) > 0 { // Else it waits for another one that says when.
				members = append(members, "submitted_at", fmt.Sprintf("%q", submit.Format(time.RFC3339)))
			}
			if random.IntN(2) == 0 {
				members = append(members, "contact", pick(`"crm-1"`, `"crm-2"`), "app", pick(`""`, `"ios"`), "provider",
					pick(`"fcm"`, `"mts"`))
			}
			if random.IntN(3) == 0 {
				members = append(members, "price", pick(`"1.5"`, `"2"`), "currency", pick(`"RUB"`, `"EUR"`))
			}
			status := pick("queued", "sent", "delivered", "delivered", "read", "replied", "failed", "expired", "skipped")
			if status == "failed" {
				members = append(members, "error_code", pick(`"27"`, `"UNREGISTERED"`))
			}
			lines.WriteString(eventLine(id, status, at, members...))
		}
		for range random.IntN(3) {
			lines.WriteString(eventLine("", pick("inbound", "inbound", "unsubscribed", "blocked"),
				now.Add(-time.Duration(random.IntN(70))*time.Hour), "channel", pick(`"viber"`, `"whatsapp"`),
				"recipient",
				pick(`"+79001234567"`, `"+79001234568"`)))
		}
		load(t, conn, fmt.Sprint(round), []byte(lines.String()), now)
		switch random.IntN(6) {
		case 0:
			settle(t, a)
		case 1: // a day is built whenever it is looked for
			settle(t, a)
			a.nextDays, a.days = time.Time{}, nil
			if err := a.buildDays(t.Context(), time.Now().Add(2*dayQuiet)); err != nil {
				t.Fatal(err)
			}
		case 2, 3: // another one takes over, after a pass that died
			at := steps[random.IntN(len(steps))]
			a.cfg.OnStep = func(step string) {
				if step == at {
					panic("died")
				}
			}
			func() {
				defer func() { _ = recover() }()
				settle(t, a)
			}()
			a = build()
		case 4: // some of it: what is left is removed after other things have happened
			if len(left) == 0 {
				left = listDrops(t, a, time.Now().Add(2*DefaultRetention))
			}
			for range min(len(left), 1+random.IntN(len(left)+1)) {
				if err := left[0](t.Context()); err != nil {
					t.Fatal(err)
				}
				left = left[1:]
			}
		case 5: // the store of states is lost, and hours are looked at without need
			if err := conn.Exec(t.Context(), "TRUNCATE TABLE message_states"); err != nil {
				t.Fatal(err)
			}
			a = build()
			if random.IntN(2) == 0 {
				touchAll(t, conn)
			}
		}
		now = now.Add(time.Hour)
	}
	settle(t, a)
	if enginetest.Long() { // before and after
		mustRepeat(t, conn, a)
	}
	dropReplaced(t, a, time.Now().Add(2*DefaultRetention))
	mustRepeat(t, conn, a)
	if n := count(t, conn, "SELECT sum(differences) FROM audits"); n > 0 {
		t.Errorf("the audit found %d differences on its way", n)
	}
	if moved := count(t, conn, "SELECT count() FROM settled_states"); moved > 0 != (stateBytes > 0) {
		t.Errorf("%d states were moved out of the keyed store of %d bytes", moved, stateBytes)
	}
	if n := visible(t, conn).Attempted; n < 50 {
		t.Errorf("%d attempts, want more for a test that means something", n)
	}
	return count(t, conn, "SELECT count() FROM audits")
}

// What one insert of an edition fails to store is told of by the next edition, also what is told of once.
func TestAggregator_Edition_InsertFails(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "1", []byte(line("m", "delivered", at, submitted(at)...)), noon)
	failing := &failingConn{Conn: conn, statement: "INSERT INTO shapes", err: errors.New("refused")}
	a.deps.Conn = failing
	if _, err := a.turn(t.Context()); !errors.Is(err, failing.err) {
		t.Fatalf("the insert of shapes is refused, and a turn ends with %v", err)
	}
	failing.statement = "none"
	settle(t, a)
	const untold = "SELECT count() FROM rollup_cascades WHERE shape NOT IN (SELECT shape FROM shapes)"
	if cells := count(t, conn, "SELECT count() FROM rollup_cascades"); cells == 0 || count(t, conn, untold) > 0 {
		t.Errorf("%d cells, and shapes of some are not told", cells)
	}
	mustBeFacts(t, conn)
}
