package query

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

// listen serves over TCP until the test ends.
func listen(tb testing.TB, s *Server) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return listener.Addr().String()
}

// client is a connection that sends what no library would.
type client struct {
	net.Conn
	tb testing.TB
}

func dial(tb testing.TB, address string) *client {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return &client{conn, tb}
}

func (c *client) send(format string, args ...any) *client {
	if _, err := fmt.Fprintf(c.Conn, format, args...); err != nil {
		c.tb.Error(err)
	}
	return c
}

// begin sends the head of a request with a body.
func (c *client) begin(target string, headers ...string) *client {
	return c.send("%s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", target, c.RemoteAddr(), strings.Join(headers, "\r\n"))
}

// answer reads an answer.
func (c *client) answer() (*http.Response, string) {
	c.tb.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		c.tb.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c.Conn), nil)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.tb.Error(err)
	}
	return response, string(body)
}

// wantAnswer checks that a problem comes.
func (c *client) wantAnswer(status int, words ...string) {
	c.tb.Helper()
	response, body := c.answer()
	w := newRecorder()
	w.Code, w.Body = response.StatusCode, bytes.NewBufferString(body)
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	wantProblem(c.tb, w, status, "", words...)
	if status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		c.tb.Error("no Retry-After")
	}
}

// bodyRoutes are all that read a body.
var bodyRoutes = []string{"POST /v1/events", "POST /v1/numbers/check", "POST /v1/sms/segments",
	"POST /v1/forecasts/savings", "POST /v1/forecasts/from-history?account=a",
	"PUT /v1/tariffs?account=a", "PUT /v1/templates?account=a", "PUT /v1/error-map?account=a",
	"PUT /v1/number-rules?account=a", "PUT /v1/alerts?account=a", "POST /v1/alerts/try?account=a",
	"PUT /v1/numbers/%2B79001234567/override?account=a"}

// wantBodyMemory waits until so much memory is left for bodies.
func wantBodyMemory(tb testing.TB, s *Server, left func(int64) bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !left(s.gate.Bodies.Load()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("%d of %d bytes of memory are left for bodies", s.gate.Bodies.Load(), s.config.BodyMemory)
		}
	}
}

// wantAllBodyMemory waits until nobody holds any.
func wantAllBodyMemory(tb testing.TB, s *Server) {
	tb.Helper()
	wantBodyMemory(tb, s, func(left int64) bool { return left == s.config.BodyMemory })
}

// Bodies that do not come hold up nobody, whatever route they are sent to, and are told so.
func TestServer_Receive_SlowBodies(t *testing.T) {
	s, to := newIntake(t)
	address := listen(t, s)
	var slow []*client
	for range 3 {
		for _, route := range bodyRoutes {
			slow = append(slow, dial(t, address).begin(route, "Content-Length: 2000").send("{"))
			slow = append(slow, dial(t, address).begin(route, "Transfer-Encoding: chunked").send("1\r\n{\r\n"))
		}
	}
	begin := time.Now()
	for i := range 30 {
		response, err := http.Post("http://"+address+"/v1/events", "application/json", strings.NewReader(goodEvent))
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != http.StatusAccepted {
			t.Errorf("upload %d: %s", i, response.Status)
		}
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("30 uploads beside %d slow ones took %s", len(slow), took)
	}
	if len(to.values) != 30 {
		t.Errorf("%d events produced", len(to.values))
	}
	for _, c := range slow {
		c.wantAnswer(http.StatusRequestTimeout, "too slowly")
	}
	if took := time.Since(begin); took < answer.BodyGrace-time.Second || took > answer.BodyGrace+10*time.Second {
		t.Errorf("the slow ones were told after %s", took)
	}
	wantAllBodyMemory(t, s)
}

// A body that comes at the least rate is taken, longer than the grace.
func TestServer_Receive_LeastRate(t *testing.T) {
	t.Parallel()
	s, _ := newIntake(t)
	const length = 7 * answer.MinBodyRate
	c := dial(t, listen(t, s)).begin("POST /v1/events", fmt.Sprint("Content-Length: ", length)).send("%s", goodEvent)
	left := length - len(goodEvent)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); left > 0; <-tick.C {
		// A little ahead of what is asked for.
		now := min(left, max(0, int(time.Since(begin).Seconds()*answer.MinBodyRate)-(length-left)+1000))
		c.send("%s", strings.Repeat(" ", now))
		left -= now
	}
	if response, body := c.answer(); response.StatusCode != http.StatusAccepted {
		t.Errorf("%s %s", response.Status, body)
	}
}

// What is too large by its own word is refused before any of it is read.
func TestServer_Receive_Promised(t *testing.T) {
	s := newServer(t, noConn{})
	address := listen(t, s)
	for _, route := range bodyRoutes {
		for _, length := range []string{"99999999999", "9223372036854775807", fmt.Sprint(DefaultMaxBody + 1)} {
			for _, encoding := range []string{"identity", "gzip"} {
				begin := time.Now()
				dial(t, address).begin(route, "Content-Length: "+length,
					"Content-Encoding: "+encoding).wantAnswer(http.StatusRequestEntityTooLarge, "larger than")
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("%s took %s", route, took)
				}
			}
		}
		dial(t, address).begin(route, "Content-Length: 99999999999999999999").wantAnswer(http.StatusBadRequest)
		dial(t, address).begin(route, "Content-Length: -1").wantAnswer(http.StatusBadRequest)
	}
	wantAllBodyMemory(t, s)
}

// A client that reads no answer before it has sent all is told too why it was refused.
func TestServer_Receive_Linger(t *testing.T) {
	s := newServer(t, noConn{}, func(c *Config, _ *Deps) { c.MaxBody, c.BodyMemory = 8<<20, 64<<20 })
	address := listen(t, s)
	large := strings.Repeat("\n", 24<<20)
	for _, route := range bodyRoutes {
		dial(t, address).begin(route, fmt.Sprint("Content-Length: ", len(large))).send("%s",
			large).wantAnswer(http.StatusRequestEntityTooLarge, "larger than")
		dial(t, address).begin(route, "Transfer-Encoding: chunked").send("%x\r\n%s\r\n0\r\n\r\n", len(large),
			large).wantAnswer(http.StatusRequestEntityTooLarge, "larger than")
	}
	s.gate.Bodies.Add(-s.config.BodyMemory)
	dial(t, address).begin("POST /v1/events", "Content-Length: 8000000").send("%s",
		large[:8_000_000]).wantAnswer(http.StatusServiceUnavailable, "again")
	dial(t, address).send("GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n",
		strings.Repeat("x", 4<<20)).wantAnswer(http.StatusRequestHeaderFieldsTooLarge, "KiB")
	s.gate.Bodies.Add(s.config.BodyMemory)
}

// Bodies share memory. Who comes when there is none is told to come again, and it is given back on every way out.
func TestServer_Receive_Memory(t *testing.T) {
	producing := make(chan func(), 10)
	s := newServer(t, noConn{}, func(c *Config, d *Deps) {
		c.MaxBody, c.BodyMemory = 1<<20, 7<<19
		d.Producer = producerFunc(func(ctx context.Context, _, _ [][]byte) error {
			select {
			case act := <-producing:
				act()
			default:
			}
			return ctx.Err()
		})
	})
	address := listen(t, s)
	const length = 1 << 20
	half := strings.Repeat("\n", 700_000)
	var holding []*client
	for range 2 {
		holding = append(holding, dial(t, address).begin("POST /v1/events",
			fmt.Sprint("Content-Length: ", length)).send("%s", half))
	}
	// Until what they sent is read.
	wantBodyMemory(t, s, func(left int64) bool { return left == s.config.BodyMemory-2*(length+1) })
	dial(t, address).begin("PUT /v1/tariffs?account=a", fmt.Sprint("Content-Length: ", length)).send("%s",
		half).wantAnswer(http.StatusServiceUnavailable, "memory", "again")
	// A small one finds room beside them, and one goes away.
	if w := post(s, goodEvent); w.Code != http.StatusAccepted {
		t.Errorf("a small body: %s", w.Body)
	}
	holding[0].Close()
	// The other is complete; its handler panics.
	producing <- func() { panic("of the test") }
	holding[1].send("%s", goodEvent+strings.Repeat("\n",
		length-len(half)-len(goodEvent))).wantAnswer(http.StatusInternalServerError)
	wantAllBodyMemory(t, s)

	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"good":     {goodEvent, nil, http.StatusAccepted},
		"bad":      {"nonsense", nil, http.StatusUnprocessableEntity},
		"empty":    {"", nil, http.StatusBadRequest},
		"type":     {goodEvent, []string{"Content-Type", "text/html"}, http.StatusUnsupportedMediaType},
		"encoding": {goodEvent, []string{"Content-Encoding", "br"}, http.StatusUnsupportedMediaType},
		"no gzip":  {goodEvent, []string{"Content-Encoding", "gzip"}, http.StatusBadRequest},
		"cut gzip": {querytest.Gzip(t, goodEvent)[:30], []string{"Content-Encoding", "gzip"}, http.StatusBadRequest},
		"gzip bomb": {querytest.Gzip(t, strings.Repeat(" ", 50<<20)), []string{"Content-Encoding", "gzip"},
			http.StatusRequestEntityTooLarge},
		"bomb of many": {strings.Repeat(querytest.Gzip(t, strings.Repeat(" ", 1<<10)), 5000),
			[]string{"Content-Encoding", "gzip"}, http.StatusRequestEntityTooLarge},
		"arrow":     {"\xff\xff\xff\xff\xff\xff\xff\x7f", nil, http.StatusBadRequest},
		"too large": {goodEvent + strings.Repeat(" ", length), nil, http.StatusRequestEntityTooLarge},
	} {
		if w := post(s, c.body, c.headers...); w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		wantAllBodyMemory(t, s)
	}
	s.gate.Uploads = answer.NewTurns(0, 10*time.Millisecond) // nobody's
	wantProblem(t, post(s, goodEvent), http.StatusServiceUnavailable, "", "try again")
	wantAllBodyMemory(t, s)
}

// An unpacked body takes no more than its limit, and what is read of it is bounded by what is left for all.
func TestServer_Receive_Bomb(t *testing.T) {
	s := newServer(t, noConn{})
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 200 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	get(s, "/healthz") // the document has been read then
	runtime.ReadMemStats(&before)
	wantProblem(t, call(s, http.MethodPut, "/v1/tariffs?account=a", bytes.NewReader(packed.Bytes()), "Content-Encoding",
		"gzip", "Content-Type", "text/csv"),
		http.StatusRequestEntityTooLarge, "", "16 MiB")
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 3*(16<<20) {
		t.Errorf("a bomb of 200 MiB took %d MiB", got>>20)
	}
}

// 15 MiB of commas in 15 kB, eight times at once: it took 11 s and 9 GB.
func TestServer_PutReference_Commas(t *testing.T) {
	s := newServer(t, noConn{})
	body := []byte(querytest.Gzip(t, strings.Repeat(",", 15<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			wantProblem(t, call(s, http.MethodPut, "/v1/tariffs?account=a", bytes.NewReader(body), "Content-Encoding",
				"gzip", "Content-Type", "text/csv"),
				http.StatusBadRequest, "", "cells")
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8*3*(16<<20) {
		t.Errorf("took %d MiB", got>>20)
	}
	t.Logf("%d bytes, 8 at once: %s, %d MiB allocated in all, %d MiB from the system", len(body),
		time.Since(begin).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20,
		(after.Sys-before.Sys)>>20)
}

// Rows of commas remove nothing.
func TestServer_PutReference_Blank(t *testing.T) {
	s := newServer(t, noConn{})
	for kind, head := range map[string]string{"tariffs": "channel,valid_from,billing,price,currency",
		"templates": "template,valid_from,sms_segments", "error-map": "provider,code,class"} {
		for _, blank := range []string{",,,,\n", "\n", strings.Repeat(",", strings.Count(head, ",")) + "\n",
			" ,\t,\n"} {
			wantProblem(t, call(s, http.MethodPut, "/v1/"+kind+"?account=a", strings.NewReader(head+"\n"+blank),
				"Content-Type", "text/csv"),
				http.StatusUnprocessableEntity, "", "nothing was changed")
		}
	}
}

// A body of millions of lines, or of names that nobody knows, costs a bounded answer.
func TestServer_Receive_Counts(t *testing.T) {
	s, _ := newIntake(t)
	wantProblem(t, post(s, strings.Repeat("x\n", maxEvents+1)), http.StatusRequestEntityTooLarge, "",
		"several requests")
	rules := `{"number_rules":{"a":1` + strings.Repeat(`,"a":1`, 10_000) + "}}"
	w := call(s, http.MethodPut, "/v1/number-rules?account=a", strings.NewReader(rules))
	wantProblem(t, w, http.StatusUnprocessableEntity, "a", "more")
	if w.Body.Len() > 50_000 {
		t.Errorf("the answer has %d bytes", w.Body.Len())
	}
	wantProblem(t, call(s, http.MethodPut, "/v1/number-rules?account=a",
		strings.NewReader(strings.Repeat(" ", 64<<10+1))), http.StatusRequestEntityTooLarge, "", "64 KiB")
}

func FuzzServer_Bodies(f *testing.F) {
	gin.SetMode(gin.ReleaseMode)
	for _, body := range []string{goodEvent, "[" + goodEvent + "]", `{"numbers":["+79001234567",1]}`, `{"text":"a"}`,
		`{"state":"dead","why":"x"}`, `{"number_rules":{"hard_mailings":2}}`,
		`{"tariffs":[{}]}`, "tariffs:\n- channel: sms\n", "channel,price\nsms,1\n",
		`{"messages":1,"penetration":"0.5"}`, "\xff\xff\xff\xff\x10\x00\x00\x00"} {
		for i := range bodyRoutes {
			f.Add(uint8(i), uint8(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, route, kind uint8, body []byte) {
		s := newServer(t, awayConn{}, func(_ *Config, d *Deps) { d.Producer = &records{} })
		method, target, _ := strings.Cut(bodyRoutes[int(route)%len(bodyRoutes)], " ")
		types := []string{"", "application/json", "text/csv", "application/yaml", "application/vnd.apache.arrow.stream"}
		w := call(s, method, target, bytes.NewReader(body), "Content-Type", types[int(kind)%len(types)])
		// awayConn answers 503 to what is good.
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%s %s %q: %d %s", method, target, body, w.Code, w.Body)
		}
		if s.gate.Bodies.Load() != s.config.BodyMemory {
			t.Fatal("memory for bodies was not given back")
		}
	})
}
