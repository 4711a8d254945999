package schema_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kaskad/aggregate"
	"kaskad/engine"
	"kaskad/engine/enginetest"
	"kaskad/schema"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// eraseNow is the clock of these tests.
var eraseNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// erasureRig is a ClickHouse of the test's own, whose files can be searched.
type erasureRig struct {
	*testing.T
	dir     string
	engine  *engine.ClickHouse
	conn    driver.Conn
	decoder schema.Decoder
	places  int64
	stop    func()
}

func newErasureRig(t *testing.T) *erasureRig {
	t.Helper()
	if err := engine.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
		}
		t.Skipf("skipped: %v", err)
	}
	r := &erasureRig{T: t, dir: t.TempDir()}
	r.open()
	// Replaced parts are removed within a minute or so; tables take a shorter time from the next start on.
	for _, table := range r.texts("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree%'") {
		r.exec("ALTER TABLE " + table + " MODIFY SETTING cleanup_delay_period = 1, max_cleanup_delay_period = 1, cleanup_delay_period_random_add = 0")
	}
	r.close()
	r.open()
	t.Cleanup(r.close)
	return r
}

func (r *erasureRig) open() {
	r.Helper()
	var err error
	if r.engine, err = engine.StartClickHouse(r.Context(), engine.Config{Dir: r.dir, Logger: slog.New(slog.DiscardHandler), MaxMemory: 2 << 30}); err != nil {
		r.Fatal(err)
	}
	options, err := clickhouse.ParseDSN(r.engine.DSN())
	if err != nil {
		r.Fatal(err)
	}
	var db *sql.DB = clickhouse.OpenDB(options)
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
func (r *erasureRig) store(events ...string) { r.storeKnowing(schema.NewErasures(nil), events...) }

// storeKnowing stores events the way ingest does: with numbers hidden that were erased, and erased once more that were erased meanwhile.
func (r *erasureRig) storeKnowing(e *schema.Erasures, events ...string) {
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
			letters = append(letters, schema.Rejection{Place: at, Err: *bad, Raw: []byte(raw), AtMS: eraseNow.UnixMilli()})
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
		located = append(located, schema.Location{Account: string(ev.Account), MessageID: string(ev.MessageID), BucketMS: ev.BucketMS, SubmittedMS: ev.SubmittedMS})
		touches = append(touches, schema.Touch{Account: string(ev.Account), BucketMS: ev.BucketMS, ID: batch, AtMS: eraseNow.UnixMilli()})
	}
	ctx := r.Context()
	block := schema.Block{Facts: &facts, People: &people, Orphans: &orphans}
	if _, err := e.Refresh(ctx, r.conn); err != nil {
		r.Fatal(err)
	}
	e.Hide(block)
	for i := range letters {
		e.HideLetter(&letters[i])
	}
	if err := errors.Join(facts.Insert(ctx, r.conn, batch, 0, facts.Rows()), people.Insert(ctx, r.conn, batch, 0, people.Rows()),
		schema.InsertLocated(ctx, r.conn, batch, located), orphans.Insert(ctx, r.conn, batch, 0, orphans.Rows()),
		schema.InsertRejected(ctx, r.conn, letters), schema.OpenTouches(ctx, r.conn, append(touches, schema.Touch{ID: batch, AtMS: eraseNow.UnixMilli()}))); err != nil {
		r.Fatal(err)
	}
	if changed, err := e.Refresh(ctx, r.conn); err != nil {
		r.Fatal(err)
	} else if found := e.Find(block); changed && len(found) > 0 {
		if _, err := schema.EraseNumber(ctx, r.conn, found[0].Account, found[0].Number, found[0].Pseudonym); err != nil {
			r.Fatal(err)
		}
	}
}

// event writes an event; further is more of its fields.
func erasureEvent(account, id, channel, status, recipient string, at time.Time, further string) string {
	return fmt.Sprintf(`{"account":%q,"message_id":%q,"channel":%q,"status":%q,"recipient":%q,"occurred_at":%q%s}`, account, id, channel, status, recipient,
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
			erasureEvent(account, id, "sms", "undelivered", number, at.Add(time.Minute), submitted+`,"error_code":"1","permanent":true`),
			erasureEvent(account, id, "viber", "delivered", number, at.Add(2*time.Minute), submitted+`,"step":2,"sender":"Shop"`),
			erasureEvent(account, id, "viber", "replied", number, at.Add(3*time.Minute), submitted+`,"step":2,"sender":"Shop"`),
			erasureEvent(account, id, "push", "sent", fmt.Sprintf("device:%d", seed), at, submitted+fmt.Sprintf(`,"step":3,"app":"x","contact":%q`, number)),
			erasureEvent(account, id, "telegram", "delivered", fmt.Sprintf("user:%d", seed), at, submitted+`,"step":4,"contact":`+digits))
	}
	at := eraseNow.Add(-time.Hour)
	return append(events,
		fmt.Sprintf(`{"account":%q,"status":"lookup","recipient":%q,"occurred_at":%q,"valid":true,"operator":"25001"}`, account, number, at.Format(time.RFC3339)),
		erasureEvent(account, "", "push", "uninstalled", fmt.Sprintf("device:%d", seed), at, fmt.Sprintf(`,"app":"x","contact":%q`, number)),
		// Parked: no time of submission.
		erasureEvent(account, fmt.Sprintf("parked-%d", seed), "sms", "delivered", number, at, ""),
		erasureEvent(account, fmt.Sprintf("parked-%d", seed), "sms", "sent", fmt.Sprintf("user:%d", seed), at, fmt.Sprintf(`,"step":2,"phone":"\u002b%s"`, strings.ReplaceAll(digits, "9", `\u0039`))),
		// Refused.
		erasureEvent(account, "bad", "pigeon", "sent", number, at, ""),
		erasureEvent(account, "bad", "sms", "sent", digits, at, ""),
		fmt.Sprintf(`{"account":%q,"recipient":"+%s"}`, account, strings.ReplaceAll(digits, "7", `\u0037`)),
		fmt.Sprintf(`{"account":%q,"recipient":"%s", broken`, account, number))
}

// search lists the files below the directory that hold the text, as they are or inside the compressed blocks of a column.
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
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan error, 1)
	a := aggregate.New(aggregate.Config{Exclusive: true, Now: func() time.Time { return eraseNow }, Logger: slog.New(slog.DiscardHandler)},
		aggregate.Deps{Conn: r.conn, Reject: func(ctx context.Context, l []schema.Rejection) error { return schema.InsertRejected(ctx, r.conn, l) }})
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
	visible := "(account, bucket, generation) IN (SELECT account, bucket, max(generation) FROM generations GROUP BY account, bucket)"
	var all []string
	for _, query := range []string{
		"SELECT toString(tuple(* EXCEPT (recipient_country, recipient_mark, contact), substring(recipient_country, position(recipient_country, '\\0')))) AS line FROM attempts FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, contact, generation))) AS line FROM attempts_by_recipient FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, contact, batch))) AS line FROM recipient_events FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, generation))) AS line FROM dialogs WHERE message_id != '' AND " + visible + " ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient, generation))) AS line FROM dialogs_by_person WHERE message_id != '' AND " + visible + " ORDER BY line",
		"SELECT toString(tuple(* EXCEPT (recipient_country, contact, raw, batch, inserted))) AS line FROM orphans FINAL ORDER BY line",
		"SELECT toString(tuple(* EXCEPT generation)) AS line FROM rollup_attempts WHERE " + visible + " ORDER BY line",
		"SELECT toString(tuple(* EXCEPT generation)) AS line FROM rollup_cascades WHERE " + visible + " ORDER BY line",
		"SELECT toString(tuple(* EXCEPT generation)) AS line FROM rollup_failures WHERE " + visible + " ORDER BY line",
		// People: how many attempts, channels and deliveries each has, whoever he is.
		`SELECT toString((account, channel, count(), countIf(bitTest(code, 1)), uniqExact(message_id))) AS line FROM attempts_by_recipient FINAL
			GROUP BY account, channel, if(contact = '', recipient, contact) ORDER BY line`,
		"SELECT toString((account, count(), uniqExact(recipient))) AS line FROM attempts_by_recipient FINAL GROUP BY account, contact ORDER BY line",
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

func (r *erasureRig) erase(key *schema.ErasureKey, account, number string) (schema.Erasure, map[string]uint64) {
	r.Helper()
	asked, err := schema.AskErasure(r.Context(), r.conn, key, account, number, "test", eraseNow)
	if err != nil {
		r.Fatal(err)
	}
	rows, err := schema.EraseNumber(r.Context(), r.conn, account, number, asked.Pseudonym)
	if err != nil {
		r.Fatal(err)
	}
	done, err := schema.FinishErasure(r.Context(), r.conn, asked, eraseNow)
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
		strings.Join(r.texts("SELECT concat(path, ' ', toString(active), ' ', removal_state) FROM system.parts WHERE database = currentDatabase() AND NOT active"), "\n"))
}

// erasedTables are those in which a number can stand on disk.
var erasedTables = []string{"attempts", "attempts_by_recipient", "dialogs", "dialogs_by_person", "number_changes", "number_health", "number_health_before", "number_overrides",
	"number_queue", "numbers_touched", "orphans", "recipient_events", "rejected"}

const erasedNumber, strangersNumber = "+79001234567", "+790012345678"

func newErasureKey(t *testing.T, name string) *schema.ErasureKey {
	t.Helper()
	key, err := schema.OpenErasureKey(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// No file of ClickHouse's data directory holds an erased number, in plain or inside a compressed block, once replaced parts are removed; before it was in every table
// that may hold it. No figure moves, and neither another account with the same number nor a number with one more digit is touched.
func TestEraseNumber_DataDirectory(t *testing.T) {
	r := newErasureRig(t)
	key := newErasureKey(t, "erasure.key")
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.store(erasureEvents("a", strangersNumber, 2)...)
	end := r.aggregate()
	r.exec("INSERT INTO number_overrides VALUES ('a', '" + erasedNumber + "', 1, 'dead', 'asked on " + erasedNumber + "', 'x', 1)")
	if _, err := schema.AskVerdicts(t.Context(), r.conn, "a", []string{erasedNumber, strangersNumber}, eraseNow); err != nil {
		t.Fatal(err)
	}
	r.settle()
	// As the aggregator does it: these rows are marked as deleted, and stay on disk.
	for _, table := range []string{"number_queue", "numbers_touched"} {
		r.exec("DELETE FROM " + table + " WHERE number != '' SETTINGS lightweight_deletes_sync = 1")
	}
	files := r.search(erasedNumber[1:])
	for _, table := range erasedTables {
		paths := r.texts("SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND name = '" + table + "'")
		if !slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, strings.TrimSuffix(paths[0], "/")) }) {
			t.Errorf("the search does not find the number in table %s, so it would prove nothing", table)
		}
	}
	before := r.figures()

	first, rows := r.erase(key, "a", erasedNumber)
	for _, table := range erasedTables {
		if rows[table] == 0 && table != "number_queue" && table != "numbers_touched" {
			t.Errorf("nothing was erased in %s: %v", table, rows)
		}
	}
	r.settle()
	r.wantFigures(before)
	// The stranger's number has one digit more, so its digits hold the erased ones; its rows and letters stay.
	for _, query := range []string{"number_health WHERE number", "attempts_by_recipient WHERE recipient", "number_changes WHERE number", "recipient_events WHERE recipient"} {
		if got := r.texts("SELECT toString(count()) FROM " + query + " = '" + strangersNumber + "'"); got[0] == "0" {
			t.Errorf("another number is gone from %s", query)
		}
	}
	if got := r.texts("SELECT toString(count()) FROM rejected FINAL"); got[0] != "4" {
		t.Errorf("%s dead letters are left, want the 4 of another number", got[0])
	}
	if got := r.texts("SELECT toString(count()) FROM attempts WHERE recipient_mark != toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - " +
		"bitAnd(cityHash64(recipient_country), 65535))"); got[0] != "0" {
		t.Errorf("%s attempts have a mark that is not their recipient's", got[0])
	}
	again, rows := r.erase(key, "a", erasedNumber)
	if again != first || len(rows) != 0 {
		t.Errorf("erased again: %+v, %v; the first time %+v", again, rows, first)
	}
	end()
	r.erase(key, "a", strangersNumber)
	r.wantFigures(before)
	r.wantNoFile(erasedNumber[1:])
	if got := r.texts("SELECT toString(count()) FROM rejected"); got[0] != "0" {
		t.Errorf("%s dead letters are left", got[0])
	}
	for _, raw := range r.texts("SELECT raw FROM orphans FINAL WHERE position(raw, 'erased-') > 0") {
		if _, bad := r.decoder.Decode([]byte(raw), eraseNow.UnixMilli()); bad != nil {
			t.Errorf("a parked event is no event any more: %v in %s", bad, raw)
		}
	}
}

// Another account may have the same number, and keeps it.
func TestEraseNumber_OtherAccount(t *testing.T) {
	r := newErasureRig(t)
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.store(erasureEvents("b", erasedNumber, 2)...)
	r.aggregate()()
	key := newErasureKey(t, "erasure.key")
	count := func(account string) map[string]string {
		got := map[string]string{}
		for table, where := range map[string]string{"attempts": "startsWith(recipient_country, '" + erasedNumber + "')", "attempts_by_recipient": "recipient = '" + erasedNumber + "'",
			"recipient_events": "recipient = '" + erasedNumber + "'", "dialogs": "recipient = '" + erasedNumber + "'", "number_health": "number = '" + erasedNumber + "'",
			"number_changes": "number = '" + erasedNumber + "'", "orphans": "startsWith(recipient_country, '" + erasedNumber + "')"} {
			got[table] = r.texts("SELECT toString(count()) FROM " + table + " WHERE account = '" + account + "' AND " + where)[0]
		}
		return got
	}
	before, letters := count("b"), r.texts("SELECT raw FROM rejected WHERE position(raw, '\"b\"') > 0 AND isValidJSON(raw) ORDER BY raw")
	r.erase(key, "a", erasedNumber)
	if after := count("b"); !maps.Equal(before, after) {
		t.Errorf("account b had %v, and has %v", before, after)
	}
	if after := r.texts("SELECT raw FROM rejected ORDER BY raw"); !slices.Equal(letters, after) {
		t.Errorf("dead letters %q, want those of b that can be read: %q", after, letters)
	}
	for table, n := range count("a") {
		if n != "0" {
			t.Errorf("%s rows of %s still have the number", n, table)
		}
	}
}

// ClickHouse dies in the middle: the mutations go on after its start and find nothing to do, for what they look up is forgotten. Erased again, under the same
// pseudonym, the number is gone and no figure has moved.
func TestEraseNumber_Restart(t *testing.T) {
	r := newErasureRig(t)
	key := newErasureKey(t, "erasure.key")
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.aggregate()()
	before := r.figures()
	asked, err := schema.AskErasure(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
	if err != nil {
		t.Fatal(err)
	}
	r.exec("SYSTEM STOP MERGES") // of mutations too
	failed := make(chan error, 1)
	go func() {
		_, err := schema.EraseNumber(t.Context(), r.conn, "a", erasedNumber, asked.Pseudonym)
		failed <- err
	}()
	for len(r.texts("SELECT command FROM system.mutations WHERE NOT is_done AND table = 'number_changes'")) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if err := syscall.Kill(r.engine.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Fatal("ClickHouse died in the middle, and the erasure says that it is done")
	}
	for range 200 {
		if err = r.conn.Ping(t.Context()); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for len(r.texts("SELECT command FROM system.mutations WHERE NOT is_done")) > 0 {
		time.Sleep(50 * time.Millisecond)
	}
	if got := r.texts("SELECT toString(count()) FROM attempts WHERE startsWith(recipient_country, '" + erasedNumber + "')"); got[0] == "0" {
		t.Fatal("the mutations have found the number, so this test shows nothing")
	}
	again, rows := r.erase(key, "a", erasedNumber)
	if again.Pseudonym != asked.Pseudonym || rows["attempts"] == 0 {
		t.Errorf("erased under %s with %v, asked under %s", again.Pseudonym, rows, asked.Pseudonym)
	}
	r.wantFigures(before)
	r.wantNoFile(erasedNumber[1:])
}

// A pass that runs while the number is half overwritten sees one conversation as two people's, and bills it twice. When the erasure has ended it is one again.
func TestEraseNumber_DialogsUnderWay(t *testing.T) {
	r := newErasureRig(t)
	key := newErasureKey(t, "erasure.key")
	first, second := eraseNow.Add(-30*time.Hour), eraseNow.Add(-20*time.Hour)
	for i, at := range []time.Time{first, second} {
		r.store(erasureEvent("a", fmt.Sprint("d-", i), "viber", "delivered", erasedNumber, at, fmt.Sprintf(`,"sender":"Shop","submitted_at":%q`, at.Format(time.RFC3339))))
	}
	end := r.aggregate()
	defer end()
	units := func() string {
		return r.texts("SELECT toString(sum(conversation)) FROM dialogs WHERE (account, bucket, generation) IN (SELECT account, bucket, max(generation) FROM generations GROUP BY account, bucket)")[0]
	}
	if got := units(); got != "1" {
		t.Fatalf("%s conversations, want 1", got)
	}
	before := r.figures()
	asked, err := schema.AskErasure(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
	if err != nil {
		t.Fatal(err)
	}
	r.exec("ALTER TABLE attempts UPDATE recipient_country = '" + asked.Pseudonym + "\\0RU' WHERE message_id = 'd-0' SETTINGS mutations_sync = 1")
	if err := schema.OpenTouches(t.Context(), r.conn, []schema.Touch{{Account: "a", BucketMS: first.Truncate(time.Hour).UnixMilli(), ID: uuid.New(), AtMS: 1}}); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if got := units(); got != "2" {
		t.Fatalf("%s conversations, want 2 in the middle: else this test shows nothing", got)
	}
	r.erase(key, "a", erasedNumber)
	r.settle()
	if got := units(); got != "1" {
		t.Errorf("%s conversations, want 1", got)
	}
	r.wantFigures(before)
}

// While events keep coming and the aggregator keeps publishing, a number is erased. In the end all figures are those of a database that was never asked to.
func TestEraseNumber_UnderLoad(t *testing.T) {
	var figures [2][]string
	for i, erasing := range []bool{true, false} {
		options, err := clickhouse.ParseDSN(enginetest.ClickHouse(t))
		if err != nil {
			t.Fatal(err)
		}
		db := clickhouse.OpenDB(options)
		if _, err := schema.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		_ = db.Close()
		r := &erasureRig{T: t}
		if r.conn, err = clickhouse.Open(options); err != nil {
			t.Fatal(err)
		}
		defer r.conn.Close()
		key := newErasureKey(t, "erasure.key")
		end := r.aggregate()
		e := schema.NewErasures(key)
		erased := make(chan error, 1)
		events := append(erasureEvents("a", erasedNumber, 1), erasureEvents("a", strangersNumber, 2)...)
		events = append(events, events[:20]...) // twice changes nothing
		for n := range len(events) / 3 {
			if n == 5 && erasing {
				go func() {
					asked, err := schema.AskErasure(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
					if err == nil {
						_, err = schema.EraseNumber(t.Context(), r.conn, "a", erasedNumber, asked.Pseudonym)
					}
					erased <- err
				}()
			}
			r.storeKnowing(e, events[3*n:3*n+3]...)
			time.Sleep(50 * time.Millisecond)
		}
		if erasing {
			if err := <-erased; err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"attempts_by_recipient", "recipient_events", "dialogs", "dialogs_by_person"} {
				if got := r.texts("SELECT toString(count()) FROM " + table + " WHERE recipient = '" + erasedNumber + "'"); got[0] != "0" {
					t.Errorf("%s rows of %s have the number", got[0], table)
				}
			}
			if got := r.texts("SELECT toString(count()) FROM number_health WHERE number = '" + erasedNumber + "'"); got[0] != "0" {
				t.Error("there is a verdict on the number")
			}
		}
		r.settle()
		end()
		figures[i] = r.figures()
	}
	if !slices.Equal(figures[0], figures[1]) {
		for i := range min(len(figures[0]), len(figures[1])) {
			if figures[0][i] != figures[1][i] {
				t.Fatalf("figure %d:\nwith    %s\nwithout %s", i, figures[0][i], figures[1][i])
			}
		}
		t.Fatal("one has more figures than the other")
	}
}
