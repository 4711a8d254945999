package prices

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

// listNow is the clock of these tests.
var listNow = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func testDB(conn driver.Conn) *store.DB {
	return &store.DB{Conn: conn, Now: func() time.Time { return listNow }, QueryTime: time.Minute}
}

// storeList stores an account's price list and returns its version.
func storeList(tb testing.TB, conn driver.Conn, account string, rows ...string) uint64 {
	tb.Helper()
	return storeKind(tb, conn, schema.ReferenceTariffs, account, rows)
}

func storeKind(tb testing.TB, conn driver.Conn, kind, account string, rows []string) uint64 {
	tb.Helper()
	body := "["
	for i, r := range rows {
		if i > 0 {
			body += ","
		}
		body += r
	}
	version, err := schema.InsertReference(tb.Context(), conn, kind, account, "test", len(rows), []byte(body+"]"),
		listNow)
	if err != nil {
		tb.Fatal(err)
	}
	return version
}

// listRow is a row that prices a channel from 2026 on.
func listRow(channel, billing, price string, more ...string) string {
	row := fmt.Sprintf(`"channel":%q,"billing":%q,"price":%q,"currency":"RUB"`, channel, billing, price)
	for i := 0; i+1 < len(more); i += 2 {
		row += fmt.Sprintf(",%q:%q", more[i], more[i+1])
	}
	if !slices.Contains(more, "valid_from") {
		row += `,"valid_from":"2026-01-01T00:00:00Z"`
	}
	return "{" + row + "}"
}

func areOf(l *Lists, tariffs, templates uint64) bool {
	return l.Versions.Tariffs == tariffs && l.Versions.Templates == templates
}

func TestCache_Lists_Versions(t *testing.T) {
	conn := schematest.Conn(t)
	cache := NewCache(testDB(conn))
	sms := &money.Step{Channel: "sms", Sent: true}
	at := listNow.UnixMilli()
	lists := func(accounts []string, pinned *answer.PriceVersions) *Lists {
		t.Helper()
		l, err := cache.Lists(t.Context(), accounts, pinned)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	price := func(l *Lists, account string) int64 {
		if tariff := l.Of(account).TariffAt(sms, at); tariff != nil {
			return tariff.Price
		}
		return -1
	}
	none := lists(nil, nil)
	if none.Versions != (answer.PriceVersions{}) || price(none, "a") != -1 {
		t.Errorf("before any list: %+v", none.Versions)
	}
	v1 := storeList(t, conn, "a", listRow("sms", "per_segment_sent", "1"))
	v2 := storeList(t, conn, "b", listRow("sms", "per_segment_sent", "2"))
	m1 := storeKind(t, conn, schema.ReferenceTemplates, "a",
		[]string{`{"template":"otp","sms_segments":3,"valid_from":"2026-06-01T00:00:00Z"}`})
	both, onlyA, onlyB, other := lists(nil, nil), lists([]string{"a"}, nil), lists([]string{"b"}, nil),
		lists([]string{"c"}, nil)
	var newest *Lists
	if !areOf(both, v2, m1) || !areOf(onlyA, v1, m1) || other.Versions != (answer.PriceVersions{}) {
		t.Errorf("versions %+v, of a %+v, of c %+v", both.Versions, onlyA.Versions, other.Versions)
	}
	if price(both, "a") != 1e6 || price(both, "b") != 2e6 || price(both, "c") != -1 ||
		both.Of("a").TemplateSegments("otp", at) != 3 {
		t.Errorf("prices %d %d %d", price(both, "a"), price(both, "b"), price(both, "c"))
	}
	if got := both.Borders(nil); !slices.Equal(got, []uint32{1767225600, 1780272000}) {
		t.Errorf("borders %v", got)
	}
	if got := both.Borders([]string{"b"}); !slices.Equal(got, []uint32{1767225600}) {
		t.Errorf("borders of b %v", got)
	}

	// A cursor keeps its prices, of every account that it speaks of, whatever is put meanwhile; also in a process that
	// never saw them.
	v3 := storeList(t, conn, "a", listRow("sms", "per_segment_sent", "10"))
	for _, known := range []*Cache{cache, NewCache(testDB(conn))} {
		cache = known
		if newest = lists(nil, nil); !areOf(newest, v3, m1) || price(newest, "a") != 10e6 {
			t.Errorf("newest: %+v %d", newest.Versions, price(newest, "a"))
		}
		for name, c := range map[string]struct {
			accounts []string
			pinned   answer.PriceVersions
			a        int64
		}{
			"none":    {nil, none.Versions, -1},
			"both":    {nil, both.Versions, 1e6},
			"a alone": {[]string{"a"}, onlyA.Versions, 1e6},
			"newest":  {nil, newest.Versions, 10e6},
		} {
			if l := lists(c.accounts, &c.pinned); l.Versions != c.pinned || price(l, "a") != c.a {
				t.Errorf("pinned %s: %+v, %d, want %+v, %d", name, l.Versions, price(l, "a"), c.pinned, c.a)
			}
		}
		// b's list did not change, so what its cursor points to is the newest.
		if l := lists([]string{"b"}, &onlyB.Versions); l.snapshot.asOf.Tariffs == v1 || price(l, "b") != 2e6 {
			t.Errorf("pinned b: %+v", l.snapshot.asOf)
		}
		if n := len(cache.snapshots); n > keptSnapshots {
			t.Errorf("%d snapshots are kept", n)
		}
	}
	before := lists(nil, nil)
	storeList(t, conn, "a", listRow("sms", "per_segment_sent", "11"))
	after := lists(nil, nil)
	if again := lists(nil, nil); again.snapshot != after.snapshot {
		t.Error("lists that have not changed were read again: is a list's number another one in SQL?")
	}
	if before.Of("b") != after.Of("b") || before.Of("a") == after.Of("a") {
		t.Error("lists are to be compiled again exactly when they have changed")
	}
	storeList(t, conn, "bad", `{"channel":"pigeon"}`)
	if _, err := cache.Lists(t.Context(), nil, nil); err == nil {
		t.Error("a list that cannot be read prices nothing, silently")
	}
}

// A list that cannot be read, as one of an older program may be, fails the reports that need it, and nobody else's.
func TestCache_Lists_OneBroken(t *testing.T) {
	conn := schematest.Conn(t)
	cache := NewCache(testDB(conn))
	storeList(t, conn, "sound", listRow("sms", "per_segment_sent", "2.00"))
	storeList(t, conn, "broken", `{"channel":"pigeon"}`)
	for range 2 { // The second time from the cache.
		if _, err := cache.Lists(t.Context(), []string{"sound"}, nil); err != nil {
			t.Errorf("another account's list fails this one: %v", err)
		}
		for _, accounts := range [][]string{{"broken"}, {"sound", "broken"}, nil} {
			if _, err := cache.Lists(t.Context(), accounts, nil); err == nil ||
				!strings.Contains(err.Error(), `"broken"`) {
				t.Errorf("accounts %v: error %v, want one that names the account", accounts, err)
			}
		}
	}
}

func TestMain(m *testing.M) { enginetest.Main(m) }
