package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kaskad/schema"
	"kaskad/schema/schematest"
)

// expectChanges checks that the announced changes, merged, say of every message what its facts say, but where the hour
// is to be computed from facts. It returns of how many messages they do.
func (r *rig) expectChanges() (same int) {
	r.t.Helper()
	facts, changes := schematest.States(r.t, r.conn), schematest.Changes(r.t, r.conn)
	touched := r.touchedHours()
	for key, want := range facts {
		got := changes[key]
		if touched[schema.Touch{Account: key.Account, BucketMS: key.BucketMS}] {
			continue
		}
		if got == nil {
			r.t.Errorf("nothing was announced of %+v", key)
		} else if x, y := string(got.Append(nil)), string(want.Append(nil)); x != y {
			r.t.Errorf("changes of %+v:\n%q, its facts:\n%q", key, x, y)
		} else {
			same++
		}
	}
	if len(changes) > len(facts) {
		r.t.Errorf("changes of %d messages, facts of %d", len(changes), len(facts))
	}
	return same
}

// touchedHours are the hours that are to be computed from facts.
func (r *rig) touchedHours() map[schema.Touch]bool {
	r.t.Helper()
	rows, err := r.conn.Query(r.t.Context(),
		"SELECT DISTINCT account, toUnixTimestamp(bucket) * 1000 FROM touched")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	touched := map[schema.Touch]bool{}
	for rows.Next() {
		var hour schema.Touch
		var ms uint64
		if err := rows.Scan(&hour.Account, &ms); err != nil {
			r.t.Fatal(err)
		}
		hour.BucketMS = int64(ms)
		touched[hour] = true
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return touched
}

// manyShapes are events of messages of all kinds: several steps and times of submission, parts, prices, replies,
// errors, people under several names. Of some messages ClickHouse refuses single events.
func manyShapes(messages int) (values []string, refused uint64) {
	random := rand.New(rand.NewPCG(7, 7))
	pick := func(among ...string) string { return among[random.IntN(len(among))] }
	for i := range messages {
		for n := range 1 + random.IntN(5) {
			channel := pick("sms", "viber", "email", "whatsapp")
			further := fmt.Sprintf(`,"submitted_at":"2026-11-19T10:20:0%dZ"`, random.IntN(2))
			for _, more := range []string{`,"provider":"p1"`, `,"template":"t1"`, `,"sender":"Shop"`, `,"segments":2`,
				`,"price":1.25,"currency":"RUB"`, `,"parts":3,"part":2`, `,"contact":"` + erasedNumber + `"`,
				`,"contact":"` + erasedNumber[1:] + `"`, `,"error_code":"27"`, `,"permanent":true`,
				`,"operator":"25001"`,
				`,"machine":true`, `,"billable":false`, `,"traffic":"promo"`} {
				if strings.Contains(further, `"contact"`) && strings.Contains(more, `"contact"`) {
					continue
				}
				if random.IntN(4) == 0 {
					further += more
				}
			}
			if n == 1 && i%60 == 1 {
				further += `,"campaign":"evil"`
				refused++
			}
			values = append(values, fmt.Sprintf(`{"account":%q,"message_id":"m-%d","step":%d,"channel":%q,"status":%q,`+
				`"occurred_at":"2026-11-19T10:21:%02dZ","recipient":%q%s}`, pick("acme", "other"), i, 1+random.IntN(3),
				channel,
				pick("sent", "delivered", "read", "replied", "undelivered", "failed", "skipped"), random.IntN(60),
				pick(erasedNumber, erasedNumber+"8", "user:7"), further))
		}
	}
	return values, refused
}

// Changes say what facts say, though ClickHouse refused some of the events, others came twice, and a number was erased:
// before they came, while they were being stored, and of an account that is not concerned.
func TestIngester_Run_ChangesAreFacts(t *testing.T) {
	values, refused := manyShapes(120)
	for _, erased := range []string{"before", "facts"} {
		t.Run(erased, func(t *testing.T) {
			r := newRig(t)
			if err := r.conn.Exec(t.Context(),
				"ALTER TABLE attempts ADD CONSTRAINT no_evil CHECK campaign != 'evil'"); err != nil {
				t.Fatal(err)
			}
			key, asked := r.erasureKey(), erased == "before"
			if asked {
				r.ask(key, true)
			}
			r.produce(values...)
			r.produce(values...)
			in, stop := r.start(func(c *Config, _ *Deps) {
				c.ErasureKey, c.Linger, c.Workers = key, 300*time.Millisecond, 1
				c.OnStep = func(step string) {
					if step == erased && !asked {
						asked = true
						r.ask(key, true)
					}
				}
			})
			r.watchBalance(in)
			r.drained()
			stop()
			n := 2 * uint64(len(values))
			r.expectLedger(Balance{Consumed: n, Stored: n - 2*refused, Rejected: 2 * refused})
			r.expectErased()
			if erased == "before" {
				r.expectCount(0, "SELECT count() FROM (SELECT 1 FROM changes GROUP BY batch, account, bucket, message_id "+
					"HAVING count() > 1)")
			}
			r.expectCount(0, "SELECT count() FROM changes WHERE position(state, 'evil') > 0")
			if same := r.expectChanges(); same < 50 {
				t.Errorf("changes of %d messages were compared with facts", same)
			}
		})
	}
}
