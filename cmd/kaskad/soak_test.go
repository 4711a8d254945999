package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kaskad/engine/enginetest"
)

// TestRun_Soak runs seeded schedules of faults under load; after each of them everything that is reported equals the
// model, to the last digit. `make soak SEEDS=200` runs the schedules 1 to 200 but those that have passed before,
// FROM=100 begins later, SEED=7 repeats one of them with all that kaskad logs. What passed stands in bin/soak/passed; a
// schedule that failed leaves its data and logs in bin/soak/seed-N.
func TestRun_Soak(t *testing.T) {
	number := func(name string, otherwise uint64) uint64 {
		n, err := strconv.ParseUint(cmp.Or(os.Getenv(name), fmt.Sprint(otherwise)), 10, 64)
		if err != nil {
			t.Fatalf("%s: want a number: %v", name, err)
		}
		return n
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", "bin", "soak"))
	if err != nil {
		t.Fatal(err)
	}
	var seeds []uint64
	for seed := max(1, number("TEST_SOAK_FROM", 1)); seed <= number("TEST_SOAK_SEEDS", 0); seed++ {
		seeds = append(seeds, seed)
	}
	passed := &soakJournal{name: filepath.Join(dir, "passed")}
	verbose := false
	switch only := number("TEST_SOAK_SEED", 0); {
	case only > 0:
		seeds, verbose, passed.name = []uint64{only}, true, ""
	case len(seeds) == 0:
		// An ordinary test, so that the harness does not rot: between them they have a broker beside, an older schema,
		// a jump, a freeze, and kills at steps. CI has one of them.
		enginetest.Again(t, "TestRun_DeliverySurvivesKills")
		t.Parallel()
		seeds, passed.name, dir = []uint64{67, 4}[:enginetest.World(t, 1, 1, 2)], "", t.TempDir()
	}
	if err := passed.read(); err != nil {
		t.Fatal(err)
	}
	for _, seed := range seeds {
		if passed.has[seed] {
			continue
		}
		began := time.Now()
		t.Run(fmt.Sprint("Seed", seed), func(t *testing.T) {
			s := newSoak(t, seed, filepath.Join(dir, fmt.Sprint("seed-", seed)), verbose)
			defer func() {
				result := "passed"
				if t.Failed() {
					result = "FAILED"
				}
				took := time.Since(began).Seconds()
				fmt.Fprintf(t.Output(), "seed %d %s after %.1f s: %s\n", seed, result, took, s.summary())
			}()
			s.run()
			if !t.Failed() {
				if err := passed.add(seed); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// soakJournal is a file of the schedules that have passed, one a line. Without a name nothing is read or written.
type soakJournal struct {
	name string
	has  map[uint64]bool
}

func (j *soakJournal) read() error {
	j.has = map[uint64]bool{}
	if j.name == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(j.name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(j.name, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		seed, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %w; remove it to begin anew", j.name, err)
		}
		j.has[seed] = true
	}
	return lines.Err()
}

func (j *soakJournal) add(seed uint64) error {
	if j.name == "" {
		return nil
	}
	file, err := os.OpenFile(j.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(file, seed); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// soak is one schedule while it runs. One goroutine goes through the schedule, others send, watch, and start what died.
type soak struct {
	t      *testing.T
	dir    string // of what is kept when the schedule fails
	plan   soakPlan
	random *rand.Rand // of the schedule's own goroutine
	world  *soakWorld
	disk   *soakDisk   // nil for a directory on the machine's own disk
	broker *soakBroker // nil when it is embedded
	client *http.Client
	began  time.Time

	mu       sync.Mutex
	k        *kaskad
	wanted   bool   // it is to run: when it is dead it is started again
	step     string // the next start is to die at it
	now      time.Time
	starts   int
	answers  map[string]int // by method and status
	timeline []string
	verbose  bool
}

func newSoak(t *testing.T, seed uint64, dir string, verbose bool) *soak {
	t.Helper()
	s := &soak{t: t, dir: dir, verbose: verbose, began: time.Now(), answers: map[string]int{},
		random: rand.New(rand.NewPCG(seed, 0x736f616b)),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	s.k = newKaskad(t)
	s.k.first = true
	_ = runSoak("umount", filepath.Join(dir, "disk")) // of a schedule that somebody ended half-way
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.plan = newSoakPlan(seed, s.random)
	s.say("seed %d: %s", seed, s.plan)
	s.k.dir = filepath.Join(dir, "data")
	if s.plan.disk != "" {
		disk, err := mountSoakDisk(t, s.plan.disk, dir)
		if err != nil {
			s.say("without a disk of its own, that does not fill: %v", err)
		} else {
			s.disk, s.k.dir = disk, filepath.Join(disk.mount, "data")
		}
	}
	t.Cleanup(s.close)
	s.world = newSoakWorld(t, seed, s.plan.after())
	s.now = s.world.began
	return s
}

// say notes what happens, with the seconds since the schedule began.
func (s *soak) say(format string, args ...any) {
	line := fmt.Sprintf("%6.2f ", time.Since(s.began).Seconds()) + fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeline = append(s.timeline, line)
	if s.verbose {
		fmt.Fprintln(s.t.Output(), line)
	}
}

func (s *soak) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var answers []string
	for _, name := range slices.Sorted(maps.Keys(s.answers)) {
		answers = append(answers, fmt.Sprint(name, "×", s.answers[name]))
	}
	return fmt.Sprintf("%s; %d starts; %s", s.plan, s.starts, strings.Join(answers, ", "))
}

// close ends everything, and keeps data and logs of a schedule that failed.
func (s *soak) close() {
	s.mu.Lock()
	s.wanted = false
	s.mu.Unlock()
	s.k.kill()
	if s.broker != nil {
		s.broker.stop()
	}
	if s.disk != nil {
		s.disk.release()
		if s.t.Failed() {
			s.disk.keep(filepath.Join(s.dir, "data"))
		}
		s.disk.unmount()
	}
	if !s.t.Failed() {
		if err := os.RemoveAll(s.dir); err != nil {
			s.t.Error(err)
		}
		return
	}
	for name, text := range map[string][]byte{
		"kaskad.log":   []byte(s.k.output.String()),
		"schedule.log": []byte(strings.Join(s.timeline, "\n") + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o644); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Logf("kept in %s: schedule.log, kaskad.log, data", s.dir)
}

// run goes through the schedule and compares.
func (s *soak) run() {
	s.t.Helper()
	if s.plan.schema > 0 {
		s.buildOldSchema(s.plan.schema)
		s.killMigrations()
	}
	if s.plan.broker {
		s.broker = newSoakBroker(s.t, filepath.Join(s.dir, "broker"))
	}
	s.setWanted(true)
	ctx, cancel := context.WithCancel(s.t.Context())
	var beside, sending sync.WaitGroup
	defer beside.Wait()
	defer sending.Wait()
	defer cancel()
	beside.Go(func() { s.supervise(ctx) })
	beside.Go(func() { s.watch(ctx) })
	for range s.plan.halves {
		beside.Go(func() { s.sendHalves(ctx) })
	}
	s.awaitReady()
	s.say("ready; %d events, %d kinds of poison among them", len(s.world.lines), len(s.world.poison))

	pieces := s.world.pieces(len(s.plan.actions) + 1)
	sending.Go(func() { s.world.putLists(ctx, s) })
	send := func(i int) {
		sending.Go(func() { s.post(ctx, pieces[i].post, uint64(i)) })
		sending.Go(func() { s.produce(ctx, pieces[i].produce) })
	}
	for i, action := range s.plan.actions {
		send(i)
		s.pause(50, 400)
		s.say("%s", action.name)
		action.do(s)
	}
	send(len(s.plan.actions))
	s.pause(50, 400)
	s.heal()
	s.awaitReady()
	sent := make(chan struct{})
	go func() {
		sending.Wait()
		close(sent)
	}()
	select {
	case <-sent:
		s.say("all is sent")
	case <-time.After(time.Minute):
		s.t.Error("not all was accepted in the minute after the last fault")
	}
	if s.t.Failed() {
		return
	}
	s.world.override(s)
	s.settleAt(s.now)
	s.say("settled")
	s.compare()
	if s.t.Failed() {
		return
	}
	s.setWanted(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.k.stop()
}

func (s *soak) setWanted(wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = wanted
}

// supervise starts kaskad when it is wanted and dead, as systemd does.
func (s *soak) supervise(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		if s.wanted && s.dead() && time.Since(last) > 250*time.Millisecond {
			last = time.Now()
			s.startNow()
		}
		s.mu.Unlock()
	}
}

// dead reports whether no process is there. The caller holds the lock.
func (s *soak) dead() bool {
	if s.k.ended == nil {
		return true
	}
	select {
	case <-s.k.ended:
		return true
	default:
		return false
	}
}

// startNow starts the process. The caller holds the lock.
func (s *soak) startNow() {
	s.k.args = []string{"--now", s.now.Format(time.RFC3339Nano)}
	if s.broker != nil {
		s.k.args = append(s.k.args, "--kafka", s.broker.address)
	}
	if s.plan.durable {
		s.k.args = append(s.k.args, "--durable")
	}
	if s.verbose {
		s.k.args = append(s.k.args, "--log-level", "debug")
	}
	s.starts++
	s.k.start(s.step)
}

// awaitReady waits until GET /readyz answers 200.
func (s *soak) awaitReady() {
	s.t.Helper()
	client := &http.Client{Timeout: 2 * time.Second}
	last := "no answer"
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(20 * time.Millisecond) {
		response, err := client.Get("http://" + s.k.address + "/readyz")
		if err != nil {
			last = err.Error()
			continue
		}
		_ = response.Body.Close()
		if last = response.Status; response.StatusCode == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("not ready after a minute: %s", last)
}

// watch asks all the time: whatever happens, the balance holds in every answer, and reports are given or refused in
// good order.
func (s *soak) watch(ctx context.Context) {
	paths := [...]string{
		"/v1/status", "/v1/reports/channels?group_by=channel",
		"/v1/status", "/v1/reports/savings?group_by=account",
		"/v1/status", "/v1/numbers/dead?account=" + s.world.numbers.worlds[0].Account,
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
		path := paths[i%len(paths)]
		code, body := s.ask(ctx, http.MethodGet, path, nil)
		var now status
		if path == "/v1/status" && code == http.StatusOK && json.Unmarshal(body, &now) == nil {
			now.check(s.t)
			s.say("lag %d, pending buckets %d, %+v", now.LagEvents, now.PendingBuckets, now.Balance)
		}
	}
}

// ask sends a request and returns the status and the answer; 0 when there is none, for whatever reason.
func (s *soak) ask(ctx context.Context, method, path string, body io.Reader) (int, []byte) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.k.address+path, body)
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	request.Header.Set("Content-Type", "application/json")
	if slow, ok := body.(*slowReader); ok {
		request.ContentLength = slow.length
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	s.mu.Lock()
	s.answers[fmt.Sprint(method, " ", response.StatusCode)]++
	s.mu.Unlock()
	if response.StatusCode >= 500 {
		s.say("%s %s: %d %.300s", method, path, response.StatusCode, answer)
	}
	return response.StatusCode, answer
}

// again reports whether a client that got this answer sends the same once more.
func again(code int) bool {
	return code == 0 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500
}

// pause lets so many milliseconds pass, at least and at most.
func (s *soak) pause(least, most int) {
	time.Sleep(time.Duration(least+s.random.IntN(most-least)) * time.Millisecond)
}
