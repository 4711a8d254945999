package aggregate

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/aggregate/states"
	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

// audited loads a day of dialogs, plain messages and opt-outs, and publishes it.
func audited(t *testing.T) (driver.Conn, *Aggregator, *bytes.Buffer) {
	t.Helper()
	conn := schematest.Conn(t) // It is broken by hand.
	var lines strings.Builder
	for i := range 30 {
		at := noon.Add(-time.Duration(2+i%5) * time.Hour).Add(time.Duration(i) * time.Second)
		recipient := fmt.Sprintf(`"+7900123456%d"`, i%4)
		lines.WriteString(eventLine(fmt.Sprint("m", i), "delivered", at, append(submitted(at), "channel",
			[]string{`"viber"`, `"sms"`, `"whatsapp"`}[i%3], "recipient", recipient, "sender", `"Shop"`)...))
	}
	at := noon.Add(-time.Hour)
	lines.WriteString(eventLine("", "unsubscribed", at, "channel", `"viber"`, "recipient", `"+79001234560"`))
	lines.WriteString(eventLine("m3", "complained", at, "channel", `"viber"`, "recipient", `"+79001234563"`))
	load(t, conn, "world", []byte(lines.String()), noon)
	log := &bytes.Buffer{}
	registry := prometheus.NewRegistry()
	a := New(Config{Exclusive: true, Now: func() time.Time { return noon }, AuditRest: -1},
		Deps{Conn: conn, Reject: noLetters, Registerer: registry, Logger: slog.New(slog.NewJSONHandler(log, nil))})
	a.nextDays = time.Now().Add(time.Hour) // nobody reads what a case spoils of what a build has summed
	settle(t, a)
	return conn, a, log
}

// auditAll makes passes until everything was looked at twice, whatever the audit has begun with.
func auditAll(t *testing.T, a *Aggregator) {
	t.Helper()
	for looks := a.audit.looks; a.audit.looks < looks+2 || a.audit.suspected != nil || a.pending > 0; {
		if _, err := a.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// storedState reads the state of a message.
func storedState(t *testing.T, a *Aggregator, id string) (key string, m *message) {
	t.Helper()
	var bucket time.Time
	if err := a.deps.Conn.QueryRow(t.Context(), "SELECT bucket FROM attempts WHERE message_id = $1 LIMIT 1", id).Scan(
		&bucket); err != nil {
		t.Fatal(err)
	}
	of := state.Key{Account: "a", BucketMS: bucket.UnixMilli(), MessageID: id}
	key = string(of.AppendKey(nil))
	values, err := a.states.LookUp(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	m = &message{key: key, value: values[key]}
	if err := m.readOld(of); err != nil {
		t.Fatal(err)
	}
	return key, m
}

func storeState(t *testing.T, conn driver.Conn, key, value string) {
	t.Helper()
	if err := schema.InsertColumns(t.Context(), conn, "INSERT INTO message_states (key, state)", 0, 1,
		[]any{[]string{key}, []string{value}}); err != nil {
		t.Fatal(err)
	}
}

// auditCase is something that is wrong, and the kind of difference that the audit finds.
type auditCase struct {
	name, kind string
	corrupt    func(*testing.T, *Aggregator)
	cold       bool // tried with a cold hour too
}

// roundsOf puts cases together that one look tells apart by their kinds; in make test-long each is alone. What is wrong
// with a state may lose an hour, which the others must not.
func roundsOf(cases []auditCase, cold bool) (rounds [][]auditCase) {
	group := func(c auditCase) string {
		if c.kind == differsUnit {
			return differsDialog // of the same message
		}
		return c.kind
	}
	for _, c := range cases {
		if cold && !c.cold {
			continue
		}
		at := slices.IndexFunc(rounds, func(round []auditCase) bool {
			return !enginetest.Long() && !slices.ContainsFunc(round, func(o auditCase) bool {
				if o.kind == differsState && c.kind == differsState {
					return false // of another message: as many are found
				}
				return o.kind == "" || group(o) == group(c) || o.kind == differsState || c.kind == differsState
			})
		})
		if at < 0 {
			rounds, at = append(rounds, nil), len(rounds)
		}
		rounds[at] = append(rounds[at], c)
	}
	return rounds
}

// Whatever of what is published is not what facts say is found, told, and mended; nothing else is.
func TestAggregator_Audit_FindsAndMends(t *testing.T) {
	execute := func(queries ...string) func(*testing.T, *Aggregator) {
		return func(t *testing.T, a *Aggregator) {
			t.Helper()
			for _, query := range queries {
				if err := a.deps.Conn.Exec(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	const flipped = "INSERT INTO dialogs SELECT * REPLACE (generation + 1 AS generation, 1 - conversation AS " +
		"conversation) FROM dialogs WHERE message_id = 'm6'"
	tests := []auditCase{
		{"Nothing", "", execute(), true},
		{"CellGone", differsCells, execute("DELETE FROM rollup_attempts WHERE bucket = (SELECT max(bucket) FROM " +
			"rollup_attempts)"), true},
		{"CellTwice", differsCells, execute("INSERT INTO rollup_cascades SELECT * FROM rollup_cascades LIMIT 1"), false},
		{"SpendCellOther", differsCells, execute("INSERT INTO rollup_spend SELECT * REPLACE (step + 1 AS step) FROM " +
			"rollup_spend LIMIT 1"), false},
		{"DeadEditionCounted", differsCells, execute("INSERT INTO editions (edition, published) VALUES (7, false)",
			"INSERT INTO rollup_attempts SELECT * REPLACE (7 AS edition) FROM rollup_attempts LIMIT 1",
			"INSERT INTO editions (edition, published) VALUES (7, true)"), true},
		{"PersonGone", differsPeople, execute("DELETE FROM rollup_people WHERE person = (SELECT min(person) FROM " +
			"rollup_people)"), true},
		{"PersonTwice", differsPeople, execute("INSERT INTO rollup_people SELECT * FROM rollup_people LIMIT 1"), true},
		{"PersonOther", differsPeople, execute("INSERT INTO rollup_people SELECT * REPLACE (person + 1 AS person) " +
			"FROM rollup_people LIMIT 1"), true},
		{"PersonsMessages", differsPeople, execute("INSERT INTO rollup_people SELECT * REPLACE (0 AS attempts, 1 AS " +
			"messages) FROM rollup_people LIMIT 1"), false},
		{"PersonMoved", differsPeople, execute("INSERT INTO rollup_people SELECT * REPLACE (-attempts AS attempts, "+
			"-messages AS messages) FROM rollup_people LIMIT 1", "INSERT INTO rollup_people SELECT * REPLACE "+
			"(abs(attempts) AS attempts, abs(messages) AS messages, delivered_ms + 1 AS delivered_ms) FROM "+
			"rollup_people LIMIT 1"), false},
		{"StateLost", differsState, func(t *testing.T, a *Aggregator) {
			key, _ := storedState(t, a, "m4")
			execute("ALTER TABLE message_states DELETE WHERE key = unhex('"+fmt.Sprintf("%X", key)+"')")(t, a)
		}, false},
		{"StateChanged", differsState, func(t *testing.T, a *Aggregator) {
			key, m := storedState(t, a, "m7")
			m.old.Attempts[0].Campaign = "another"
			storeState(t, a.deps.Conn, key, string(states.AppendValue(nil, m.old, m.oldUnits)))
		}, false},
		{"StateKnowsMore", differsState, func(t *testing.T, a *Aggregator) {
			key, m := storedState(t, a, "m10")
			m.old.Attempts[0].Times[schema.Read] = noon.UnixMilli()
			storeState(t, a.deps.Conn, key, string(states.AppendValue(nil, m.old, m.oldUnits)))
		}, false},
		{"StateDamaged", differsState, func(t *testing.T, a *Aggregator) {
			key, _ := storedState(t, a, "m13")
			storeState(t, a.deps.Conn, key, "\x00nonsense")
		}, false},
		{"DialogUnit", differsDialog, execute(flipped), true},
		{"DialogGone", differsDialog, execute("DELETE FROM dialogs WHERE message_id = 'm6'"), false},
		{"DialogTooMany", differsDialog, execute("INSERT INTO dialogs SELECT * REPLACE ('m7' AS message_id) FROM " +
			"(SELECT * FROM dialogs WHERE message_id = 'm6')"), true},
		{"UnitEverywhere", differsUnit, func(t *testing.T, a *Aggregator) {
			key, m := storedState(t, a, "m6")
			if len(m.oldUnits) == 0 {
				m.oldUnits = []law.Units{{}}
			}
			m.oldUnits[0].Conversation = !m.oldUnits[0].Conversation
			storeState(t, a.deps.Conn, key, string(states.AppendValue(nil, m.old, m.oldUnits)))
			execute(flipped)(t, a)
		}, false},
		{"OptOut", differsOptOut, execute("INSERT INTO opt_outs SELECT * REPLACE (generation + 1 AS generation, " +
			"'other' AS campaign) FROM opt_outs WHERE named = ''"), true},
		{"OptOutNamed", differsOptOut, execute("INSERT INTO opt_outs SELECT * REPLACE (generation + 1 AS " +
			"generation, false AS found) FROM opt_outs WHERE named != ''"), false},
	}
	for name, forget := range map[string]bool{"Warm": false, "Cold": true} {
		t.Run(name, func(t *testing.T) {
			conn, a, log := audited(t)
			want := publishedSums(t, conn)
			for _, round := range roundsOf(tests, forget) {
				if forget {
					if err := a.states.Forget(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				log.Reset()
				before, names := differences(t, a), ""
				for _, test := range round {
					names += test.name + " "
					test.corrupt(t, a)
				}
				auditAll(t, a)
				found, kind := differences(t, a), ""
				if states := found[differsState] - before[differsState]; round[0].kind == differsState &&
					states < float64(len(round)) {
					t.Errorf("%s: %v states differ, want one for each", names, states)
				}
				for _, test := range round {
					// A cold hour takes units from the dialogs: there they are wrong rather than others than elsewhere.
					if kind = test.kind; forget && kind == differsDialog && found[kind] == before[kind] {
						kind = differsUnit
					}
					if kind != "" && found[kind] == before[kind] || kind == "" && len(found) > 0 {
						t.Fatalf("%s: found %v, before that %v\n%s", test.name, found, before, log)
					}
				}
				if told := strings.Contains(log.String(), `"account":"a","hour":"2026-11-19T`); told != (kind != "") {
					t.Errorf("%s: the log says %s", names, log)
				}
				mustBeFacts(t, conn)
				mustKnowPeople(t, conn)
				if got := publishedSums(t, conn); got != want {
					t.Errorf("%s: the figures are others than before: %v, want %v", names, got, want)
				}
				if n := count(t, conn, "SELECT count() FROM lost_hours"); n > 0 && !forget && kind != differsState {
					t.Errorf("%s: %d hours are named as lost, and nothing is", names, n)
				}
				if t.Failed() {
					t.FailNow()
				}
				// Of a cold hour that counted too much, facts may be lost; nobody reads the topic again here, and while
				// somebody does the audit concludes nothing.
				execute("TRUNCATE TABLE rereads", "TRUNCATE TABLE lost_hours")(t, a)
			}
			if count(t, conn, "SELECT sum(differences) FROM audits") < uint64(len(tests)/3) {
				t.Error("table audits does not say what was found")
			}
		})
	}
}

// differences are what the audit has found, by kind, as its metric says.
func differences(t *testing.T, a *Aggregator) map[string]float64 {
	t.Helper()
	families, err := a.deps.Registerer.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if n := m.GetCounter().GetValue(); f.GetName() == "kaskad_audit_differences_total" && n > 0 {
				found[m.GetLabel()[0].GetValue()] = n
			}
		}
	}
	return found
}

// publishedSums hashes all that is published.
func publishedSums(t *testing.T, conn driver.Conn) string {
	t.Helper()
	var all []string
	for table, c := range rollupSums {
		all = append(all, fmt.Sprint(table, count(t, conn, fingerprint(published(table, "quarter"), c[0], c[1]))))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// What was stored and is not announced yet is no difference, however long that takes, and neither is what is announced
// and not published.
func TestAggregator_Audit_OnItsWay(t *testing.T) {
	conn, a, log := audited(t)
	ends, lags := map[int]int64{0: 100}, map[int]int64{0: 0}
	a.deps.Stream = func(context.Context) (map[int]int64, map[int]int64, error) { return ends, lags, nil }
	at := noon.Add(-2 * time.Hour)
	// Facts without a touch: ingest stands between the two.
	ends[0], lags[0] = 110, 10
	late := []byte(dialogLine("m0", "read", at.Add(time.Minute), submitted(at)...) +
		dialogLine("new", "delivered", at, submitted(at)...))
	load(t, conn, "late", late, noon)
	for _, table := range []string{"touched", "changes"} {
		if err := conn.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		if _, err := a.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if a.audit.suspected == nil {
		t.Fatal("the audit has not even seen the facts, so the test says nothing")
	}
	load(t, conn, "late", late, noon)
	lags[0] = 0
	auditAll(t, a)
	if found := differences(t, a); len(found) > 0 {
		t.Errorf("found %v, want nothing\n%s", found, log)
	}
	mustBeFacts(t, conn)
}

// A message whose events disagree on when it was submitted moves to the earlier hour; here, to another address too.
// What was attributed to it there goes to another message.
func TestAggregator_OptOuts_SplitMessageLeavesAddress(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "1", []byte(dialogLine("older", "delivered", at.Add(-time.Hour), submitted(at.Add(-time.Hour))...)+
		dialogLine("moves", "delivered", at, submitted(at)...)+
		eventLine("", "unsubscribed", noon.Add(-time.Hour), "channel", `"viber"`, "recipient", `"+79001234567"`)), noon)
	settle(t, a)
	attributed := func() (id string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT argMax(message_id, generation) FROM opt_outs").Scan(
			&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	if got := attributed(); got != "moves" {
		t.Fatalf("attributed to %q", got)
	}
	early := at.Add(-3 * time.Hour)
	load(t, conn, "2", []byte(eventLine("moves", "delivered", at, append(submitted(early), "channel", `"viber"`,
		"recipient", `"+79009999999"`)...)), noon)
	settle(t, a)
	if got := attributed(); got != "older" {
		t.Errorf("attributed to %q, want the one message that this address still has", got)
	}
}

// An opt-out is attributed anew when a delivery within its reach becomes known, or turns out to be none, however late;
// what was delivered outside of it changes nothing.
func TestAggregator_OptOuts_LateDeliveries(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	said := noon.Add(-time.Hour)
	mail := func(id, status string, at time.Time, members ...string) string {
		return eventLine(id, status, at, append(append(submitted(said.Add(-8*24*time.Hour)), "channel", `"email"`,
			"recipient", `"email:anna@example.com"`), members...)...)
	}
	week := 7 * 24 * time.Hour
	bounce := func(id string) string {
		return mail(id, "failed", said, "permanent", "true", "error_code", `"5.1.1"`)
	}
	for i, step := range []struct{ line, want string }{
		{eventLine("", "unsubscribed", said, "channel", `"email"`, "recipient", `"email:anna@example.com"`), ""},
		{mail("early", "delivered", said.Add(-week-time.Millisecond)), ""},
		{mail("first", "delivered", said.Add(-week)), "first"},
		{mail("after", "delivered", said.Add(time.Millisecond)), "first"},
		{mail("last", "delivered", said), "last"},
		{bounce("last"), "first"},
		{"", "first"}, // What was published of messages is forgotten.
		{bounce("first"), ""},
	} {
		if step.line == "" {
			if err := conn.Exec(t.Context(), "TRUNCATE TABLE message_states"); err != nil {
				t.Fatal(err)
			}
			a = newAggregator(conn, noon)
			continue
		}
		load(t, conn, fmt.Sprint(i), []byte(step.line), noon)
		settle(t, a)
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT argMax(if(found, message_id, ''), generation) FROM opt_outs").
			Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != step.want {
			t.Errorf("after %s attributed to %q, want %q", step.line, got, step.want)
		}
	}
	mustBeFacts(t, conn)
}

// What an erased number opted out of is stored under its pseudonym by the erasure, which no batch tells of.
func TestAggregator_OptOuts_Pseudonym(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	to := append(submitted(at), "channel", `"push"`, "recipient", `"user:erased-1"`)
	load(t, conn, "1", []byte(eventLine("m", "delivered", at, to...)), noon)
	settle(t, a)
	if err := conn.Exec(t.Context(), "INSERT INTO recipient_events (account, recipient, status, channel, occurred_ms) "+
		"VALUES ('a', 'user:erased-1', 'blocked', 'push', $1)", noon.Add(-time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	load(t, conn, "2", []byte(eventLine("m", "read", noon.Add(-time.Minute), to...)), noon)
	settle(t, a)
	if n := count(t, conn, "SELECT count() FROM opt_outs WHERE found AND message_id = 'm'"); n != 1 {
		t.Errorf("%d opt-outs are attributed to the message, want 1", n)
	}
}

// What was noted of a message under an address that it no longer has goes with it when it moves to another hour, also
// where merged facts don't know that address any more.
func TestAggregator_Join_SplitMessageForgetsFirstRecipient(t *testing.T) {
	conn := connect(t)
	a := newAggregator(conn, noon)
	at := noon.Add(-2 * time.Hour)
	load(t, conn, "1", []byte(dialogLine("moves", "delivered", at, submitted(at)...)), noon)
	settle(t, a)
	early := at.Add(-3 * time.Hour)
	load(t, conn, "2", []byte(eventLine("moves", "read", at, append(submitted(at), "channel", `"viber"`, "recipient",
		`"+79009999999"`)...)+eventLine("moves", "read", at, append(submitted(early), "channel", `"viber"`, "recipient",
		`"+79009999999"`)...)), noon)
	if err := conn.Exec(t.Context(), "OPTIMIZE TABLE attempts FINAL"); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if n := count(t, conn, "SELECT count() FROM attempts_by_recipient FINAL"); n != 1 {
		t.Errorf("the attempt is noted under %d recipients, want 1", n)
	}
}

// An audit of everything names the account of what differs, and no other: accounts are compared together.
func TestAudit_NamesTheAccount(t *testing.T) {
	conn := schematest.Conn(t) // It is broken by hand.
	var lines strings.Builder
	at := noon.Add(-2 * time.Hour)
	for i := range 12 {
		line := eventLine(fmt.Sprint("m", i), "delivered", at, append(submitted(at), "channel", `"sms"`, "recipient",
			`"+79001234560"`)...)
		lines.WriteString(strings.Replace(line, `"account":"a"`, fmt.Sprintf(`"account":"a%d"`, i%3), 1))
	}
	load(t, conn, "world", []byte(lines.String()), noon)
	settle(t, newAggregator(conn, noon))
	if all := mustBeFacts(t, conn); all.Messages != 12 || all.Hours != 3 {
		t.Errorf("%d messages of %d hours, want 12 of 3", all.Messages, all.Hours)
	}
	for _, query := range []string{"INSERT INTO rollup_cascades SELECT * FROM rollup_cascades WHERE account = 'a1'",
		"DELETE FROM rollup_people WHERE account = 'a2'"} {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	audited, err := Audit(t.Context(), Config{}, Deps{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	found := audited.Differences
	slices.Sort(found)
	const hour = ", hour 2026-11-19T22:00:00Z"
	if len(found) != 2 || !strings.HasPrefix(found[0], "cells of a1"+hour) ||
		!strings.HasPrefix(found[1], "people of a2"+hour) {
		t.Errorf("found %q, want cells of a1 and people of a2", found)
	}
}
