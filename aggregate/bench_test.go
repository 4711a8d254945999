package aggregate

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// benchSQL writes the folded attempts of a day of cascades: push, Viber, WhatsApp, VK, Telegram and SMS first, SMS
// where the first one failed.
//
//go:embed testdata/bench.sql
var benchSQL string

// BenchmarkAggregator_Pass measures a pass over a day of one account, whose parts ClickHouse has merged, and how long
// each statement takes. BENCH_MESSAGES sets the size.
func BenchmarkAggregator_Pass(b *testing.B) {
	messages := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("BENCH_MESSAGES")); err == nil {
		messages = n
	}
	conn := connect(b)
	ctx := clickhouse.Context(b.Context(),
		clickhouse.WithParameters(clickhouse.Parameters{"messages": strconv.Itoa(messages)}))
	for _, statement := range []string{benchSQL, "OPTIMIZE TABLE attempts FINAL"} {
		if err := conn.Exec(ctx, statement); err != nil {
			b.Fatal(err)
		}
	}
	if err := conn.Exec(b.Context(), "INSERT INTO generations (account, bucket) SELECT DISTINCT account, bucket FROM "+
		"attempts"); err != nil {
		b.Fatal(err)
	}
	benchPass(b, conn, messages, func() { touchAll(b, conn) })
}

// BenchmarkAggregator_Pass_OneMessage measures what a pass costs at least.
func BenchmarkAggregator_Pass_OneMessage(b *testing.B) {
	conn := connect(b)
	at := noon.Add(-2 * time.Hour)
	n := 0
	benchPass(b, conn, 1, func() {
		n++
		// Its id tells when it was submitted.
		load(b, conn, "t", []byte(line("019aa0f3-6800-7cc3-98c4-dc0c0c07398f", "delivered",
			at.Add(-time.Duration(n)*time.Millisecond), submitted(at)...)), noon)
	})
}

// BenchmarkAggregator_Pass_Changes measures passes over messages that are spread over 30 days of hours of 10 accounts,
// and that receipts change one after the other: the time of processors in Go and in ClickHouse per message.
// BENCH_MESSAGES sets how many there are.
func BenchmarkAggregator_Pass_Changes(b *testing.B) {
	stored, changed := 200_000, 20_000
	if n, err := strconv.Atoi(os.Getenv("BENCH_MESSAGES")); err == nil {
		stored = n
	}
	conn := connect(b)
	a := newAggregator(conn, noon)
	write := func(from, to int, status string, after time.Duration) {
		for from < to {
			var lines bytes.Buffer
			for end := min(to, from+20_000); from < end; from++ {
				at := noon.Add(-time.Duration(1+from%720) * time.Hour).Add(time.Duration(from%3600) * time.Second)
				ms := fmt.Sprintf("%012x", at.UnixMilli())
				fmt.Fprintf(&lines, `{"account":"a%d","message_id":"%s-%s-7000-8000-%012x","channel":"sms","provider":"p%d",`+
					`"campaign":"c%d","recipient":"+7900%07d","status":%q,"occurred_at":%q,"submitted_at":%q}`+"\n",
					from%10,
					ms[:8], ms[8:], from, from%3, from%50, from, status, at.Add(after).Format(time.RFC3339Nano),
					at.Format(time.RFC3339Nano))
			}
			load(b, conn, "t", lines.Bytes(), noon)
		}
	}
	write(0, stored, "sent", time.Second)
	settle(b, a)
	var inGo, inServer, took time.Duration
	rounds := 0
	for b.Loop() {
		b.StopTimer()
		from := rounds * changed % stored
		write(from, min(stored, from+changed), []string{"delivered", "read", "clicked"}[rounds*changed/stored%3],
			time.Minute)
		rounds++
		b.StartTimer()
		goBefore, serverBefore, began := processorTime(), serverTime(b, conn), time.Now()
		settle(b, a)
		took += time.Since(began)
		inGo, inServer = inGo+processorTime()-goBefore, inServer+serverTime(b, conn)-serverBefore
	}
	n := float64(rounds * changed)
	b.ReportMetric(float64(inGo.Microseconds())/n, "go-us/message")
	b.ReportMetric(float64(inServer.Microseconds())/n, "server-us/message")
	b.ReportMetric(n/took.Seconds(), "messages/s")
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func serverTime(b *testing.B, conn driver.Conn) time.Duration {
	b.Helper()
	var us uint64
	if err := conn.QueryRow(b.Context(), "SELECT sum(value) FROM system.events WHERE event IN "+
		"('OSCPUVirtualTimeMicroseconds')").Scan(&us); err != nil {
		b.Fatal(err)
	}
	return time.Duration(us) * time.Microsecond
}

// benchPass measures passes, each after something was changed.
func benchPass(b *testing.B, conn driver.Conn, messages int, change func()) {
	b.Helper()
	timed := &timedConn{Conn: conn, took: map[string]time.Duration{}}
	a := newAggregator(timed, noon)
	if err := a.prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	a.prepared = true
	clear(timed.took)
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		change()
		b.StartTimer()
		began := time.Now()
		settle(b, a)
		took += time.Since(began)
	}
	b.ReportMetric(float64(messages*b.N)/took.Seconds(), "messages/s")
	for name, took := range timed.took {
		b.ReportMetric(float64(took.Milliseconds())/float64(b.N), name+"-ms")
	}
}

// timedConn adds up the time of statements by their file, and that of other rooms.
type timedConn struct {
	driver.Conn
	took map[string]time.Duration
}

func (c *timedConn) Exec(ctx context.Context, query string, args ...any) error {
	began := time.Now()
	defer func() {
		names, _ := fs.Glob(files, "sql/*.sql")
		at := slices.IndexFunc(names, func(name string) bool {
			return statement(strings.TrimSuffix(path.Base(name), ".sql")) == query
		})
		if at < 0 {
			c.took["elsewhere"] += time.Since(began)
			return
		}
		c.took[strings.TrimSuffix(path.Base(names[at]), ".sql")] += time.Since(began)
	}()
	if err := c.Conn.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	return nil
}

// BenchmarkNumbers decides all numbers of an account: once from nothing, so that every verdict is written, and once
// more when nothing has changed, as after a change of the error map. BENCH_NUMBERS sets how many there are.
func BenchmarkNumbers(b *testing.B) {
	want := uint64(500_000)
	if n, err := strconv.ParseUint(os.Getenv("BENCH_NUMBERS"), 10, 64); err == nil {
		want = n
	}
	text, err := os.ReadFile("testdata/bench_numbers.sql")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		conn := connect(b)
		if err := conn.Exec(clickhouse.Context(b.Context(),
			clickhouse.WithParameters(clickhouse.Parameters{"numbers": fmt.Sprint(want)}),
			clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0})), string(text)); err != nil {
			b.Fatal(err)
		}
		a := newAggregator(conn, noon)
		for i, what := range []string{"first", "unchanged"} {
			if err := conn.Exec(b.Context(), "INSERT INTO numbers_touched VALUES ($1, 'bench', '')", i+1); err != nil {
				b.Fatal(err)
			}
			a.ready.Store(uint64(i + 1))
			if err := a.verdicts.TakeOver(b.Context()); err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			looked, err := a.verdicts.Round(b.Context())
			if err != nil || uint64(looked) != want {
				b.Fatalf("looked at %d numbers, %v", looked, err)
			}
			b.ReportMetric(float64(looked)/time.Since(began).Seconds(), what+"-numbers/s")
		}
		b.ReportMetric(0, "ns/op")
	}
}
