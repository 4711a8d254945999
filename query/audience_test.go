package query

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kaskad/schema"
)

// Random histories against the rule, said once more in Go: the latest word counts, at equal times the loss wins, and a push that failed as the
// app is gone is a word too.
func TestServer_Audience_Naive(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(11, 5))
	type word struct {
		ms   int64
		rank int
	}
	latest := map[subscriber]word{}
	say := func(who subscriber, w word) {
		if old := latest[who]; w.ms > old.ms || w.ms == old.ms && w.rank > old.rank {
			latest[who] = w
		}
	}
	person := func() subscriber {
		return subscriber{[]string{"acme", "beta"}[r.IntN(2)], []string{"user:", "device:", "+7900000"}[r.IntN(3)] + fmt.Sprint(1000+r.IntN(60)), []string{"", "shop", "бонус"}[r.IntN(3)]}
	}
	at := func() int64 { return testNow.UnixMilli() - int64(r.IntN(40))*86_400_000 }
	events, err := conn.PrepareBatch(t.Context(), "INSERT INTO recipient_events (account, recipient, app, status, channel, occurred_ms)")
	if err != nil {
		t.Fatal(err)
	}
	for range 600 {
		who, ms, rank := person(), at(), r.IntN(4)
		status := append([]string{"blocked"}, audienceStates...)[rank]
		if rank > 0 {
			say(who, word{ms, rank})
		}
		for range 1 + r.IntN(2) { // twice changes nothing
			if err := events.Append(who.account, who.recipient, who.app, status, "push", ms); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := events.Send(); err != nil {
		t.Fatal(err)
	}
	attempts, err := conn.PrepareBatch(t.Context(), "INSERT INTO attempts_by_recipient (account, recipient, app, message_id, step, generation, gone, channel, provider, start_ms, cohort_ms, code, error_code)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		who, start, cohort := person(), at(), at()
		if r.IntN(3) == 0 {
			start = schema.Never
		}
		channel := []string{"push", "push", "push", "sms"}[r.IntN(4)]
		code := []uint32{1 | 8, 1 | 8, 1 | 2, 1}[r.IntN(4)]
		line := [][2]string{{"fcm", "UNREGISTERED"}, {"apns", "BadDeviceToken"}, {"fcm", "QUOTA_EXCEEDED"}, {"own", "X1"}, {"fcm", ""}}[r.IntN(5)]
		// Half of them were something else before, and some are another's now.
		if r.IntN(2) == 0 {
			if err := attempts.Append(who.account, who.recipient, who.app, fmt.Sprint("m", i), uint8(1), uint64(1), uint8(0), "push", "fcm", at(), at(), uint32(9), "UNREGISTERED"); err != nil {
				t.Fatal(err)
			}
		}
		gone := uint8(r.IntN(4) / 3)
		if err := attempts.Append(who.account, who.recipient, who.app, fmt.Sprint("m", i), uint8(1), uint64(2), gone, channel, line[0], start, cohort, code, line[1]); err != nil {
			t.Fatal(err)
		}
		token := line[1] == "UNREGISTERED" || line[1] == "BadDeviceToken" || line[1] == "X1" && who.account == "beta"
		if gone == 0 && channel == "push" && code&8 != 0 && token {
			if start == schema.Never {
				start = cohort
			}
			say(who, word{start, 3})
		}
	}
	if err := attempts.Send(); err != nil {
		t.Fatal(err)
	}
	// An account may map codes of its own.
	if _, err := schema.InsertReference(t.Context(), conn, schema.ReferenceErrorMap, "beta", "test", 1, []byte(`[{"provider":"own","code":"X1","class":"app_uninstalled"}]`), testNow); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, conn)
	for i, state := range audienceStates {
		for _, c := range []struct {
			query, account string
			apps           []string
		}{{"", "", nil}, {"account=beta", "beta", nil}, {"app=shop", "", []string{"shop"}}, {"account=acme&account=beta&app=&app=%D0%B1%D0%BE%D0%BD%D1%83%D1%81", "", []string{"", "бонус"}}} {
			var want []string
			for who, w := range latest {
				if w.rank == i+1 && (c.account == "" || who.account == c.account) && (c.apps == nil || slices.Contains(c.apps, who.app)) {
					want = append(want, fmt.Sprintf("%s\x00%s\x00%s\x00%s", who.account, who.recipient, who.app, timeText(w.ms)))
				}
			}
			slices.Sort(want)
			var got []string
			page := numbers(t, s, "audience/"+state, c.query+"&limit=7")
			for {
				for _, r := range page.Rows {
					got = append(got, fmt.Sprintf("%s\x00%s\x00%s\x00%s", r["account"], r["recipient"], r["app"], r["since"]))
				}
				if page.NextCursor == nil {
					break
				}
				page = numbers(t, s, "audience/"+state, c.query+"&limit=7&cursor="+*page.NextCursor)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %d rows, want %d", state, c.query, len(got), len(want))
			}
			if len(want) == 0 {
				t.Errorf("%s %s: nobody", state, c.query)
			}
			if all := get(s, "/v1/audience/"+state+"?limit=all&format=ndjson&"+c.query); strings.Count(all.Body.String(), "\n") != len(want) {
				t.Errorf("%s %s: an export of %d rows", state, c.query, strings.Count(all.Body.String(), "\n"))
			}
		}
	}
	if rows, columns := readArrow(t, get(s, "/v1/audience/subscribed?limit=3&format=arrow").Body); len(rows) != 3 || columns != "account utf8, recipient utf8, app utf8, since timestamp[ms, tz=UTC]" {
		t.Errorf("arrow: %v %s", rows, columns)
	}
	cursor := *numbers(t, s, "audience/subscribed", "limit=1").NextCursor
	wantProblem(t, get(s, "/v1/audience/uninstalled?cursor="+cursor), http.StatusBadRequest, "cursor", "another query")
	wantProblem(t, get(s, "/v1/audience/subscribed?app=shop&cursor="+cursor), http.StatusBadRequest, "cursor", "another query")
	wantProblem(t, get(s, "/v1/audience/subscribed?apps=shop"), http.StatusBadRequest, "apps", "did you mean app?")
	wantProblem(t, get(s, "/v1/audience/subscribed?limit=all"), http.StatusBadRequest, "limit", "format=csv")
	wantProblem(t, get(s, "/v1/audience/blocked"), http.StatusNotFound, "")
}
