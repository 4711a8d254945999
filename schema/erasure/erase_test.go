package erasure_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/erasure"
)

// No file of ClickHouse's data directory holds an erased number, in plain or inside a compressed block, once replaced
// parts are removed; before it was in every table that may hold it. No figure moves, and neither another account with
// the same number nor a number with one more digit is touched.
func TestEraseNumber_DataDirectory(t *testing.T) {
	r := newErasureRig(t)
	key := newErasureKey(t, "erasure.key")
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.store(erasureEvents("a", strangersNumber, 2)...)
	r.settleStates()
	r.store(erasureEvents("a", erasedNumber, 3)...)
	// The aggregator removes the changes that it has answered, which may come before the erasure; those that no touch
	// announces it leaves.
	r.exec("INSERT INTO changes SELECT * REPLACE (generateUUIDv4() AS batch) FROM changes")
	end := r.aggregate()
	r.exec("INSERT INTO number_overrides VALUES ('a', '" + erasedNumber + "', 1, 'dead', 'asked on " + erasedNumber +
		"', 'x', 1)")
	if _, err := schema.AskVerdicts(t.Context(), r.conn, "a", []string{erasedNumber, strangersNumber},
		eraseNow); err != nil {
		t.Fatal(err)
	}
	r.settle()
	// As the aggregator does it: these rows are marked as deleted, and stay on disk.
	for _, table := range []string{"number_queue", "numbers_touched"} {
		r.exec("DELETE FROM " + table + " WHERE number != '' SETTINGS lightweight_deletes_sync = 1")
	}
	files := r.search(erasedNumber[1:])
	for _, table := range erasedTables {
		paths := r.texts("SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND " +
			"name = '" + table + "'")
		if !slices.ContainsFunc(files, func(name string) bool {
			return strings.HasPrefix(name,
				strings.TrimSuffix(paths[0], "/"))
		}) {
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
	if rows["message_states"] == 0 {
		t.Errorf("nothing was erased in message_states, so all were settled: %v", rows)
	}
	r.settle()
	r.wantFigures(before)
	// The stranger's number has one digit more, so its digits hold the erased ones; its rows and letters stay.
	for _, query := range []string{"number_health WHERE number", "attempts_by_recipient WHERE recipient",
		"number_changes WHERE number", "recipient_events WHERE recipient"} {
		if got := r.texts("SELECT toString(count()) FROM " + query + " = '" + strangersNumber + "'"); got[0] == "0" {
			t.Errorf("another number is gone from %s", query)
		}
	}
	if got := r.texts("SELECT toString(count()) FROM rejected FINAL"); got[0] != "4" {
		t.Errorf("%s dead letters are left, want the 4 of another number", got[0])
	}
	if got := r.texts("SELECT toString(count()) FROM attempts WHERE recipient_mark != " +
		"toUInt32(bitShiftLeft(toUInt32(bitAnd(cityHash64(recipient_country), 65535)), 16) + 65535 - " +
		"bitAnd(cityHash64(recipient_country), 65535))"); got[0] != "0" {
		t.Errorf("%s attempts have a mark that is not their recipient's", got[0])
	}
	again, rows := r.erase(key, "a", erasedNumber)
	if again != first || len(rows) != 0 {
		t.Errorf("erased again: %+v, %v; the first time %+v", again, rows, first)
	}
	end()
	r.wantFacts()
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
	// The next aggregator computes what this erasure has left to it.
	r.aggregate()()
	r.wantFacts()
	r.wantFigures(before)
}

// Another account may have the same number, and keeps it.
func TestEraseNumber_OtherAccount(t *testing.T) {
	r := newSharedRig(t)
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.store(erasureEvents("b", erasedNumber, 2)...)
	r.aggregate()()
	key := newErasureKey(t, "erasure.key")
	count := func(account string) map[string]string {
		got := map[string]string{}
		for table, where := range map[string]string{"attempts": "startsWith(recipient_country, '" + erasedNumber + "')",
			"attempts_by_recipient": "recipient = '" + erasedNumber + "'",
			"changes":               "position(state, '" + erasedNumber[1:] + "') > 0",
			"recipient_events":      "recipient = '" + erasedNumber + "'",
			"dialogs":               "recipient = '" + erasedNumber + "'",
			"number_health":         "number = '" + erasedNumber + "'",
			"number_changes":        "number = '" + erasedNumber + "'",
			"orphans":               "startsWith(recipient_country, '" + erasedNumber + "')"} {
			got[table] = r.texts("SELECT toString(count()) FROM " + table + " WHERE account = '" + account + "' AND " +
				where)[0]
		}
		return got
	}
	before, letters := count("b"), r.texts("SELECT raw FROM rejected WHERE position(raw, '\"b\"') > 0 AND "+
		"isValidJSON(raw) ORDER BY raw")
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

// ClickHouse dies in the middle: the mutations go on after its start and find nothing to do, for what they look up is
// forgotten. Erased again, under the same pseudonym, the number is gone and no figure has moved.
func TestEraseNumber_Restart(t *testing.T) {
	r := newErasureRig(t)
	key := newErasureKey(t, "erasure.key")
	r.store(erasureEvents("a", erasedNumber, 1)...)
	r.aggregate()()
	before := r.figures()
	asked, err := erasure.Request(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
	if err != nil {
		t.Fatal(err)
	}
	r.exec("SYSTEM STOP MERGES") // of mutations too
	failed := make(chan error, 1)
	go func() {
		_, err := erasure.EraseNumber(t.Context(), r.conn, "a", erasedNumber, asked.Pseudonym)
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
	if got := r.texts("SELECT toString(count()) FROM attempts WHERE startsWith(recipient_country, '" + erasedNumber +
		"')"); got[0] == "0" {
		t.Fatal("the mutations have found the number, so this test shows nothing")
	}
	again, rows := r.erase(key, "a", erasedNumber)
	if again.Pseudonym != asked.Pseudonym || rows["attempts"] == 0 {
		t.Errorf("erased under %s with %v, asked under %s", again.Pseudonym, rows, asked.Pseudonym)
	}
	r.wantFigures(before)
	r.wantNoFile(erasedNumber[1:])
}

// A pass that runs while the number is half overwritten may see an opt-out without its attempt. When the erasure has
// ended it is attributed as before, also to what the person gets later, and a round of verdicts has come by.
func TestEraseNumber_OptOutsUnderWay(t *testing.T) {
	r := newSharedRig(t)
	key := newErasureKey(t, "erasure.key")
	r.store(erasureEvents("a", erasedNumber, 1)...)
	end := r.aggregate()
	before := r.figures()
	r.exec("INSERT INTO opt_outs SELECT * REPLACE (generation + 1 AS generation, false AS found) FROM opt_outs")
	if slices.Equal(before, r.figures()) {
		t.Fatal("the attribution that finds nothing does not count, so this test shows nothing")
	}
	erased, _ := r.erase(key, "a", erasedNumber)
	r.settle()
	r.wantFigures(before)
	if got := r.texts("SELECT toString(count()) FROM numbers_touched WHERE startsWith(number, 'email:erased-') AND " +
		"generation <= (SELECT max(generation) FROM numbers_done)"); got[0] == "0" {
		t.Error("the erasure ended before a round of verdicts did")
	}
	at := eraseNow.Add(-90 * time.Minute)
	r.storeKnowing(erasure.NewIndex(key), erasureEvent("a", "later", "viber", "delivered", erased.Pseudonym, at,
		fmt.Sprintf(`,"sender":"Shop","submitted_at":%q`, at.Format(time.RFC3339))))
	r.settle()
	end()
	r.wantFacts()
}

// A pass that runs while the number is half overwritten sees one conversation as two people's, and bills it twice. When
// the erasure has ended it is one again.
func TestEraseNumber_DialogsUnderWay(t *testing.T) {
	r := newSharedRig(t)
	key := newErasureKey(t, "erasure.key")
	first, second := eraseNow.Add(-30*time.Hour), eraseNow.Add(-20*time.Hour)
	for i, at := range []time.Time{first, second} {
		r.store(erasureEvent("a", fmt.Sprint("d-", i), "viber", "delivered", erasedNumber, at,
			fmt.Sprintf(`,"sender":"Shop","submitted_at":%q`, at.Format(time.RFC3339))))
	}
	end := r.aggregate()
	defer end()
	units := func() string {
		return r.texts("SELECT toString(sum(latest.1)) FROM (SELECT argMax((conversation, gone), (generation, NOT gone)) " +
			"AS latest FROM dialogs GROUP BY account, bucket, message_id, step) WHERE latest.2 = 0")[0]
	}
	if got := units(); got != "1" {
		t.Fatalf("%s conversations, want 1", got)
	}
	before := r.figures()
	asked, err := erasure.Request(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
	if err != nil {
		t.Fatal(err)
	}
	r.exec("ALTER TABLE attempts UPDATE recipient_country = '" + asked.Pseudonym +
		"\\0RU' WHERE message_id = 'd-0' SETTINGS mutations_sync = 1")
	if err := schema.OpenTouches(t.Context(), r.conn,
		[]schema.Touch{{Account: "a", BucketMS: first.Truncate(time.Hour).UnixMilli(), ID: uuid.New(),
			AtMS: 1}}); err != nil {
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

// While events keep coming and the aggregator keeps publishing, a number is erased. In the end all figures are those of
// a database that was never asked to.
func TestEraseNumber_UnderLoad(t *testing.T) {
	var figures [2][]string
	for i, erasing := range []bool{true, false} {
		r := newSharedRig(t)
		key := newErasureKey(t, "erasure.key")
		end := r.aggregate()
		e := erasure.NewIndex(key)
		erased := make(chan error, 1)
		events := append(erasureEvents("a", erasedNumber, 1), erasureEvents("a", strangersNumber, 2)...)
		events = append(events, events[:20]...) // twice changes nothing
		each := enginetest.World(t, 6, 3, 3)
		for n := range len(events) / each {
			if n == 5 && erasing {
				go func() {
					asked, err := erasure.Request(t.Context(), r.conn, key, "a", erasedNumber, "test", eraseNow)
					if err == nil {
						_, err = erasure.EraseNumber(t.Context(), r.conn, "a", erasedNumber, asked.Pseudonym)
					}
					erased <- err
				}()
			}
			r.storeKnowing(e, events[each*n:each*n+each]...)
			time.Sleep(50 * time.Millisecond)
		}
		if erasing {
			if err := <-erased; err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"attempts_by_recipient", "recipient_events", "dialogs",
				"dialogs_by_person"} {
				if got := r.texts("SELECT toString(count()) FROM " + table + " WHERE recipient = '" + erasedNumber +
					"'"); got[0] != "0" {
					t.Errorf("%s rows of %s have the number", got[0], table)
				}
			}
			if got := r.texts("SELECT toString(count()) FROM number_health WHERE number = '" + erasedNumber +
				"'"); got[0] != "0" {
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
