package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/aggregate"
	"kaskad/cmd/kaskad/commandtest"
	"kaskad/cmd/kaskad/datadir"
	"kaskad/engine"
	"kaskad/engine/enginetest"
)

// asKaskad makes the test binary be kaskad, with the value's step as the place to die: "facts:3" is the third time that
// a block's facts are acknowledged.
const asKaskad = commandtest.AsKaskad

func TestMain(m *testing.M) {
	engine.MaybeChild()
	if crash, ok := os.LookupEnv(asKaskad); ok {
		os.Exit(run(os.Args[1:], crashHooks(crash)))
	}
	code := m.Run()
	migratedData.remove()
	os.Exit(code)
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
	first   bool // it makes its database itself
	address string
	args    []string
	env     []string
	cmd     *exec.Cmd
	ended   chan struct{}
	output  *commandtest.Buffer
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
	k := &kaskad{t: t, dir: t.TempDir(), address: freeAddress(t), args: args, output: &commandtest.Buffer{}}
	t.Cleanup(func() {
		if !t.Failed() {
			k.mustBeFacts()
		}
		k.kill()
		if t.Failed() {
			t.Logf("the end of kaskad's log:\n%s", k.output.Tail())
		}
	})
	return k
}

// mustBeFacts fails where something published is not what facts say: what kaskad's own audit found, and one of
// everything. Where kaskad does not run any more, or still has something to do, there is nothing to compare.
func (k *kaskad) mustBeFacts() {
	k.t.Helper()
	at, ok := datadir.ReadRunning(k.dir)
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
	// By its clock: windows of events that are to come by another one's would be open.
	audited, err := aggregate.Audit(context.Background(), aggregate.Config{Now: func() time.Time { return s.Now }},
		aggregate.Deps{Conn: conn})
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
	if _, err := os.Stat(filepath.Join(k.dir, "clickhouse")); errors.Is(err, fs.ErrNotExist) && !k.first {
		migratedData.copyTo(k.t, k.dir)
	}
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
		asked := time.Now()
		if response, err := http.Get("http://" + k.address + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		select {
		case <-k.ended:
			k.t.Fatal("kaskad ended while starting")
		case <-time.After(max(50*time.Millisecond, 5*time.Since(asked))):
		}
	}
	k.t.Fatal("kaskad is not ready after two minutes")
	return 0
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
