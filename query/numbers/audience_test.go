package numbers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

// audienceWord is something that is known of a subscriber.
type audienceWord struct {
	subscriber
	kind, sender, contact string // a status of recipient_events, token, code:… or read
	ms                    int64
}

// naiveAudience returns the rows of a list by the rule, said once more in Go: of subscriptions the latest word counts,
// at equal times the loss wins, and a push that failed as the app is gone is a word too. Blocks end with a sign of life
// of the sender's, complaints with a subscription.
func naiveAudience(words []audienceWord, state string) (rows []string) {
	places := map[subscriber][]audienceWord{}
	for _, w := range words {
		places[w.subscriber] = append(places[w.subscriber], w)
	}
	for place, said := range places {
		since, contact, found := int64(0), "", false
		note := func(w audienceWord) {
			since, contact, found = max(since, w.ms), max(contact, w.contact), true
		}
		if state == "blocked" || state == "complained" {
			for _, o := range said {
				if o.kind != state && (state != "blocked" || o.kind != "code:blocked_by_user") {
					continue
				}
				// The latest of a sender counts: where that has ended, so has what was before.
				ended := slices.ContainsFunc(said, func(e audienceWord) bool {
					switch {
					case state == "complained":
						return e.kind == "subscribed" && e.ms > latestOf(said, o, state)
					case !slices.Contains([]string{"subscribed", "inbound", "read"}, e.kind) ||
						e.ms <= latestOf(said, o, state):
						return false
					}
					return e.sender == "" || o.sender == "" || e.sender == o.sender
				})
				if !ended {
					note(o)
				}
			}
		} else {
			ranks := []string{"subscribed", "unsubscribed", "uninstalled"}
			best, bestMS := -1, int64(0)
			for _, w := range said {
				kind := w.kind
				if kind == "token" && place.channel == "push" {
					kind = "uninstalled"
				}
				rank := slices.Index(ranks, kind)
				if rank < 0 {
					continue
				}
				if contact = max(contact, w.contact); w.ms > bestMS || w.ms == bestMS && rank > best {
					best, bestMS = rank, w.ms
				}
			}
			since, found = bestMS, best >= 0 && ranks[best] == state
		}
		if found {
			rows = append(rows, strings.Join([]string{place.account, place.recipient, place.channel, place.app, contact,
				answer.TimeText(since)}, "\x00"))
		}
	}
	slices.Sort(rows)
	return rows
}

// latestOf is when a sender was blocked, or complained of, the last time.
func latestOf(said []audienceWord, o audienceWord, state string) (ms int64) {
	for _, w := range said {
		if w.sender == o.sender && (w.kind == state || state == "blocked" && w.kind == "code:blocked_by_user") {
			ms = max(ms, w.ms)
		}
	}
	return ms
}

// Random histories of few people.
func TestNumbers_Audience_Naive(t *testing.T) {
	conn := schematest.Conn(t)
	r := rand.New(rand.NewPCG(11, 5))
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	person := func() subscriber {
		return subscriber{pick("acme", "beta"), pick("user:", "device:", "+7900000") + fmt.Sprint(1000+r.IntN(20)),
			pick("push", "push", "viber"), pick("", "shop", "бонус")}
	}
	at := func() int64 { return querytest.Now().UnixMilli() - int64(r.IntN(40))*86_400_000 }
	var words []audienceWord
	events, err := conn.PrepareBatch(t.Context(),
		"INSERT INTO recipient_events (account, recipient, channel, app, sender, contact, status, occurred_ms)")
	if err != nil {
		t.Fatal(err)
	}
	for range 900 {
		w := audienceWord{person(), pick("subscribed", "unsubscribed", "uninstalled", "blocked", "complained",
			"inbound"), pick("", "A", "B"), pick("", "c1", "c2"), at()}
		words = append(words, w)
		for range 1 + r.IntN(2) { // twice changes nothing
			if err := events.Append(w.account, w.recipient, w.channel, w.app, w.sender, w.contact, w.kind,
				w.ms); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := events.Send(); err != nil {
		t.Fatal(err)
	}
	attempts, err := conn.PrepareBatch(t.Context(), `INSERT INTO attempts_by_recipient (account, recipient, channel, app, sender, contact, message_id, step, generation, gone, provider,
		start_ms, cohort_ms, read_ms, code, error_code, error_ms)`)
	if err != nil {
		t.Fatal(err)
	}
	replies, err := conn.PrepareBatch(t.Context(),
		"INSERT INTO replies (account, bucket, message_id, step, replied_ms)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 900 {
		w := audienceWord{subscriber: person(), sender: pick("", "A", "B"), contact: pick("", "c1", "c2")}
		start, cohort, told, id := at(), at(), at(), fmt.Sprint("m", i)
		if r.IntN(3) == 0 {
			start = schema.Never
		}
		code := []uint32{1 | 8, 1 | 8, 1 | 2, 1 | 2 | 4, 1}[r.IntN(5)]
		line := [][2]string{{"fcm", "UNREGISTERED"}, {"apns", "BadDeviceToken"}, {"fcm", "QUOTA_EXCEEDED"},
			{"own", "X1"}, {"own", "B1"}, {"own", "D1"}, {"fcm", ""}}[r.IntN(7)]
		// Half of them were something else before, and some are another's now.
		if r.IntN(2) == 0 {
			if err := attempts.Append(w.account, w.recipient, w.channel, w.app, w.sender, w.contact, id, uint8(1),
				uint64(1), uint8(0), "fcm", at(), at(), at(), uint32(15),
				"UNREGISTERED", at()); err != nil {
				t.Fatal(err)
			}
		}
		gone, read := uint8(r.IntN(4)/3), int64(schema.Never)
		if code&4 != 0 {
			read = at()
		}
		if err := attempts.Append(w.account, w.recipient, w.channel, w.app, w.sender, w.contact, id, uint8(1),
			uint64(2), gone, line[0], start, cohort, read, code, line[1], told); err != nil {
			t.Fatal(err)
		}
		say := func(kind string, ms int64) {
			if w.kind, w.ms = kind, ms; gone == 0 {
				words = append(words, w)
			}
		}
		if code&4 != 0 {
			say("read", read)
			for range r.IntN(3) { // each reply counts
				ms := at()
				say("inbound", ms)
				if err := replies.Append(w.account, time.Unix(0, 0), id, uint8(1), ms); err != nil {
					t.Fatal(err)
				}
			}
		}
		own := line[0] == "own" && w.account == "beta"
		if code&8 != 0 && (line[1] == "UNREGISTERED" || line[1] == "BadDeviceToken" || own && line[1] == "X1") {
			say("token", map[bool]int64{true: cohort, false: start}[start == schema.Never])
		}
		if own && line[1] == "B1" {
			say("code:blocked_by_user", told)
		}
	}
	if err := attempts.Send(); err != nil {
		t.Fatal(err)
	}
	if err := replies.Send(); err != nil {
		t.Fatal(err)
	}
	// An account may map codes of its own. A code that opts out unsubscribes nobody: the list of the unsubscribed is of
	// events.
	if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, "beta", "test", 1,
		[]byte(`[{"provider":"own","code":"X1","class":"app_uninstalled"},`+
			`{"provider":"own","code":"B1","class":"blocked_by_user"},{"provider":"own","code":"D1","class":"opted_out"}]`), querytest.Now()); err != nil {
		t.Fatal(err)
	}
	s := newRoom(conn)
	for _, state := range audienceStates {
		for _, c := range []struct {
			query, account string
			channel        string
			apps           []string
		}{{"", "", "", nil}, {"account=beta", "beta", "", nil}, {"app=shop", "", "", []string{"shop"}},
			{"channel=viber&account=acme", "acme", "viber", nil},
			{"account=acme&account=beta&app=&app=%D0%B1%D0%BE%D0%BD%D1%83%D1%81", "", "", []string{"", "бонус"}}} {
			var seen []audienceWord
			for _, w := range words {
				if (c.account == "" || w.account == c.account) && (c.channel == "" || w.channel == c.channel) &&
					(c.apps == nil || slices.Contains(c.apps, w.app)) {
					seen = append(seen, w)
				}
			}
			want := naiveAudience(seen, state)
			var got []string
			page := s.list(t, "audience/"+state, c.query+"&limit=97")
			for {
				for _, r := range page.Rows {
					got = append(got, fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s\x00%s", r["account"], r["recipient"],
						r["channel"], r["app"], r["contact"], r["since"]))
				}
				if page.NextCursor == nil {
					break
				}
				page = s.list(t, "audience/"+state, c.query+"&limit=97&cursor="+*page.NextCursor)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %d rows, want %d", state, c.query, len(got), len(want))
			}
			if len(want) == 0 {
				t.Errorf("%s %s: nobody", state, c.query)
			}
			all := querytest.Get(s, "/v1/audience/"+state+"?limit=all&format=ndjson&"+c.query).Body.String()
			if lines := strings.Count(all, "\n"); lines != len(want) {
				t.Errorf("%s %s: an export of %d rows", state, c.query, lines)
			}
		}
	}
	if rows, columns := querytest.ReadArrow(t,
		querytest.Get(s, "/v1/audience/subscribed?limit=3&format=arrow").Body); len(rows) != 3 ||
		columns != "account utf8, recipient utf8, contact utf8, channel utf8, app utf8, since timestamp[ms, tz=UTC]" {
		t.Errorf("arrow: %v %s", rows, columns)
	}
	cursor := *s.list(t, "audience/subscribed", "limit=1").NextCursor
	querytest.WantProblem(t, querytest.Get(s, "/v1/audience/uninstalled?cursor="+cursor), http.StatusBadRequest,
		"cursor", "another query")
	querytest.WantProblem(t, querytest.Get(s, "/v1/audience/subscribed?app=shop&cursor="+cursor), http.StatusBadRequest,
		"cursor",
		"another query")
	querytest.WantProblem(t, querytest.Get(s, "/v1/audience/subscribed?apps=shop"), http.StatusBadRequest, "apps",
		"did you mean app?")
	querytest.WantProblem(t, querytest.Get(s, "/v1/audience/subscribed?limit=all"), http.StatusBadRequest, "limit",
		"format=csv")
	querytest.WantProblem(t, querytest.Get(s, "/v1/audience/blocked?channel=pager"), http.StatusBadRequest, "channel",
		"is no channel")
}
