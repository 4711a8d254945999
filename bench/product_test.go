package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine"
	"kaskad/ingest"
)

// programEnv names a program to measure in place of the one that is built from this tree.
const programEnv = "BENCH_PROGRAM"

// product is `kaskad run` with everything embedded, on a directory of its own. Benchmarks reach it as its users do,
// and its ClickHouse to fill it with facts.
type product struct {
	b                     testing.TB
	program, dir, address string
	args                  []string
	pid                   int // of kaskad run
	running               []*running
	log                   *os.File
	conn                  driver.Conn
	producer              *ingest.Producer
	load                  float64
}

// startProduct builds the program, starts it and waits until it is ready.
func startProduct(b testing.TB, args ...string) *product {
	b.Helper()
	p := newProduct(b, args...)
	p.start()
	return p
}

// newProduct builds the program for an empty directory; start starts it.
func newProduct(b testing.TB, args ...string) *product {
	b.Helper()
	p := &product{b: b, program: os.Getenv(programEnv), dir: b.TempDir(), args: args, load: LoadAverage()}
	if p.program == "" {
		p.program = filepath.Join(b.TempDir(), "kaskad")
		if out, err := exec.Command("go", "build", "-o", p.program, "../cmd/kaskad").CombinedOutput(); err != nil {
			b.Fatalf("build the program: %v\n%s", err, out)
		}
	}
	var err error
	if p.log, err = os.Create(filepath.Join(b.TempDir(), "log")); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		p.stop()
		p.log.Close()
		if text, err := os.ReadFile(p.log.Name()); err == nil && b.Failed() {
			b.Logf("the end of the program's log:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return p
}

// start starts the program on its directory, for the first time or again.
func (p *product) start() {
	p.b.Helper()
	p.address = freeAddress()
	p.pid = p.launch(exec.Command(p.program, append([]string{"run", "--data", p.dir, "--listen", p.address, "--auth",
		"off", "--log-level", "warn"}, p.args...)...))
	var at struct {
		Clickhouse string
		Kafka      []string
		PID        int
	}
	p.await("the program to be ready", 5*time.Minute, 20*time.Millisecond, func() bool {
		if _, _, err := p.call(p.b.Context(), http.MethodGet, "/readyz", "", nil); err != nil {
			return false
		}
		text, err := os.ReadFile(filepath.Join(p.dir, "running.json"))
		return err == nil && json.Unmarshal(text, &at) == nil && at.PID == p.pid
	})
	options, err := clickhouse.ParseDSN(at.Clickhouse)
	if err != nil {
		p.b.Fatal(err)
	}
	options.ReadTimeout = time.Hour // a fill is one statement
	if p.conn, err = clickhouse.Open(options); err != nil {
		p.b.Fatal(err)
	}
	if p.producer, err = ingest.NewProducer(ingest.ProducerConfig{Brokers: at.Kafka}); err != nil {
		p.b.Fatal(err)
	}
}

// stop ends the program as Ctrl-C does.
func (p *product) stop() {
	if p.conn != nil {
		p.conn.Close()
	}
	if p.producer != nil {
		p.producer.Close()
	}
	p.conn, p.producer = nil, nil
	for _, r := range p.running {
		_ = r.cmd.Process.Signal(os.Interrupt)
	}
	for _, r := range p.running {
		select {
		case <-r.ended:
		case <-time.After(time.Minute):
			p.b.Error("the program does not end after Ctrl-C")
			_ = r.cmd.Process.Kill()
			<-r.ended
		}
	}
	p.running = nil
}

// running is a process of the program.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// launch starts a process of the program, which stop ends, and returns its id. It dies with the benchmark, too.
func (p *product) launch(cmd *exec.Cmd) int {
	p.b.Helper()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	wait, err := engine.StartBound(cmd)
	if err != nil {
		p.b.Fatal(err)
	}
	r := &running{cmd, make(chan struct{})}
	go func() {
		_ = wait()
		close(r.ended)
	}()
	p.running = append(p.running, r)
	return cmd.Process.Pid
}

// freeAddress is a port that hardly anybody has, outside of the range from which the kernel gives ports to those who do
// not care.
func freeAddress() string { return fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)) }

// await calls done every so often until it is true.
func (p *product) await(what string, limit, every time.Duration, done func() bool) {
	p.b.Helper()
	for began := time.Now(); !done(); {
		if time.Since(began) > limit {
			p.b.Fatalf("waited %v for %s", limit, what)
		}
		for _, r := range p.running {
			select {
			case <-r.ended:
				p.b.Fatalf("kaskad %s ended before %s", r.cmd.Args[1], what)
			default:
			}
		}
		time.Sleep(every)
	}
}

// call sends a request and returns the body of a good answer and how long it took.
func (p *product) call(ctx context.Context, method, path, kind string, body []byte) ([]byte, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, time.Since(began), err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %.500s", method, path, response.Status, answer)
	}
	return answer, time.Since(began), err
}

// status is what GET /v1/status says.
type status struct {
	LagEvents      int64      `json:"lag_events"`
	LagSeconds     float64    `json:"lag_seconds"`
	AsOf           *time.Time `json:"as_of"`
	PendingBuckets int        `json:"pending_buckets"`
	PendingNumbers int        `json:"pending_numbers"`
	Balance        struct {
		Consumed, Stored int64
		InFlight         int64 `json:"in_flight"`
	}
}

func (s *status) stored() bool { return s.LagEvents == 0 && s.Balance.InFlight == 0 }

// settle waits until nothing is left to do and returns how long that took.
func (p *product) settle() time.Duration {
	p.b.Helper()
	began := time.Now()
	p.await("the program to have nothing left to do", 12*time.Hour, 100*time.Millisecond, func() bool {
		var s status
		return p.tryStatus(p.b.Context(), &s) && s.stored() && s.PendingBuckets == 0 && s.PendingNumbers == 0
	})
	return time.Since(began)
}

// putTariffs gives every account of the world a price list.
func (p *product) putTariffs(w world) {
	p.b.Helper()
	list := "tariffs:\n"
	for _, line := range []string{"sms per_segment_sent 2.00", "push per_message_sent 0.36",
		"viber per_message_delivered 0.75", "whatsapp per_message_delivered 4.50", "telegram per_message_sent 0.10"} {
		words := strings.Fields(line)
		list += fmt.Sprintf("  - {channel: %s, valid_from: \"2024-01-01T00:00:00Z\", currency: RUB, billing: %s, "+
			"price: %q}\n", words[0], words[1], words[2])
	}
	for i := range w.accounts {
		path := "/v1/tariffs?" + url.Values{"account": {fmt.Sprintf("tenant-%d", i)}}.Encode()
		if _, _, err := p.call(p.b.Context(), http.MethodPut, path, "application/yaml", []byte(list)); err != nil {
			p.b.Fatal(err)
		}
	}
}

// tryStatus asks for the status; one that has much to do may not answer.
func (p *product) tryStatus(ctx context.Context, s *status) bool {
	answer, _, err := p.call(ctx, http.MethodGet, "/v1/status", "", nil)
	return err == nil && json.Unmarshal(answer, s) == nil
}
