package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/health"
	"kaskad/schema"
)

// failed writes a message to the number whose only attempt failed at at with the MAP code.
func failed(id, number, campaign, code string, at time.Time) string {
	return line(id, "undelivered", at, append(submitted(at), "recipient", fmt.Sprintf("%q", number), "campaign",
		fmt.Sprintf("%q", campaign),
		"provider", `"map"`, "error_code", fmt.Sprintf("%q", code))...)
}

func delivered(id, number string, at time.Time) string {
	return line(id, "delivered", at, append(submitted(at), "recipient", fmt.Sprintf("%q", number))...)
}

// mustEndAlive fails unless a number is active again, and the feed says so last.
func mustEndAlive(t testing.TB, conn driver.Conn, number string) {
	t.Helper()
	mustBe(t, conn, number, health.StateActive, "")
	all := announced(t, conn, number)
	if last := all[len(all)-1]; !strings.HasPrefix(last, "dead>active") {
		t.Errorf("the feed ends with %q: %q", last, all)
	}
}

// announced returns the feed of a number: from>to rule@time.
func announced(t testing.TB, conn driver.Conn, number string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(),
		"SELECT `from`, `to`, rule, at_ms FROM number_changes WHERE number = $1 ORDER BY seq", number)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var from, to, rule string
		var at int64
		if err := rows.Scan(&from, &to, &rule, &at); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s>%s %s %s", from, to,
			time.UnixMilli(at).UTC().Format("01-02T15:04"), rule)))
	}
	return all
}

func stateOf(t testing.TB, conn driver.Conn, number string) (state, rule string) {
	t.Helper()
	for _, n := range readNumbers(t, conn) {
		if n.Number == number {
			return n.State, n.Rule
		}
	}
	return "", ""
}

func mustBe(t testing.TB, conn driver.Conn, number, state, rule string) {
	t.Helper()
	if gotState, gotRule := stateOf(t, conn, number); gotState != state || gotRule != rule {
		t.Errorf("%s is %q by %q, want %q by %q", number, gotState, gotRule, state, rule)
	}
}

func mustAnnounce(t testing.TB, conn driver.Conn, number string, want ...string) {
	t.Helper()
	if got := announced(t, conn, number); !slices.Equal(got, want) {
		t.Errorf("the feed announces of %s:\n%s\nwant:\n%s", number, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const number = "+79001234567"

// What is found at once stands in the feed in the order in which it happened, and not in that of numbers.
func TestNumbers_FeedIsInOrderOfTime(t *testing.T) {
	conn := connect(t)
	var lines []string
	for i := range 9 {
		number := fmt.Sprintf("+7900123456%d", i)
		at := noon.Add(-time.Duration(40+i*7%9) * 24 * time.Hour)
		lines = append(lines, delivered(number+"d", number, at))
		for n, campaign := range []string{"c1", "c2", "c3"} {
			lines = append(lines, failed(number+campaign, number, campaign, "1", at.AddDate(0, 0, 2+2*n)))
		}
	}
	load(t, conn, "t", []byte(strings.Join(lines, "")), noon)
	decideAll(t, newAggregator(conn, noon))
	if n := count(t, conn, "SELECT count() FROM number_changes"); n < 18 {
		t.Errorf("the feed has %d changes", n)
	}
	if n := count(t, conn, "SELECT countIf(at_ms < earlier) FROM (SELECT at_ms, lagInFrame(at_ms) OVER (ORDER BY seq) "+
		"AS earlier FROM number_changes)"); n != 0 {
		t.Errorf("%d changes stand behind later ones", n)
	}
}

// A delivery revives, time makes active again, and the feed announces all of it, whether the events come one by one or
// at once.
func TestNumbers_LifeOfANumber(t *testing.T) {
	start := noon.Add(-50 * 24 * time.Hour)
	day := func(n float64) time.Time { return start.Add(time.Duration(n * 24 * float64(time.Hour))) }
	life := []string{
		delivered("m0", number, day(0)),
		failed("m1", number, "c1", "1", day(1)),
		failed("m2", number, "c1", "1", day(3)), // the same mailing again
		failed("m3", number, "c2", "1", day(1.5)),
		failed("m4", number, "c3", "5", day(4)),
		delivered("m5", number, day(10)),
	}
	want := []string{"unknown>active 10-01T00:00", "active>suspect 10-02T00:00", "suspect>dead 10-04T00:00 hard",
		"dead>revived 10-11T00:00", "revived>active 11-10T00:00"}
	for name, batches := range map[string][][]string{"AtOnce": {life},
		"OneByOne": {{life[0]}, {life[1]}, {life[3]}, {life[2]}, {life[4]}, {life[5]}}} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t)
			now := day(10).Add(time.Hour)
			a := newAggregator(conn, now)
			a.cfg.Now = func() time.Time { return now }
			for i, batch := range batches {
				load(t, conn, fmt.Sprint(i), []byte(strings.Join(batch, "")), now)
				decideAll(t, a)
			}
			mustBe(t, conn, number, health.StateRevived, "")
			mustAnnounce(t, conn, number, want[:4]...)
			if n := count(t, conn, "SELECT countIf(possible_reassignment) FROM number_health FINAL"); n != 1 {
				t.Error("a delivery after six days of death is no possible reassignment")
			}
			// Thirty days later nothing has happened but time.
			now = day(40).Add(time.Hour)
			a.nextDue = time.Time{}
			decideAll(t, a)
			mustBe(t, conn, number, health.StateActive, "")
			mustAnnounce(t, conn, number, want...)
			// And once more: nothing is announced twice.
			a.nextDue = time.Time{}
			decideAll(t, a)
			mustAnnounce(t, conn, number, want...)
		})
	}
}

// An event that comes late and rewrites the past is announced as one change from what was announced to what holds.
func TestNumbers_LateDeliveryTakesDeathBack(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	start := noon.Add(-20 * 24 * time.Hour)
	load(t, conn, "a", []byte(failed("m1", number, "c1", "1", start)+failed("m2", number, "c2", "1",
		start.Add(24*time.Hour))), noon)
	decideAll(t, a)
	mustBe(t, conn, number, health.StateDead, health.RuleHard)
	load(t, conn, "b", []byte(delivered("m3", number, start.Add(12*time.Hour))), noon)
	decideAll(t, a)
	mustBe(t, conn, number, health.StateSuspect, "")
	mustAnnounce(t, conn, number, "unknown>suspect 10-31T00:00", "suspect>dead 11-01T00:00 hard",
		"dead>suspect 11-01T00:00")
	if n := count(t, conn, "SELECT sum(length(dead_from_ms)) FROM number_health FINAL"); n != 0 {
		t.Errorf("%d spans of death are left", n)
	}
}

// What an attempt says of its number depends on the channel and the provider's code (the rules themselves are tested in
// package health).
func TestNumbers_Channels(t *testing.T) {
	conn, start := connect(t), noon.Add(-60*24*time.Hour)
	twice := func(number, code, first, second string) string {
		return strings.ReplaceAll(failed("a"+number, number, "c1", code, start), `"sms"`, first) +
			strings.ReplaceAll(failed("b"+number, number, "c2", code, start.Add(48*time.Hour)), `"sms"`, second)
	}
	a := newAggregator(conn, noon)
	load(t, conn, "t", []byte(twice("+79000000001", "9999", `"sms","permanent":true`, `"sms","permanent":true`)+
		twice("+79000000002", "1", `"viber"`, `"viber"`)+twice("+79000000003", "1", `"sms"`, `"voice"`)+
		twice("+79000000004", "1", `"sms"`, `"viber"`)), noon)
	decideAll(t, a)
	mustBe(t, conn, "+79000000001", health.StateUnknown, "")
	mustBe(t, conn, "+79000000002", health.StateUnknown, "")
	mustBe(t, conn, "+79000000003", health.StateDead, health.RuleHard)
	mustBe(t, conn, "+79000000004", health.StateSuspect, "")
}

// An attempt belongs to the greatest recipient that its events name, whichever came first; the others are as if they
// had never been named.
func TestNumbers_Readdressed(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-48 * time.Hour)
	for i, n := range []string{"+79001234561", "+79001234563", "+79001234562", "+79001234564"} {
		load(t, conn, fmt.Sprint(i), []byte(failed("m", n, "c", "1", at.Add(time.Duration(i)*time.Minute))), noon)
		decideAll(t, a)
	}
	for _, n := range readNumbers(t, conn) {
		want := health.StateUnknown
		if n.Number == "+79001234564" {
			want = health.StateSuspect
		}
		if n.State != want {
			t.Errorf("%s is %s, want %s", n.Number, n.State, want)
		}
	}
	if n := count(t, conn, "SELECT count() FROM attempts_by_recipient FINAL"); n != 1 {
		t.Errorf("the attempt is noted under %d recipients, want 1", n)
	}
}

// A message whose events disagree on when it was submitted counts once, and so does one whose receipt waited for it.
func TestNumbers_SplitAndParked(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-48 * time.Hour)
	load(t, conn, "a", []byte(failed("m", number, "c", "1", at)), noon)
	decideAll(t, a)
	load(t, conn, "b", []byte(line("m", "accepted", at,
		append(submitted(at.Add(-3*time.Hour)), "recipient", fmt.Sprintf("%q", number))...)), noon)
	load(t, conn, "c", []byte(line("parked", "undelivered", at.Add(24*time.Hour), "provider", `"map"`, "error_code",
		`"1"`, "campaign", `"d"`)), noon)
	decideAll(t, a)
	if n := count(t, conn, "SELECT count() FROM attempts_by_recipient FINAL"); n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
	mustBe(t, conn, number, health.StateSuspect, "")
	load(t, conn, "d", []byte(line("parked", "accepted", at.Add(24*time.Hour), submitted(at.Add(24*time.Hour))...)),
		noon)
	decideAll(t, a)
	mustBe(t, conn, number, health.StateDead, health.RuleHard)
}

// A verdict set by hand wins until it is taken back; look-ups are evidence, and one that finds the number invalid
// kills.
func TestNumbers_AskedFor(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	ask := func(statement string, args ...any) {
		t.Helper()
		if err := conn.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
		if _, err := schema.AskVerdicts(t.Context(), conn, "a", []string{number}, noon); err != nil {
			t.Fatal(err)
		}
		decideAll(t, a)
	}
	load(t, conn, "t", []byte(delivered("m", number, noon.Add(-240*time.Hour))), noon)
	decideAll(t, a)
	ask("INSERT INTO number_overrides VALUES ('a', $1, 1, 'dead', 'asked us to stop', 'somebody', $2)", number,
		noon.Add(-24*time.Hour).UnixMilli())
	mustBe(t, conn, number, health.StateDead, health.RuleOverride)
	ask("INSERT INTO number_overrides VALUES ('a', $1, 2, '', '', 'somebody', $2)", number,
		noon.Add(-time.Hour).UnixMilli())
	mustBe(t, conn, number, health.StateActive, "")
	mustAnnounce(t, conn, number, "unknown>active 11-10T00:00", "active>dead 11-19T00:00 override",
		"dead>active 11-19T23:00")
	ask("INSERT INTO recipient_events (account, recipient, status, occurred_ms, operator, ported, valid) VALUES "+
		"('a', $1, 'lookup', $2, '25001', 1, 0)", number,
		noon.Add(-time.Minute).UnixMilli())
	mustBe(t, conn, number, health.StateDead, health.RuleInvalidFormat)
	// All numbers of the account, and nothing has changed.
	changes := count(t, conn, "SELECT count() FROM number_changes")
	if _, err := schema.AskVerdicts(t.Context(), conn, "a", nil, noon); err != nil {
		t.Fatal(err)
	}
	decideAll(t, a)
	if n := count(t, conn, "SELECT count() FROM number_changes"); n != changes {
		t.Errorf("the feed grew by %d lines, though nothing changed", n-changes)
	}
}

// A database of before number health gets it from its facts; what is left open by a crash is decided by who comes next.
func TestNumbers_UpgradeAndCrash(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	start := noon.Add(-20 * 24 * time.Hour)
	load(t, conn, "a", []byte(failed("m1", number, "c1", "1", start)+failed("m2", number, "c2", "1",
		start.Add(24*time.Hour))), noon)
	settle(t, a)
	for _, s := range []string{"TRUNCATE TABLE attempts_by_recipient", "TRUNCATE TABLE numbers_touched",
		"TRUNCATE TABLE number_queue",
		"ALTER TABLE generations UPDATE rollups = 1 WHERE true SETTINGS mutations_sync = 1"} {
		if err := conn.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	// The round dies between announcing and storing.
	broken := errors.New("died")
	b := New(Config{Exclusive: true, Now: func() time.Time { return noon }},
		Deps{Conn: &failingConn{Conn: conn, statement: "INSERT INTO number_health (", err: broken}, Reject: noLetters})
	settle(t, b)
	if err := b.verdicts.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.verdicts.Round(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("round: %v, want it to die", err)
	}
	decideAll(t, newAggregator(conn, noon))
	mustBe(t, conn, number, health.StateDead, health.RuleHard)
	// What was announced is not announced again by who comes next, for it knows.
	mustAnnounce(t, conn, number, "unknown>suspect 10-31T00:00", "suspect>dead 11-01T00:00 hard")
}

// The process dies between announcing and storing, and the evidence goes back before it is decided again: the feed's
// last word is the verdict all the same.
func TestNumbers_AnnouncedAndNotStored(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	start := noon.Add(-20 * 24 * time.Hour)
	load(t, conn, "a", []byte(delivered("m0", number, start)), noon)
	decideAll(t, a)
	lines := failed("m1", number, "c1", "1", start.Add(24*time.Hour)) +
		failed("m2", number, "c2", "1", start.Add(48*time.Hour))
	load(t, conn, "b", []byte(lines), noon)
	broken := errors.New("died")
	b := New(Config{Exclusive: true, Now: func() time.Time { return noon }},
		Deps{Conn: &failingConn{Conn: conn, statement: "INSERT INTO number_health (", err: broken}, Reject: noLetters})
	settle(t, b)
	if err := b.verdicts.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.verdicts.Round(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("round: %v, want it to die", err)
	}
	for i, id := range []string{"m1", "m2"} {
		load(t, conn, id, []byte(line(id, "delivered", start.Add(time.Duration(i+3)*24*time.Hour),
			submitted(start.Add(time.Duration(i+1)*24*time.Hour))...)), noon)
	}
	decideAll(t, newAggregator(conn, noon))
	mustEndAlive(t, conn, number)
}

// A touch of an hour stands for all of its messages: nothing is lost of what an older program stored and touched.
func TestNumbers_TouchWithoutChanges(t *testing.T) {
	conn := connect(t)
	start := noon.Add(-20 * 24 * time.Hour)
	load(t, conn, "a", []byte(failed("m1", number, "c1", "1", start)+failed("m2", number, "c2", "1",
		start.Add(24*time.Hour))), noon)
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE changes"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(t.Context(), "INSERT INTO touched SELECT DISTINCT account, bucket, generateUUIDv4(), 1, 1 FROM "+
		"attempts"); err != nil {
		t.Fatal(err)
	}
	decideAll(t, newAggregator(conn, noon))
	mustBe(t, conn, number, health.StateDead, health.RuleHard)
}

// What was answered leaves the queue at the next upkeep, what is still open does not.
func TestAggregator_Upkeep_EmptiesQueue(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	load(t, conn, "a", []byte(delivered("m", number, noon.Add(-48*time.Hour))), noon)
	decideAll(t, a)
	if _, err := schema.AskVerdicts(t.Context(), conn, "a", []string{number}, noon); err != nil {
		t.Fatal(err)
	}
	a.lastUpkeep = time.Time{}
	if err := a.upkeep(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	// It holds what is open, and that alone.
	waitFor(t, func() bool { return count(t, conn, "SELECT count() FROM number_queue") == 1 })
	decideAll(t, a)
	a.lastUpkeep = time.Time{}
	if err := a.upkeep(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return count(t, conn, "SELECT count() FROM number_queue") == 0 })
	if err := a.verdicts.Turn(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return count(t, conn, "SELECT count() FROM numbers_touched") == 0 })
}
