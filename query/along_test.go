package query

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
)

// countingAlong counts the statements about cells of several accounts.
type countingAlong struct {
	driver.Conn
	mu    sync.Mutex
	along map[string]int
	cells atomic.Int64
}

func (c *countingAlong) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	for _, table := range changingTables {
		if !strings.Contains(statement, "FROM "+table+" ") {
			continue
		}
		c.cells.Add(1)
		for _, arg := range args {
			named, _ := arg.(driver.NamedValue)
			if accounts, _ := named.Value.([]string); named.Name == "filter_account" && len(accounts) > 1 {
				c.mu.Lock()
				c.along[table]++
				c.mu.Unlock()
			}
		}
	}
	return c.Conn.Query(ctx, statement, args...)
}

var alongAccounts = []string{"acme", "z", "центр"}

// alongPaths are asked of each account. The first has a monthly minimum.
var alongPaths = []string{"channels?group_by=channel", "channels?group_by=day,campaign&channel=sms&channel=viber",
	"channels?group_by=account", "latency?group_by=channel&le=60", "spend?group_by=campaign",
	"spend?group_by=account,channel", "savings?group_by=campaign", "savings?group_by=account,path",
	"savings?from=2026-10-01&to=2026-11-01&group_by=sender"}

// Who asks first after an edition has what was remembered of other accounts moved, too, and each has the figures of a
// server that remembers nothing, whoever was first and whether they asked at once, in any world of
// TestServer_Reports_Changing. Price lists change as well, of one account or another, and a number is erased.
func TestServer_Reports_Along(t *testing.T) {
	editions := uint64(enginetest.World(t, 4, 8, 8))
	for seed := range enginetest.World(t, 1, 2, 40) {
		t.Run(fmt.Sprint("world ", seed), func(t *testing.T) {
			w := newChangingWorld(t, uint64(100+seed))
			counting := &countingAlong{Conn: w.conn, along: map[string]int{}}
			erasureKey := newErasureKey(t)
			w.old = newServer(t, counting, w.clock, func(c *Config, _ *Deps) { c.ErasureKey = erasureKey })
			w.putSplit("z", 1)
			for edition := uint64(1); edition <= editions; edition++ {
				w.change(edition)
				w.askAlong(edition)
				switch w.random.IntN(4) {
				case 0:
					w.putSplit(alongAccounts[w.random.IntN(3)], edition)
				case 1: // a number
					rw := call(w.old, http.MethodDelete, "/v1/numbers/%2B79001234567?account=z", nil)
					if rw.Code != http.StatusOK {
						t.Fatal(rw.Body)
					}
				}
				if t.Failed() {
					return
				}
				w.goOn()
			}
			for _, table := range []string{"rollup_attempts", "rollup_cascades", "rollup_spend"} {
				if counting.along[table] == 0 {
					t.Errorf("%s: the days of no account moved with those of others", table)
				}
			}
		})
	}
}

// putSplit puts prices of an account that change within a day, which is another one for each. The first has a monthly
// minimum.
func (w *changingWorld) putSplit(account string, price uint64) {
	w.t.Helper()
	var more []string
	if account == alongAccounts[0] {
		more = []string{"monthly_minimum", "100"}
	}
	at := w.now.Truncate(time.Hour).AddDate(0, 0, -3-slices.Index(alongAccounts, account)).Format(time.RFC3339)
	querytest.PutTariffs(w.t, w.conn, account,
		querytest.TariffRow("sms", "per_message_sent", fmt.Sprint(price), append(more, "valid_to", at)...),
		querytest.TariffRow("sms", "per_message_sent", fmt.Sprint(price+1), append(more, "valid_from", at)...),
		querytest.TariffRow("viber", "per_message_delivered", "2"))
}

// askAlong asks for each account, at once or one after the other.
func (w *changingWorld) askAlong(edition uint64) {
	w.t.Helper()
	fresh := newServer(w.t, w.conn, w.clock)
	w.old.db.Forget() // else who asks while others are answered may be shown what was published shortly before
	for i, path := range alongPaths {
		accounts := slices.Clone(alongAccounts)
		w.random.Shuffle(len(accounts), func(i, j int) { accounts[i], accounts[j] = accounts[j], accounts[i] })
		// All after every other edition, for upkeep may have removed what came before the last one, else one or none.
		if (uint64(i)+edition)%2 > 0 {
			accounts = accounts[:w.random.IntN(2)]
		}
		at := func(account string) string { return "/v1/reports/" + path + "&account=" + account }
		got := make([]*httptest.ResponseRecorder, len(accounts))
		var asking sync.WaitGroup
		for i, account := range accounts {
			asking.Go(func() { got[i] = get(w.old, at(account)) })
			if edition%2 == 0 {
				asking.Wait()
			}
		}
		asking.Wait()
		for i, account := range accounts {
			var own, want querytest.Report
			decode(w.t, got[i], http.StatusOK, &own)
			decode(w.t, get(fresh, at(account)), http.StatusOK, &want)
			w.same(fmt.Sprintf("edition %d, %s", edition, at(account)), own, want)
		}
	}
}

// One statement moves what three accounts have, and those who ask next need none. What is remembered of another edition
// does not move along.
func TestServer_Reports_Along_Once(t *testing.T) {
	w := newChangingWorld(t, 1)
	querytest.PutTariffs(t, w.conn, "acme", querytest.TariffRow("sms", "per_message_sent", "3"))
	var prices []string // of the second account they change at noon
	for day := range 40 {
		noon := w.now.Truncate(24*time.Hour).AddDate(0, 0, -day).Add(12 * time.Hour)
		prices = append(prices, querytest.TariffRow("sms", "per_message_sent", fmt.Sprint(1+day), "valid_from",
			noon.Format(time.RFC3339), "valid_to", noon.AddDate(0, 0, 1).Format(time.RFC3339)))
	}
	querytest.PutTariffs(t, w.conn, "z", prices...)
	w.add(1)
	querytest.Publish(t, w.conn, 1)
	period := "&from=" + w.now.AddDate(0, 0, -80).Format(time.DateOnly) + "&to=" + w.now.Format(time.DateOnly)
	w.now = w.now.AddDate(0, 3, 0) // nothing settles any more
	conn := &countingAlong{Conn: w.conn, along: map[string]int{}}
	s := newServer(t, conn, w.clock)
	ask := func(path string, accounts ...string) (read []int64) {
		for _, account := range accounts {
			before, path := conn.cells.Load(), "/v1/reports/"+path+period+"&account="+account
			var got, want querytest.Report
			decode(t, get(s, path), http.StatusOK, &got)
			read = append(read, conn.cells.Load()-before)
			decode(t, get(newServer(t, w.conn, w.clock), path), http.StatusOK, &want)
			w.same(path, got, want)
		}
		return read
	}
	change := func(edition uint64, condition string) {
		for _, table := range changingTables {
			// Nothing is taken away twice.
			querytest.Change(t, w.conn, table, edition,
				fmt.Sprintf("edition = 1 AND cityHash64(cohort) %% 3 = %d AND %s",
					edition-2, condition), "moved")
		}
	}
	paths := []string{"channels?group_by=channel", "spend?group_by=campaign", "savings?group_by=campaign"}
	for _, path := range paths {
		ask(path, alongAccounts...)
	}
	change(2, "true")
	querytest.Publish(t, w.conn, 2)
	for _, path := range paths {
		if read := ask(path, alongAccounts...); !slices.Equal(read, []int64{1, 0, 0}) {
			t.Errorf("%s: %d statements, want one for all", path, read)
		}
	}
	// Of the first account nothing changes: what is remembered of it is of the third edition now, or its answer is
	// remembered.
	change(3, "account != 'acme'")
	querytest.Publish(t, w.conn, 3)
	for _, path := range paths {
		ask(path, alongAccounts[0])
	}
	change(4, "true")
	querytest.Publish(t, w.conn, 4)
	for _, path := range paths {
		want := []int64{1, 1, 0}
		if path == paths[2] {
			want[1] = 0
		}
		if read := ask(path, alongAccounts...); !slices.Equal(read, want) {
			t.Errorf("%s: %d statements, want %d", path, read, want)
		}
	}
}
