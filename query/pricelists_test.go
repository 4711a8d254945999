package query

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
	"kaskad/schema"
)

// putTariffs stores an account's price list and returns its version.
func putTariffs(tb testing.TB, conn driver.Conn, account string, rows ...string) uint64 {
	tb.Helper()
	return putPrices(tb, conn, schema.ReferenceTariffs, account, rows)
}

func putPrices(tb testing.TB, conn driver.Conn, kind, account string, rows []string) uint64 {
	tb.Helper()
	body := "["
	for i, r := range rows {
		if i > 0 {
			body += ","
		}
		body += r
	}
	version, err := schema.InsertReference(tb.Context(), conn, kind, account, "test", len(rows), []byte(body+"]"),
		testNow)
	if err != nil {
		tb.Fatal(err)
	}
	return version
}

// tariffRow is a row that prices a channel from 2026 on.
func tariffRow(channel, billing, price string, more ...string) string {
	row := fmt.Sprintf(`"channel":%q,"billing":%q,"price":%q,"currency":"RUB"`, channel, billing, price)
	for i := 0; i+1 < len(more); i += 2 {
		row += fmt.Sprintf(",%q:%q", more[i], more[i+1])
	}
	if !slices.Contains(more, "valid_from") {
		row += `,"valid_from":"2026-01-01T00:00:00Z"`
	}
	return "{" + row + "}"
}

func areOf(l *priceLists, tariffs, templates uint64) bool {
	return l.versions.Tariffs == tariffs && l.versions.Templates == templates
}

// Two writers are given one version, both rows are read, and one is taken back: from then on prices are those of the
// row that stays, or of the version before, also in answers that are remembered under the same version; and a cursor of
// the old prices has no next page.
func TestServer_PriceLists_TakenBack(t *testing.T) {
	for name, keeps := range map[string]struct{ account, price string }{"the same account": {"a", "7.00"},
		"another account": {"b", "1.00"}} {
		t.Run(name, func(t *testing.T) {
			conn := newConn(t)
			s := newServer(t, conn)
			var cascades []cascade
			for _, campaign := range []string{"1", "2"} {
				cascades = append(cascades,
					cascade{account: "a", campaign: campaign, cohortMS: testNow.Add(-48 * time.Hour).UnixMilli(),
						generation: 1,
						shape:      money.Shape{SMSSegments: 1, Legs: []money.Leg{{Channel: "sms", Sent: true}}}})
			}
			insertCascades(t, conn, cascades)
			putTariffs(t, conn, "a", tariffRow("sms", "per_message_sent", "1"))
			put := func(account, id, price string) {
				if err := conn.Exec(t.Context(),
					"INSERT INTO reference (kind, account, version, id, at_ms, `by`, rows, body) VALUES ('tariffs', "+
						"?, 2, ?, 0, 'test', 1, ?)",
					account, id, "["+tariffRow("sms", "per_message_sent", price)+"]"); err != nil {
					t.Fatal(err)
				}
			}
			// Of rows with one version the one with the greatest id is read.
			const stays, goes = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000009"
			put(keeps.account, stays, "7")
			put("a", goes, "9")
			const query = "from=2026-11-01&group_by=campaign"
			want := func(what, price string) savingsReply {
				t.Helper()
				answer := savingsReport(t, s, query+"&limit=1")
				if got := answer.Rows[0]["actual_cost"]; got != price || answer.TariffVersion != 2 {
					t.Errorf("%s: %v at version %d, want %s at 2", what, got, answer.TariffVersion, price)
				}
				return answer
			}
			old := want("both rows", "9.00")
			execute(t, conn, "DELETE FROM reference WHERE id = '"+goes+"'")
			for _, server := range []*Server{s, newServer(t, conn)} {
				s = server
				next := query + "&limit=1&cursor="
				now := want("one row taken back", keeps.price)
				if page := savingsReport(t, s, next+*now.NextCursor); page.Rows[0]["actual_cost"] != keeps.price {
					t.Errorf("second page: %v", page.Rows)
				}
			}
			// This server has never seen the row that went.
			wantProblem(t, get(s, "/v1/reports/savings?"+query+"&limit=1&cursor="+*old.NextCursor),
				http.StatusBadRequest, "cursor", "taken back")
		})
	}
}

func TestServer_PriceLists_Versions(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	sms := &money.Leg{Channel: "sms", Sent: true}
	at := testNow.UnixMilli()
	lists := func(accounts []string, pinned *PriceVersions) *priceLists {
		t.Helper()
		l, err := s.prices.Lists(t.Context(), accounts, pinned)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	price := func(l *priceLists, account string) int64 {
		if tariff := l.of(account).TariffAt(sms, at); tariff != nil {
			return tariff.Price
		}
		return -1
	}
	none := lists(nil, nil)
	if none.versions != (PriceVersions{}) || price(none, "a") != -1 {
		t.Errorf("before any list: %+v", none.versions)
	}
	v1 := putTariffs(t, conn, "a", tariffRow("sms", "per_segment_sent", "1"))
	v2 := putTariffs(t, conn, "b", tariffRow("sms", "per_segment_sent", "2"))
	m1 := putPrices(t, conn, schema.ReferenceTemplates, "a",
		[]string{`{"template":"otp","sms_segments":3,"valid_from":"2026-06-01T00:00:00Z"}`})
	both, onlyA, onlyB, other := lists(nil, nil), lists([]string{"a"}, nil), lists([]string{"b"}, nil),
		lists([]string{"c"}, nil)
	var newest *priceLists
	if !areOf(both, v2, m1) || !areOf(onlyA, v1, m1) || other.versions != (PriceVersions{}) {
		t.Errorf("versions %+v, of a %+v, of c %+v", both.versions, onlyA.versions, other.versions)
	}
	if price(both, "a") != 1e6 || price(both, "b") != 2e6 || price(both, "c") != -1 ||
		both.of("a").TemplateSegments("otp", at) != 3 {
		t.Errorf("prices %d %d %d", price(both, "a"), price(both, "b"), price(both, "c"))
	}
	if got := both.borders(nil); !slices.Equal(got, []uint32{1767225600, 1780272000}) {
		t.Errorf("borders %v", got)
	}
	if got := both.borders([]string{"b"}); !slices.Equal(got, []uint32{1767225600}) {
		t.Errorf("borders of b %v", got)
	}

	// A cursor keeps its prices, of every account that it speaks of, whatever is put meanwhile; also in a process that
	// never saw them.
	v3 := putTariffs(t, conn, "a", tariffRow("sms", "per_segment_sent", "10"))
	for _, server := range []*Server{s, newServer(t, conn)} {
		s = server
		if newest = lists(nil, nil); !areOf(newest, v3, m1) || price(newest, "a") != 10e6 {
			t.Errorf("newest: %+v %d", newest.versions, price(newest, "a"))
		}
		for name, c := range map[string]struct {
			accounts []string
			pinned   PriceVersions
			a        int64
		}{
			"none":    {nil, none.versions, -1},
			"both":    {nil, both.versions, 1e6},
			"a alone": {[]string{"a"}, onlyA.versions, 1e6},
			"newest":  {nil, newest.versions, 10e6},
		} {
			if l := lists(c.accounts, &c.pinned); l.versions != c.pinned || price(l, "a") != c.a {
				t.Errorf("pinned %s: %+v, %d, want %+v, %d", name, l.versions, price(l, "a"), c.pinned, c.a)
			}
		}
		// b's list did not change, so what its cursor points to is the newest.
		if l := lists([]string{"b"}, &onlyB.versions); l.snapshot.asOf.Tariffs == v1 || price(l, "b") != 2e6 {
			t.Errorf("pinned b: %+v", l.snapshot.asOf)
		}
		if n := len(s.prices.snapshots); n > keptSnapshots {
			t.Errorf("%d snapshots are kept", n)
		}
	}
	before := lists(nil, nil)
	putTariffs(t, conn, "a", tariffRow("sms", "per_segment_sent", "11"))
	after := lists(nil, nil)
	if again := lists(nil, nil); again.snapshot != after.snapshot {
		t.Error("lists that have not changed were read again: is a list's number another one in SQL?")
	}
	if before.of("b") != after.of("b") || before.of("a") == after.of("a") {
		t.Error("lists are to be compiled again exactly when they have changed")
	}
	putPrices(t, conn, schema.ReferenceTariffs, "bad", []string{`{"channel":"pigeon"}`})
	if _, err := s.prices.Lists(t.Context(), nil, nil); err == nil {
		t.Error("a list that cannot be read prices nothing, silently")
	}
}

// A list that cannot be read, as one of an older program may be, fails the reports that need it, and nobody else's.
func TestServer_PriceLists_OneBroken(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	putTariffs(t, conn, "sound", tariffRow("sms", "per_segment_sent", "2.00"))
	putTariffs(t, conn, "broken", `{"channel":"pigeon"}`)
	for range 2 { // The second time from the cache.
		if _, err := s.prices.Lists(t.Context(), []string{"sound"}, nil); err != nil {
			t.Errorf("another account's list fails this one: %v", err)
		}
		for _, accounts := range [][]string{{"broken"}, {"sound", "broken"}, nil} {
			if _, err := s.prices.Lists(t.Context(), accounts, nil); err == nil ||
				!strings.Contains(err.Error(), `"broken"`) {
				t.Errorf("accounts %v: error %v, want one that names the account", accounts, err)
			}
		}
	}
}
