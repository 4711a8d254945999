package query

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
)

// changingPaths are reports that are made of what is remembered.
var changingPaths = []string{"channels?group_by=", "channels?group_by=channel,campaign&limit=7",
	"channels?account=acme",
	"channels?account=acme&group_by=campaign&limit=3", "channels?group_by=day&channel=sms&channel=viber",
	"channels?from=2026-11-17T07:30:00Z&to=2026-11-20T12:15:00Z", "latency?group_by=channel&le=60&account=acme",
	"failures?group_by=channel,reason", "failures?account=acme&group_by=error_code&limit=2",
	"spend?group_by=campaign", "spend?account=acme&group_by=channel&limit=2", "spend?account=acme&currency=RUB",
	"savings?account=acme&group_by=campaign&limit=2", "savings?account=acme&group_by=path,sender",
	"savings?account=acme&from=2026-10-01&to=2026-11-01&group_by=sender"}

// While editions come, one after the other, and reports are made of what is remembered and of what has changed since,
// each figure is that of a server that remembers nothing: whatever editions add, take back, or take away altogether,
// while others die, builds sum days up and close windows, upkeep removes what they summed, people opt out, cohorts
// settle and windows end. Pages behind the first one are of its edition, whatever was published in between.
func TestServer_Reports_Changing(t *testing.T) {
	const editions = 6
	for seed := range enginetest.World(t, 1, 1, 40) {
		t.Run(fmt.Sprint("world ", seed), func(t *testing.T) {
			w := newChangingWorld(t, uint64(seed))
			for edition := uint64(1); edition <= editions; edition++ {
				w.change(edition)
				w.ask(edition)
				if t.Failed() {
					return
				}
				w.goOn()
			}
		})
	}
}

// changingWorld is a database in which editions come one after the other.
type changingWorld struct {
	t      *testing.T
	conn   driver.Conn
	random *rand.Rand
	now    time.Time
	clock  func(*Config, *Deps)
	old    *Server
	// published are the editions whose rows nothing has taken back.
	published []uint64
	// pages are the first pages that were followed by others when they were read, by path.
	pages map[string]querytest.Report
}

var changingTables = []string{"rollup_attempts", "rollup_cascades", "rollup_spend", "rollup_failures"}

func newChangingWorld(t *testing.T, seed uint64) *changingWorld {
	w := &changingWorld{t: t, conn: newConn(t), random: rand.New(rand.NewPCG(seed, 3)),
		now: testNow.Add(time.Duration(seed) * (12*time.Hour + 17*time.Minute)), pages: map[string]querytest.Report{}}
	w.clock = func(c *Config, _ *Deps) { c.Now = func() time.Time { return w.now } }
	w.old = newServer(t, w.conn, w.clock)
	for _, statement := range []string{
		`INSERT INTO legs SELECT account, number, ['sms', 'push', 'viber', 'whatsapp'][1 + number % 4],
			['mts', ''][1 + intDiv(number, 3) % 2], '', 'RU', '', concat('s', toString(number % 2)), '', 'first',
			if(number % 2 = 0, 'RUB', '')
			FROM numbers(8) ARRAY JOIN ['acme', 'z', 'центр'] AS account`,
		`INSERT INTO shapes SELECT account, 1 + number, number % 3, [number % 8, (number + 1) % 8],
			[if(number % 2 = 0, 9, 1), 7] FROM numbers(12) ARRAY JOIN ['acme', 'z', 'центр'] AS account`,
	} {
		execute(t, w.conn, statement)
	}
	querytest.PutTariffs(t, w.conn, "acme", querytest.TariffRow("sms", "per_message_sent", "3", "monthly_minimum",
		"100"), querytest.TariffRow("viber", "per_message_delivered", "2"),
		querytest.TariffRow("push", "per_message_sent", "1"))
	return w
}

// change publishes an edition of one kind or another.
func (w *changingWorld) change(edition uint64) {
	w.t.Helper()
	days := fmt.Sprintf("cityHash64(account, day, %d) %% 3 > 0", w.random.IntN(100))
	switch kind := w.random.IntN(10); {
	case edition > 1 && kind < 2:
		w.build(edition, days, true)
	case edition > 1 && kind < 3: // it dies, and so does what it says
		w.build(edition, days, false)
		w.add(edition)
	case edition > 1 && kind < 4:
		querytest.Begin(w.t, w.conn, edition)
		w.add(edition)
	case kind < 7 && len(w.published) > 0:
		at := w.random.IntN(len(w.published))
		condition := fmt.Sprintf("edition = %d AND cityHash64(cohort, day) %% %d = 0", w.published[at],
			1+w.random.IntN(2))
		w.published = slices.Delete(w.published, at, at+1)
		for _, table := range changingTables {
			querytest.Change(w.t, w.conn, table, edition, condition, []string{"", "moved"}[w.random.IntN(2)])
		}
		if w.random.IntN(2) == 0 {
			w.add(edition)
		}
		querytest.Publish(w.t, w.conn, edition)
	default:
		w.add(edition)
		if edition%3 == 0 { // the attribution of an opt-out moves to another day
			execute(w.t, w.conn, `INSERT INTO opt_outs (account, recipient, status, event_channel, occurred_ms, named,
				generation, found, message_id, cohort_ms, channel, provider, step)
				VALUES ($4, 'p', 'blocked', 'viber', 5, '', $1, true, $2, $3, 'viber', '', 1)`, edition,
				fmt.Sprint("m", edition), w.now.Add(-time.Duration(edition)*20*time.Hour).UnixMilli(),
				[]string{"acme", "z"}[edition/6%2])
		}
		querytest.Publish(w.t, w.conn, edition)
		w.published = append(w.published, edition)
	}
	if w.random.IntN(4) == 0 {
		w.upkeep()
	}
}

// build sums days up, or dies over it.
func (w *changingWorld) build(edition uint64, days string, publish bool) {
	times := 1
	if !publish {
		times = 1000
	}
	querytest.Begin(w.t, w.conn, edition)
	for _, table := range changingTables {
		querytest.BuildClosing(w.t, w.conn, table, edition, days, times, w.now.Add(-time.Minute))
	}
	if publish {
		querytest.Publish(w.t, w.conn, edition)
	}
}

// upkeep removes what the builds have summed that everybody has seen.
func (w *changingWorld) upkeep() {
	for _, table := range changingTables {
		execute(w.t, w.conn, `DELETE FROM `+table+` WHERE (account, day, edition) IN (
			SELECT c.account, c.day, c.edition FROM day_changes AS c INNER JOIN (
				SELECT account, day, max(build) AS newest FROM builds
				WHERE build IN (SELECT edition FROM editions WHERE published)
					AND build < (SELECT max(edition) FROM editions)
				GROUP BY account, day) AS b ON b.account = c.account AND b.day = c.day
			WHERE c.edition < b.newest) SETTINGS lightweight_deletes_sync = 1, allow_nondeterministic_mutations = 1`)
	}
	clear(w.pages) // they are older than what is kept for pages
}

// add adds rows, of which some settle about now, and some have windows that end.
func (w *changingWorld) add(edition uint64) {
	w.t.Helper()
	settling := []int{0, 1, 3, 3, 7, 14, 14, 30}
	cells := randomCells(w.random.Uint64(), 30, w.now.Add(-time.Hour), 3+w.random.IntN(30))
	for i := range cells {
		c := &cells[i]
		c.generation = edition
		c.campaign = []string{"c0", "c1", "c2"}[w.random.IntN(3)]
		if w.random.IntN(2) == 0 {
			c.cohort = w.now.Truncate(15*time.Minute).AddDate(0, 0, -settling[w.random.IntN(len(settling))])
			c.bucket = c.cohort.Truncate(time.Hour)
			c.maxMS = c.cohort.UnixMilli() + w.random.Int64N(900_000)
		}
		if !c.windowEnd.IsZero() {
			c.windowEnd = c.cohort.Add(time.Duration(1+w.random.IntN(3)) * 15 * time.Minute)
		}
	}
	insertCells(w.t, w.conn, cells)
	cohorts := fmt.Sprintf(`(SELECT toDateTime(if(rand(1) %% 2 = 0,
		intDiv(toUnixTimestamp(toDateTime($2, 'UTC')), 900) * 900 - 86400 *
			[0, 1, 3, 3, 7, 14, 14, 30][1 + rand(2) %% 8],
		toUnixTimestamp(toDateTime($2, 'UTC')) - 900 * (1 + rand(3) %% 3000)), 'UTC') AS moment,
		toStartOfFifteenMinutes(moment) AS cohort, 1 + rand(4) %% 12 AS shape FROM numbers(%d))
		SETTINGS max_partitions_per_insert_block = 0`, 20+w.random.IntN(20))
	latest := "toInt64(toUnixTimestamp(cohort)) * 1000 + rand(6) % 900000"
	account, campaign := "['acme', 'z', 'центр'][1 + rand(12) % 3]", "concat('c', toString(rand(13) % 3))"
	execute(w.t, w.conn, `INSERT INTO rollup_cascades SELECT `+account+`, 'difference', toDate(cohort), $1,
		toStartOfHour(cohort), cohort, `+campaign+`, '', shape, ['', 'RUB'][1 + rand(7) % 2], 1 + rand(5) % 9,
		if(rand(7) % 2 = 0, 0, 5), `+latest+` FROM `+cohorts, edition, w.now)
	execute(w.t, w.conn, `INSERT INTO rollup_spend SELECT `+account+`, 'difference', toDate(cohort), $1,
		toStartOfHour(cohort), cohort, `+campaign+`, '', 1, shape % 8, if(shape % 2 = 0, 1, 9), shape % 3, shape,
		shape % 3, '', map('RUB', toInt128(rand(7) % 5)), 1 + rand(5) % 9, `+latest+` FROM `+cohorts, edition, w.now)
	execute(w.t, w.conn, `INSERT INTO rollup_failures (account, kind, day, edition, bucket, cohort, channel, provider,
		campaign, error_code, failed, cohort_max_ms) SELECT `+account+`, 'difference', toDate(cohort), $1,
		toStartOfHour(cohort), cohort, ['sms', 'viber'][1 + rand(8) % 2], ['mts', ''][1 + rand(9) % 2], `+campaign+`,
		concat('e', toString(rand(10) % 5)), 1 + rand(5) % 9, `+latest+` FROM `+cohorts, edition, w.now)
}

// ask compares answers with those of a server that remembers nothing.
func (w *changingWorld) ask(edition uint64) {
	w.t.Helper()
	fresh, older := newServer(w.t, w.conn, w.clock), newServer(w.t, w.conn, w.clock)
	for i, path := range w.paths() {
		// Each is asked after every other edition, in make test-long after every one.
		if !enginetest.Long() && (uint64(i)+edition)%2 > 0 {
			continue
		}
		what, path := fmt.Sprintf("edition %d, %s", edition, path), "/v1/reports/"+path
		var got, want querytest.Report
		decode(w.t, get(w.old, path), http.StatusOK, &got)
		decode(w.t, get(fresh, path), http.StatusOK, &want)
		w.same(what, got, want)
		if before := w.pages[path]; before.NextCursor != nil {
			behind := path + "&cursor=" + *before.NextCursor
			var got, want querytest.Report
			decode(w.t, get(w.old, behind), http.StatusOK, &got)
			if decodeOrGone(w.t, older, behind, &want) {
				w.same(what+" behind a page of before", got, want)
			}
		}
		w.pages[path] = got
	}
}

// paths are those, and some over periods whose youngest cohorts settle at present.
func (w *changingWorld) paths() []string {
	paths := slices.Clone(changingPaths)
	for _, days := range []int{3, 14} {
		to := "&to=" + w.now.Truncate(15*time.Minute).AddDate(0, 0, -days).Add(15*time.Minute).Format(time.RFC3339)
		paths = append(paths, "channels?group_by=channel&channel=sms&channel=viber"+to,
			"failures?group_by=channel&channel=sms&channel=viber"+to, "spend?account=acme&group_by=channel&channel="+
				map[int]string{3: "sms", 14: "viber"}[days]+to, "savings?account=acme&group_by=path"+to)
	}
	return paths
}

// decodeOrGone reads a page, false where the server that answered its first page alone can.
func decodeOrGone(t *testing.T, s *Server, path string, to *querytest.Report) bool {
	t.Helper()
	w := get(s, path)
	if w.Code == http.StatusBadRequest {
		return false
	}
	decode(t, w, http.StatusOK, to)
	return true
}

func (w *changingWorld) same(what string, got, want querytest.Report) {
	w.t.Helper()
	querytest.SameRows(w.t, what, got.Rows, want.Rows)
	if got.Mature != want.Mature {
		w.t.Errorf("%s: mature is %v, want %v", what, got.Mature, want.Mature)
	}
}

// goOn lets time pass: mostly within the quarter hour, then to another, and now and then for days.
func (w *changingWorld) goOn() {
	switch w.random.IntN(6) {
	case 0:
		w.now = w.now.Add(time.Duration(w.random.IntN(40)) * time.Hour)
	case 1:
		w.now = w.now.Add(15 * time.Minute)
	default:
		w.now = w.now.Add(time.Duration(w.random.IntN(120)) * time.Second)
	}
}
