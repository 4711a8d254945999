package erasure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"kaskad/aggregate"
	"kaskad/engine"
	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/event"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

// eraseNow is the clock of these tests.
var eraseNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// erasureRig is a database to erase in.
type erasureRig struct {
	*testing.T
	dir     string
	engine  *engine.ClickHouse
	conn    driver.Conn
	decoder event.Decoder
	places  int64
}

// newSharedRig makes one in the ClickHouse that the tests of the package share.
func newSharedRig(t *testing.T) *erasureRig {
	t.Helper()
	return &erasureRig{T: t, conn: schematest.Conn(t)}
}

// newErasureRig makes one in a ClickHouse of the test's own, whose files can be searched and which can be killed.
func newErasureRig(t *testing.T) *erasureRig {
	t.Helper()
	if err := engine.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
		}
		t.Skipf("skipped: %v", err)
	}
	enginetest.Parallel(t)
	r := &erasureRig{T: t, dir: t.TempDir()}
	r.open()
	// Replaced parts are removed within a minute or so; tables take a shorter time from the next start on. It is not
	// what these tests are about, and nobody fills this disk.
	for _, table := range r.texts("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE " +
		"'%MergeTree%'") {
		r.exec("ALTER TABLE " + table + " MODIFY SETTING old_parts_lifetime = 1, cleanup_delay_period = 1, " +
			"max_cleanup_delay_period = 1, cleanup_delay_period_random_add = 0")
	}
	r.close()
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *erasureRig) open() {
	r.Helper()
	var err error
	if r.engine, err = engine.StartClickHouse(r.Context(),
		engine.Config{Dir: r.dir, Logger: slog.New(slog.DiscardHandler), MaxMemory: 2 << 30}); err != nil {
		r.Fatal(err)
	}
	options, err := clickhouse.ParseDSN(r.engine.DSN())
	if err != nil {
		r.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(r.Context(), db); err != nil {
		r.Fatal(err)
	}
	if r.conn, err = clickhouse.Open(options); err != nil {
		r.Fatal(err)
	}
}

func (r *erasureRig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = r.conn.Close()
	_ = r.engine.Stop(ctx)
}

func (r *erasureRig) exec(statement string, args ...any) {
	r.Helper()
	if err := r.conn.Exec(r.Context(), statement, args...); err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
}

// texts returns the first column of a query.
func (r *erasureRig) texts(query string) (list []string) {
	r.Helper()
	rows, err := r.conn.Query(r.Context(), query)
	if err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			r.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	return list
}

// store stores events the way ingest does that knows of no erasures.
func (r *erasureRig) store(events ...string) { r.storeKnowing(erasure.NewIndex(nil), events...) }

// storeKnowing stores events the way ingest does: with numbers hidden that were erased, and erased once more that were
// erased meanwhile.
func (r *erasureRig) storeKnowing(e *erasure.Index, events ...string) {
	r.Helper()
	var (
		facts   schema.Facts
		orphans schema.Orphans
		people  schema.RecipientEvents
		located []schema.Location
		letters []schema.Rejection
		touches []schema.Touch
	)
	batch := uuid.New()
	for _, raw := range events {
		r.places++
		at := schema.Place{Topic: "t", Offset: r.places, Line: 1}
		ev, bad := r.decoder.Decode([]byte(raw), eraseNow.UnixMilli())
		switch {
		case bad != nil:
			letters = append(letters, schema.Rejection{Place: at, Err: *bad, Raw: []byte(raw),
				AtMS: eraseNow.UnixMilli()})
			continue
		case !ev.Status.OfMessage():
			people.Append(ev)
			touches = append(touches, schema.Touch{Account: string(ev.Account), ID: batch, AtMS: eraseNow.UnixMilli()})
			continue
		case ev.BucketMS == 0:
			orphans.Append(ev, at, []byte(raw), eraseNow.UnixMilli())
			continue
		}
		facts.Append(ev)
		located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID),
			BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS})
		touches = append(touches, schema.Touch{Account: string(ev.Account), BucketMS: ev.BucketMS, ID: batch,
			AtMS: eraseNow.UnixMilli()})
	}
	ctx := r.Context()
	block := erasure.Block{Facts: &facts, People: &people, Orphans: &orphans}
	if _, err := e.Refresh(ctx, r.conn); err != nil {
		r.Fatal(err)
	}
	e.Hide(block)
	for i := range letters {
		e.HideLetter(&letters[i])
	}
	// No touch announces the changes: their hours are touched as a whole.
	var fold state.Fold
	fold.Fold(&facts, nil)
	if err := errors.Join(facts.Insert(ctx, r.conn, batch, 0, facts.Rows()),
		schema.InsertChanges(ctx, r.conn, batch, &fold.Changes),
		people.Insert(ctx, r.conn, batch, 0, people.Rows()),
		schema.InsertLocated(ctx, r.conn, batch, located), orphans.Insert(ctx, r.conn, batch, 0, orphans.Rows()),
		schema.InsertRejected(ctx, r.conn, letters),
		schema.OpenTouches(ctx, r.conn, append(touches,
			schema.Touch{ID: batch, AtMS: eraseNow.UnixMilli()}))); err != nil {
		r.Fatal(err)
	}
	if changed, err := e.Refresh(ctx, r.conn); err != nil {
		r.Fatal(err)
	} else if found := e.Find(block); changed && len(found) > 0 {
		if _, err := erasure.EraseNumber(ctx, r.conn, found[0].Account, found[0].Number,
			found[0].Pseudonym); err != nil {
			r.Fatal(err)
		}
	}
}

// event writes an event; further is more of its fields.
func erasureEvent(account, id, channel, status, recipient string, at time.Time, further string) string {
	return fmt.Sprintf(`{"account":%q,"message_id":%q,"channel":%q,"status":%q,"recipient":%q,"occurred_at":%q%s}`,
		account, id, channel, status, recipient,
		at.Format(time.RFC3339Nano), further)
}

// erasureEvents are all that may be known of a number.
func erasureEvents(account, number string, seed int) (events []string) {
	digits := number[1:]
	for i := range 6 { // mailings that fail hard, and Viber dialogs with replies
		at := eraseNow.Add(-time.Duration(80-13*i) * time.Hour)
		submitted := fmt.Sprintf(`,"submitted_at":%q,"campaign":"c%d"`, at.Format(time.RFC3339Nano), i)
		id := fmt.Sprintf("m-%d-%d", seed, i)
		events = append(events, erasureEvent(account, id, "sms", "sent", number, at, submitted),
			erasureEvent(account, id, "sms", "undelivered", number, at.Add(time.Minute),
				submitted+`,"error_code":"1","permanent":true`),
			erasureEvent(account, id, "viber", "delivered", number, at.Add(2*time.Minute),
				submitted+`,"step":2,"sender":"Shop"`),
			erasureEvent(account, id, "viber", "replied", number, at.Add(3*time.Minute),
				submitted+`,"step":2,"sender":"Shop"`),
			erasureEvent(account, id, "push", "sent", fmt.Sprintf("device:%d", seed), at,
				submitted+fmt.Sprintf(`,"step":3,"app":"x","contact":%q`, number)),
			erasureEvent(account, id, "telegram", "delivered", fmt.Sprintf("user:%d", seed), at,
				submitted+`,"step":4,"contact":`+digits))
	}
	at := eraseNow.Add(-time.Hour)
	return append(events,
		fmt.Sprintf(`{"account":%q,"status":"lookup","recipient":%q,"occurred_at":%q,"valid":true,"operator":"25001"}`,
			account, number, at.Format(time.RFC3339)),
		erasureEvent(account, "", "viber", "blocked", number, at, `,"sender":"Shop"`),
		erasureEvent(account, "", "push", "uninstalled", fmt.Sprintf("device:%d", seed), at,
			fmt.Sprintf(`,"app":"x","contact":%q`, number)),
		// Parked: no time of submission.
		erasureEvent(account, fmt.Sprintf("parked-%d", seed), "sms", "delivered", number, at, ""),
		erasureEvent(account, fmt.Sprintf("parked-%d", seed), "sms", "sent", fmt.Sprintf("user:%d", seed), at,
			fmt.Sprintf(`,"step":2,"phone":"\u002b%s"`, strings.ReplaceAll(digits, "9", `\u0039`))),
		// Refused.
		erasureEvent(account, "bad", "pigeon", "sent", number, at, ""),
		erasureEvent(account, "bad", "sms", "sent", digits, at, ""),
		fmt.Sprintf(`{"account":%q,"recipient":"+%s"}`, account, strings.ReplaceAll(digits, "7", `\u0037`)),
		fmt.Sprintf(`{"account":%q,"recipient":"%s", broken`, account, number))
}

// search lists the files below the directory that hold the text, as they are or inside the compressed blocks of a
// column.
func (r *erasureRig) search(text string) (files []string) {
	r.Helper()
	needle := []byte(text)
	err := filepath.WalkDir(r.dir, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a part that was removed meanwhile
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		// A file of compressed blocks ends with the last of them; others are no such file.
		unpacked, _ := io.ReadAll(compress.NewReader(bytes.NewReader(content)))
		if bytes.Contains(content, needle) || bytes.Contains(unpacked, needle) {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return files
}

// aggregate works until everything is published and decided, and returns what ends it.
func (r *erasureRig) aggregate() (end func()) {
	r.Helper()
	return r.aggregateIn(0)
}

// aggregateIn is aggregate with that many bytes for the states of messages; 0 stands for the usual.
func (r *erasureRig) aggregateIn(stateBytes int64) (end func()) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, StateBytes: stateBytes,
		Now: func() time.Time { return eraseNow }},
		aggregate.Deps{Conn: r.conn, Logger: slog.New(slog.DiscardHandler), Reject: func(ctx context.Context,
			l []schema.Rejection) error {
			return schema.InsertRejected(ctx, r.conn, l)
		}})
	go func() { done <- a.Run(ctx) }()
	r.settle()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.Error(err)
		}
	}
}

func (r *erasureRig) settle() {
	r.Helper()
	for range 600 {
		if got := r.texts(`SELECT toString((SELECT count() FROM (SELECT 1 FROM touched GROUP BY account, bucket, id HAVING sum(sign) > 0))
			+ (SELECT count() FROM numbers_touched WHERE generation > (SELECT max(generation) FROM numbers_done)))`); got[0] == "0" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.Fatal("the aggregator does not come to an end")
}

// figures are what reports are made from, without any name of a person: equal before and after.
func (r *erasureRig) figures() []string {
	r.Helper()
	// Besides the dialog that an erasure adds for the aggregator, until it has come by.
	dialogs := func(table string) string {
		return "SELECT toString((account, channel, sender, bucket, message_id, step, latest)) AS line FROM (SELECT " +
			"account, " +
			"channel, sender, recipient, bucket, message_id, step, argMax((delivered_ms, replies_ms, conversation, " +
			"outside, " +
			"gone), (generation, NOT gone)) AS latest FROM " + table + " WHERE NOT " +
			"startsWith(message_id, '\\0') GROUP BY ALL) WHERE latest.5 = 0 ORDER BY line"
	}
	var all []string
	for _, query := range []string{
		"SELECT toString(tuple(* EXCEPT (recipient_country, recipient_mark, contact), substring(recipient_country, " +
			"position(recipient_country, '\\0')))) AS line FROM attempts FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, contact, person, generation))) AS line FROM " +
			"attempts_by_recipient FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, contact, batch))) AS line FROM recipient_events FINAL ORDER BY line",
		dialogs("dialogs"), dialogs("dialogs_by_person"),
		"SELECT line FROM (SELECT toString(tuple(* EXCEPT (recipient, generation))) AS line FROM opt_outs ORDER BY " +
			"generation DESC LIMIT 1 BY account, recipient, event_channel, status, occurred_ms, named) ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient_country, contact, raw, batch, inserted))) AS line FROM orphans " +
			"FINAL ORDER BY line",
		"SELECT toString((account, cohort, channel, campaign, step, country, sum(attempted) AS n, sum(sent), " +
			"sum(delivered), " +
			"sum(read), sum(replied), sum(failed), sum(timed))) AS line FROM rollup_attempts WHERE kind = " +
			"'difference' GROUP BY " +
			"account, cohort, channel, campaign, step, country HAVING n != 0 ORDER BY line",
		"SELECT toString((account, cohort, campaign, shape, sum(messages) AS n)) AS line FROM rollup_cascades WHERE " +
			"kind = " +
			"'difference' GROUP BY account, cohort, campaign, shape HAVING n != 0 ORDER BY line",
		"SELECT toString((account, cohort, campaign, leg, code, step, sum(attempts) AS n)) AS line FROM rollup_spend " +
			"WHERE " +
			"kind = 'difference' GROUP BY account, cohort, campaign, leg, code, step HAVING n != 0 ORDER BY line",
		"SELECT toString((account, cohort, channel, error_code, sum(rollup_failures.failed) AS n)) AS line FROM " +
			"rollup_failures WHERE kind = 'difference' GROUP BY account, cohort, channel, error_code HAVING n != 0 " +
			"ORDER BY line",
		// People: how many attempts, channels and deliveries each has, whoever he is.
		`SELECT toString((account, channel, count(), countIf(bitTest(code, 1)), uniqExact(message_id))) AS line FROM attempts_by_recipient FINAL
			GROUP BY account, channel, if(contact = '', recipient, contact) ORDER BY line`,
		"SELECT toString((account, count(), uniqExact(recipient))) AS line FROM attempts_by_recipient FINAL GROUP BY " +
			"account, contact ORDER BY line",
		`SELECT toString((account, count(), uniqExact(address), sum(delivered), sum(n), sum(m))) AS line FROM
			(SELECT account, person, bitXor(person, other) AS address, way, sum(attempts) AS n,
				sum(messages) AS m, sumIf(attempts, delivered_ms > 0) AS delivered
			FROM rollup_people WHERE kind = 'difference' GROUP BY account, person, address, way, cohort HAVING n != 0)
			GROUP BY account, person ORDER BY line`,
		"SELECT toString((account, count(), uniqExact(recipient))) AS line FROM attempts_by_recipient FINAL GROUP BY " +
			"account, person ORDER BY line",
	} {
		all = append(all, append(r.texts(query), "--")...)
	}
	return all
}

func (r *erasureRig) wantFigures(before []string) {
	r.Helper()
	after := r.figures()
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			r.Fatalf("figure %d of %d moved:\nbefore %s\nafter  %s", i, len(before), before[i], after[i])
		}
	}
	if len(before) != len(after) {
		r.Fatalf("%d figures before, %d after", len(before), len(after))
	}
}

// wantFacts checks that what is published follows from facts, which know the pseudonym.
func (r *erasureRig) wantFacts() {
	r.Helper()
	audited, err := aggregate.Audit(r.Context(), aggregate.Config{Now: func() time.Time { return eraseNow }},
		aggregate.Deps{Conn: r.conn})
	if err != nil || audited.Messages == 0 {
		r.Fatalf("%d messages, %v", audited.Messages, err)
	}
	for _, difference := range audited.Differences {
		r.Errorf("the audit found %s", difference)
	}
}

// settleStates works until every state that is stored is in settled_states, and none in message_states.
func (r *erasureRig) settleStates() {
	r.Helper()
	end := r.aggregateIn(1)
	defer end()
	for range 1200 {
		if got := r.texts("SELECT toString((SELECT count() FROM message_states WHERE key != '' AND state != '') > 0 OR " +
			"(SELECT count() FROM settled_states) = 0)"); got[0] == "0" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.Fatal("the aggregator does not move the states of quiet hours")
}

func (r *erasureRig) erase(key *erasure.Key, account, number string) (erasure.Erasure, map[string]uint64) {
	r.Helper()
	asked, err := erasure.Request(r.Context(), r.conn, key, account, number, "test", eraseNow)
	if err != nil {
		r.Fatal(err)
	}
	rows, err := erasure.EraseNumber(r.Context(), r.conn, account, number, asked.Pseudonym)
	if err != nil {
		r.Fatal(err)
	}
	var left uint64
	if err := r.conn.QueryRow(r.Context(), `SELECT count()
		FROM (SELECT person, other, [xxHash64(concat($1, '\0', $2)), xxHash64(concat($1, '\0', $3))] AS hashes FROM rollup_people
			UNION ALL SELECT person, other, [xxHash64(concat($1, '\0', $2)), xxHash64(concat($1, '\0', $3))] FROM whole_people)
		WHERE has(hashes, person) OR has(hashes, bitXor(person, other))`, account, number, number[1:]).Scan(&left); err != nil || left != 0 {
		r.Fatalf("%d rows about people know the number (%v)", left, err)
	}
	done, err := erasure.Finish(r.Context(), r.conn, asked, eraseNow)
	if err != nil {
		r.Fatal(err)
	}
	return done, rows
}

// wantNoFile waits until replaced parts are removed, and checks that no file holds the text.
func (r *erasureRig) wantNoFile(text string) {
	r.Helper()
	var left []string
	for range 60 {
		if left = r.search(text); len(left) == 0 {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	r.Fatalf("%s is still in %d files:\n%s\nparts:\n%s", text, len(left), strings.Join(left, "\n"),
		strings.Join(r.texts("SELECT concat(path, ' ', toString(active), ' ', removal_state) FROM system.parts WHERE "+
			"database = currentDatabase() AND NOT active"), "\n"))
}

// erasedTables are those in which a number can stand on disk.
var erasedTables = []string{"attempts", "attempts_by_recipient", "changes", "dialogs", "dialogs_by_person",
	"number_changes",
	"number_health", "number_health_before", "number_overrides",
	"number_queue", "numbers_touched", "opt_outs", "orphans", "recipient_events", "rejected", "settled_states"}

const erasedNumber, strangersNumber = "+79001234567", "+790012345678"

func newErasureKey(t *testing.T, name string) *erasure.Key {
	t.Helper()
	key, err := erasure.OpenKey(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
