package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/aggregate"
	"kaskad/engine"
	"kaskad/engine/enginetest"
	"kaskad/ingest"
	"kaskad/simulate/model"
)

// asKaskad makes the test binary be kaskad, with the value's step as the place to die: "facts:3" is the third time that
// a block's facts are acknowledged.
const asKaskad = "TEST_AS_KASKAD"

func TestMain(m *testing.M) {
	engine.MaybeChild()
	if crash, ok := os.LookupEnv(asKaskad); ok {
		os.Exit(run(os.Args[1:], crashHooks(crash)))
	}
	os.Exit(m.Run())
}

// crashHooks kill the process, as kill -9 does, the n-th time that the step is reached; with "/clickhouse" after it,
// its ClickHouse instead.
func crashHooks(spec string) hooks {
	spec, whose, _ := strings.Cut(spec, "/")
	step, count, _ := strings.Cut(spec, ":")
	n, _ := strconv.Atoi(count)
	var mu sync.Mutex
	reached := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		if s == step {
			if n--; n == 0 && whose != "" {
				for _, pid := range childrenOf(os.Getpid(), true) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			} else if n == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // the signal is on its way
			}
		}
	}
	return hooks{ingest: reached, aggregate: reached}
}

// childrenOf are the ids of a process's embedded ClickHouse, or of its other children.
func childrenOf(pid int, clickhouse bool) []int {
	var pids []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // it has ended
		}
		for _, word := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				continue
			}
			command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if err == nil && bytes.HasPrefix(command, []byte("clickhouse")) == clickhouse {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// kaskad is a running process tree under test.
type kaskad struct {
	t       testing.TB
	dir     string
	address string
	args    []string
	env     []string
	cmd     *exec.Cmd
	ended   chan struct{}
	output  *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) tail() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buf.String()
	return text[max(0, len(text)-4000):]
}

// newKaskad prepares `kaskad run` on a data directory of its own; start starts it. The test runs beside others.
func newKaskad(t testing.TB, args ...string) *kaskad {
	t.Helper()
	if err := engine.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
		}
		t.Skipf("skipped: %v", err)
	}
	enginetest.Parallel(t)
	k := &kaskad{t: t, dir: t.TempDir(), address: freeAddress(t), args: args, output: &lockedBuffer{}}
	t.Cleanup(func() {
		if !t.Failed() {
			k.mustBeFacts()
		}
		k.kill()
		if t.Failed() {
			t.Logf("the end of kaskad's log:\n%s", k.output.tail())
		}
	})
	return k
}

// mustBeFacts fails where something published is not what facts say: what kaskad's own audit found, and one of
// everything. Where kaskad does not run any more, or still has something to do, there is nothing to compare.
func (k *kaskad) mustBeFacts() {
	k.t.Helper()
	at, ok := readRunning(k.dir)
	if !ok {
		return
	}
	client := http.Client{Timeout: 10 * time.Second}
	var s status
	response, err := client.Get("http://" + k.address + "/v1/status")
	if err != nil {
		return
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil || response.StatusCode != http.StatusOK {
		return
	}
	if s.Audit.Differences > 0 {
		k.t.Errorf("kaskad's audit found %d differences", s.Audit.Differences)
	}
	if !s.settled() || len(s.Losses.Hours) > 0 {
		return
	}
	options, err := clickhouse.ParseDSN(at.Clickhouse)
	if err != nil {
		k.t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		k.t.Fatal(err)
	}
	defer conn.Close()
	audited, err := aggregate.Audit(context.Background(), aggregate.Config{}, aggregate.Deps{Conn: conn})
	if err != nil {
		k.t.Errorf("audit everything: %v", err)
	}
	for _, difference := range audited.Differences[:min(len(audited.Differences), 10)] {
		k.t.Errorf("an audit found %s", difference)
	}
	k.t.Logf("audited %d hours, %d messages: %d differences", audited.Hours, audited.Messages,
		len(audited.Differences))
}

// freeAddress is a port that nobody has, outside of the range from which the kernel gives ports to those who do not
// care: kaskad comes back to it after each kill.
func freeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))); err == nil {
			_ = listener.Close()
			return listener.Addr().String()
		}
	}
	t.Fatalf("find a free port: %v", err)
	return ""
}

// start starts the process, to die at the step crash ("" for none), and does not wait for it.
func (k *kaskad) start(crash string) {
	k.t.Helper()
	args := append([]string{"run", "--data", k.dir, "--listen", k.address, "--auth", "off", "--log-level", "warn"},
		k.args...)
	k.launch(append(k.env, asKaskad+"="+crash), args)
}

// launch starts this program as kaskad. It ends with the test binary, even with one that is killed.
func (k *kaskad) launch(env, args []string) {
	k.t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = k.output, k.output
	wait, err := engine.StartBound(cmd)
	if err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = wait()
		close(ended)
	}()
	k.cmd, k.ended = cmd, ended
}

// kill ends the process as kill -9 does; its children follow it by themselves.
func (k *kaskad) kill() {
	if k.cmd != nil {
		_ = k.cmd.Process.Kill()
		<-k.ended
	}
}

// stop ends the process as Ctrl-C does and checks that it ends in good order.
func (k *kaskad) stop() {
	k.t.Helper()
	_ = k.cmd.Process.Signal(os.Interrupt)
	select {
	case <-k.ended:
		if code := k.cmd.ProcessState.ExitCode(); code != 0 {
			k.t.Fatalf("kaskad ended with %d after Ctrl-C", code)
		}
	case <-time.After(30 * time.Second):
		k.t.Fatal("kaskad does not end after Ctrl-C")
	}
}

// waitReady waits until /readyz answers 200 and returns how long that took. Its limit is for a machine that has much
// else to do.
func (k *kaskad) waitReady() time.Duration {
	k.t.Helper()
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		if response, err := http.Get("http://" + k.address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		select {
		case <-k.ended:
			k.t.Fatal("kaskad ended while starting")
		case <-time.After(50 * time.Millisecond):
		}
	}
	k.t.Fatal("kaskad is not ready after two minutes")
	return 0
}

// request sends a request and returns the status and the body.
func (k *kaskad) request(method, path, contentType string, body []byte) (int, []byte) {
	k.t.Helper()
	request, err := http.NewRequest(method, "http://"+k.address+path, bytes.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

// get decodes the answer of a GET into to.
func (k *kaskad) get(path string, to any) {
	k.t.Helper()
	status, body := k.request(http.MethodGet, path, "", nil)
	if status != http.StatusOK {
		k.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, to); err != nil {
		k.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

type status struct {
	Kafka struct {
		Brokers []string `json:"brokers"`
	} `json:"kafka"`
	Balance struct {
		Consumed, Stored, Rejected, Parked, Empty uint64
		InFlight                                  uint64 `json:"in_flight"`
	} `json:"balance"`
	LagEvents      int64  `json:"lag_events"`
	PendingBuckets uint64 `json:"pending_buckets"`
	SplitMessages  uint64 `json:"split_messages"`
	AsOf           string `json:"as_of"`
	Audit          struct {
		Differences uint64 `json:"differences"`
	} `json:"audit"`
	Losses struct {
		Hours []json.RawMessage `json:"hours"`
	} `json:"losses"`
}

func (s status) check(t testing.TB) {
	t.Helper()
	b := s.Balance
	if b.Consumed != b.Stored+b.Rejected+b.Parked+b.InFlight+b.Empty {
		t.Errorf("balance does not hold: %+v", b)
	}
	if len(s.Losses.Hours) > 0 {
		t.Errorf("hours are said to be lost: %s", s.Losses.Hours)
	}
}

func (s status) settled() bool {
	return s.LagEvents == 0 && s.Balance.InFlight == 0 && s.PendingBuckets == 0
}

// settle waits until nothing is left to do: nothing in the topic, nothing in flight, no bucket touched.
func (k *kaskad) settle(limit time.Duration) status {
	k.t.Helper()
	var s status
	for began := time.Now(); ; {
		if time.Since(began) > limit {
			// Its log tells then what all goroutines wait for.
			_ = k.cmd.Process.Signal(syscall.SIGQUIT)
			<-k.ended
			k.t.Fatalf("not settled after %v: %+v", limit, s)
		}
		asked := time.Now()
		k.get("/v1/status", &s)
		s.check(k.t)
		if s.settled() {
			return s
		}
		// Asking costs kaskad some queries, which must not keep it from settling.
		time.Sleep(max(50*time.Millisecond, 2*time.Since(asked)))
	}
}

// dieOrRest waits until the process dies at its step, or has nothing left to do, so that it will not come to that step:
// then it is killed. all reports whether everything was sent that it is to work on.
func (k *kaskad) dieOrRest(limit time.Duration, all func() bool) (died bool) {
	k.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	rested := 0
	for began := time.Now(); time.Since(began) < limit && rested < 2; {
		select {
		case <-k.ended:
			return true
		case <-time.After(200 * time.Millisecond):
		}
		var s status
		sent := all()
		response, err := client.Get("http://" + k.address + "/v1/status")
		if err == nil {
			err = json.NewDecoder(response.Body).Decode(&s)
			response.Body.Close()
		}
		if sent && err == nil && response.StatusCode == http.StatusOK && s.settled() {
			rested++
		} else {
			rested = 0
		}
	}
	k.kill()
	return false
}

// rows asks for a channel report and returns its rows, page by page.
func (k *kaskad) rows(q model.Query) json.RawMessage {
	k.t.Helper()
	return k.reportRows("channels", q)
}

// reportRows asks for a report and returns its rows, page by page.
func (k *kaskad) reportRows(report string, q model.Query) json.RawMessage {
	k.t.Helper()
	values := url.Values{"group_by": {strings.Join(q.GroupBy, ",")}, "limit": {"10000"}}
	if q.TZ != nil {
		values.Set("tz", q.TZ.String())
	}
	if !q.From.IsZero() {
		values.Set("from", q.From.Format(time.RFC3339))
		values.Set("to", q.To.Format(time.RFC3339))
	}
	for name, list := range q.Filters {
		values[name] = list
	}
	var all []json.RawMessage
	for {
		var page struct {
			Rows       []json.RawMessage `json:"rows"`
			NextCursor *string           `json:"next_cursor"`
		}
		k.get("/v1/reports/"+report+"?"+values.Encode(), &page)
		all = append(all, page.Rows...)
		if page.NextCursor == nil {
			break
		}
		values.Set("cursor", *page.NextCursor)
	}
	encoded, err := json.Marshal(append([]json.RawMessage{}, all...))
	if err != nil {
		k.t.Fatal(err)
	}
	return encoded
}

// mustEqual compares reports with the model's.
func (k *kaskad) mustEqual(m *model.Model, queries []model.Query) {
	k.t.Helper()
	for _, q := range queries {
		want, err := m.ChannelReport(q)
		if err != nil {
			k.t.Fatal(err)
		}
		if err := model.Compare(want, k.rows(q)); err != nil {
			k.t.Errorf("group_by=%v tz=%v filters=%v: %v", q.GroupBy, q.TZ, q.Filters, err)
		}
	}
}

// post sends NDJSON and fails unless all of it is accepted.
func (k *kaskad) post(lines []byte) {
	k.t.Helper()
	status, body := k.request(http.MethodPost, "/v1/events", "application/x-ndjson", lines)
	var answer struct {
		Accepted int               `json:"accepted"`
		Rejected []json.RawMessage `json:"rejected"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusAccepted || len(answer.Rejected) > 0 {
		k.t.Fatalf("POST /v1/events: %d %.500s", status, body)
	}
}

// command runs another kaskad command beside the running one and returns what it prints.
func (k *kaskad) command(args ...string) string {
	k.t.Helper()
	out, err := k.tryCommand(args...)
	if err != nil {
		k.t.Fatalf("kaskad %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tryCommand is command for one that may fail.
func (k *kaskad) tryCommand(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asKaskad+"=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	wait, err := engine.StartBound(cmd)
	if err != nil {
		return "", err
	}
	err = wait()
	return out.String(), err
}

func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "simulate", "model", "testdata", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// producerTo writes to the topic of a running kaskad, past its HTTP API.
func producerTo(t testing.TB, brokers []string) *ingest.Producer {
	t.Helper()
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func join(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

var accountMember = regexp.MustCompile(`"account":\s*"`)

// renameAccount puts a prefix before the account of an event.
func renameAccount(line []byte, prefix string) []byte {
	at := accountMember.FindIndex(line)
	if at == nil {
		return bytes.Clone(line)
	}
	return bytes.Join([][]byte{line[:at[1]], line[at[1]:]}, []byte(prefix))
}

// accountsOf lists the accounts of a model's report.
func accountsOf(m *model.Model) []string {
	rows, err := m.ChannelReport(model.Query{GroupBy: []string{"account"}})
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Keys[0].String())
	}
	return names
}
