package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kaskad/engine"
	"kaskad/ingest"
)

// soakPlan is what a seed has drawn.
type soakPlan struct {
	seed    uint64
	disk    string // "tmpfs" or "ext4" for a small disk of its own that can be filled
	broker  bool   // Kafka is beside kaskad, and can go away alone
	schema  int    // the data directory begins with so many migrations
	durable bool   // every insert is synced
	halves  int    // so many senders never come to the end of their body
	actions []soakAction
}

// soakAction is a fault. do returns when what follows may begin.
type soakAction struct {
	name string
	do   func(*soak)
	jump time.Duration // of the clock
}

// after is how far the clock jumps in all.
func (p soakPlan) after() time.Duration {
	var sum time.Duration
	for _, a := range p.actions {
		sum += a.jump
	}
	return sum
}

// String implements fmt.Stringer.
func (p soakPlan) String() string {
	var words []string
	if p.disk != "" {
		words = append(words, "on "+p.disk)
	}
	if p.broker {
		words = append(words, "kafka beside")
	}
	if p.schema > 0 {
		words = append(words, fmt.Sprint("from schema ", p.schema))
	}
	if p.durable {
		words = append(words, "durable")
	}
	if p.halves > 0 {
		words = append(words, fmt.Sprint("half bodies ×", p.halves))
	}
	for _, a := range p.actions {
		words = append(words, a.name)
	}
	return strings.Join(words, ", ")
}

// newSoakPlan draws a schedule. Each seed prefers other faults, and some it does not know at all.
func newSoakPlan(seed uint64, random *rand.Rand) soakPlan {
	p := soakPlan{seed: seed}
	switch random.IntN(10) {
	case 0, 1:
		p.disk = "tmpfs"
	case 2:
		p.disk = "ext4"
	case 3, 4:
		p.broker = true
	case 5, 6:
		p.schema = 1 + random.IntN(soakSchemas)
	}
	p.halves, p.durable = random.IntN(4), random.IntN(6) == 0
	kinds := []func(*rand.Rand) soakAction{
		soakKill, soakKill, soakStep, soakStep, soakFreeze, soakJump, soakMigrate, soakRestart,
	}
	if p.disk != "" {
		kinds = append(kinds, soakFill, soakFill)
	}
	if p.broker {
		kinds = append(kinds, soakBrokerAway, soakLongFreeze)
	}
	weights, sum := make([]int, len(kinds)), 0
	for i := range kinds {
		weights[i] = random.IntN(4)
		sum += weights[i]
	}
	weights[0], sum = weights[0]+1, sum+1
	for range 3 + random.IntN(3) {
		at, i := random.IntN(sum), 0
		for ; at >= weights[i]; i++ {
			at -= weights[i]
		}
		p.actions = append(p.actions, kinds[i](random))
	}
	switch some := &p.actions[random.IntN(len(p.actions))]; { // what is made for a fault has it once at least
	case p.disk != "":
		*some = soakFill(random)
	case p.broker:
		*some = soakBrokerAway(random)
	}
	return p
}

// processes are kaskad, its ClickHouse, its broker, or its children. A broker beside kaskad is none of its processes.
func (s *soak) processes(victim int) []int {
	pid := s.main()
	var pids []int
	if victim == 1 || victim == 3 {
		pids = childrenOf(pid, true)
	}
	if victim == 2 || victim == 3 {
		pids = append(pids, childrenOf(pid, false)...)
	}
	if len(pids) == 0 {
		pids = append(pids, pid)
	}
	return pids
}

// soakKill kills processes as kill -9 does: kaskad, one of its children, or all at once.
func soakKill(random *rand.Rand) soakAction {
	victims := [...]string{"kaskad", "its ClickHouse", "its broker", "all of its processes"}
	victim, down := random.IntN(len(victims)), random.IntN(3) == 0
	return soakAction{name: "kill " + victims[victim], do: func(s *soak) {
		pids := s.processes(victim)
		if victim == 3 {
			pids = append(pids, s.main())
		}
		s.setWanted(!down)
		for _, pid := range pids {
			signalSoak(pid, syscall.SIGKILL)
		}
		s.pause(100, 1200)
		s.setWanted(true)
	}}
}

// soakStep starts kaskad so that it dies at a step of ingest or of the aggregator, or its ClickHouse does.
func soakStep(random *rand.Rand) soakAction {
	steps := strings.Fields("facts located touches rejected ledger commit computed published closed told decided")
	step := fmt.Sprint(steps[random.IntN(len(steps))], ":", 1+random.IntN(3))
	name, clickhouse := "kill at "+step, random.IntN(3) == 0
	if clickhouse {
		name, step = "kill its ClickHouse at "+step, step+"/clickhouse"
	}
	return soakAction{name: name, do: func(s *soak) {
		s.restartWith(step, s.now)
		s.mu.Lock()
		s.step = ""
		ended := s.k.ended
		s.mu.Unlock()
		first := 0
		for began := time.Now(); time.Since(began) < 3*time.Second; time.Sleep(20 * time.Millisecond) {
			select {
			case <-ended:
				return
			default:
			}
			pids := childrenOf(s.main(), true)
			if clickhouse && first != 0 && !slices.Contains(pids, first) {
				return
			}
			if first == 0 && len(pids) > 0 {
				first = pids[0]
			}
		}
		s.say("%s was not reached, so it dies at rest", step)
		s.restartWith("", s.now)
	}}
}

// soakFreeze stops kaskad or a child for a while.
func soakFreeze(random *rand.Rand) soakAction {
	victims := [...]string{"kaskad", "its ClickHouse", "its broker", "its children"}
	victim, millis := random.IntN(len(victims)), 500+random.IntN(2500)
	name := fmt.Sprintf("freeze %s for %d ms", victims[victim], millis)
	kill := random.IntN(4) == 0
	if kill {
		name += " and kill kaskad then"
	}
	return soakAction{name: name, do: func(s *soak) {
		pids := s.processes(victim)
		for _, pid := range pids {
			signalSoak(pid, syscall.SIGSTOP)
		}
		time.Sleep(time.Duration(millis) * time.Millisecond)
		if kill {
			signalSoak(s.main(), syscall.SIGKILL)
		}
		for _, pid := range pids {
			signalSoak(pid, syscall.SIGCONT)
		}
	}}
}

// soakLongFreeze stops kaskad for so long that its consumer group has forgotten it.
func soakLongFreeze(*rand.Rand) soakAction {
	return soakAction{name: "freeze kaskad for 11 s", do: func(s *soak) {
		pid := s.main()
		signalSoak(pid, syscall.SIGSTOP)
		time.Sleep(11 * time.Second)
		signalSoak(pid, syscall.SIGCONT)
	}}
}

// soakJump starts kaskad again with a later clock. What is due by time alone is due to the five minutes, so jumps are
// of such.
func soakJump(random *rand.Rand) soakAction {
	jump := time.Duration(1+random.IntN(12*36)) * 5 * time.Minute
	return soakAction{name: fmt.Sprint("jump by ", jump), jump: jump, do: func(s *soak) {
		s.restartWith("", s.now.Add(jump))
	}}
}

// soakRestart stops kaskad as Ctrl-C does.
func soakRestart(*rand.Rand) soakAction {
	return soakAction{name: "Ctrl-C", do: func(s *soak) {
		signalSoak(s.main(), syscall.SIGINT)
		s.pause(500, 2000)
	}}
}

// sendHalves sends bodies whose end never comes, until the context ends. Nothing in them may be accepted: the model
// does not know it.
func (s *soak) sendHalves(ctx context.Context) {
	body := `{"account":"half","message_id":"m1","submitted_at":"2026-11-19T12:00:00Z","channel":"sms",` +
		`"status":"sent","occurred_at":"2026-11-19T12:00:00Z","recipient":"+79001234567"}` + "\n"
	head := "POST /v1/events HTTP/1.1\r\nHost: " + s.k.address +
		"\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100000\r\n\r\n"
	for ctx.Err() == nil {
		conn, err := net.DialTimeout("tcp", s.k.address, time.Second)
		if err == nil {
			_, _ = io.WriteString(conn, head+body+body)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// soakMigrate kills kaskad, and then `kaskad migrate` a few times.
func soakMigrate(*rand.Rand) soakAction {
	return soakAction{name: "kill migrations", do: func(s *soak) {
		s.setWanted(false)
		signalSoak(s.main(), syscall.SIGKILL)
		s.killMigrations()
		s.setWanted(true)
	}}
}

// soakBrokerAway takes the Kafka away that is beside kaskad.
func soakBrokerAway(random *rand.Rand) soakAction {
	millis := 300 + random.IntN(2500)
	return soakAction{name: fmt.Sprintf("kafka away for %d ms", millis), do: func(s *soak) {
		s.broker.stop()
		time.Sleep(time.Duration(millis) * time.Millisecond)
		s.broker.start()
	}}
}

// restartWith kills kaskad and starts it again, to die at a step ("" for none), with the clock at now.
func (s *soak) restartWith(step string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.k.kill()
	s.step, s.now = step, now
	s.startNow()
}

// heal ends what is left of the faults: what was to die at a step and has not lives on.
func (s *soak) heal() {
	if s.disk != nil {
		s.disk.release()
	}
	s.setWanted(true)
}

// main is the process id of kaskad.
func (s *soak) main() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.k.cmd == nil {
		return 0
	}
	return s.k.cmd.Process.Pid
}

// signalSoak sends a signal to a process that may be gone.
func signalSoak(pid int, signal syscall.Signal) {
	if pid > 0 {
		_ = syscall.Kill(pid, signal)
	}
}

// soakBroker is an embedded broker of the test's own process, that can go away and come back while kaskad runs.
type soakBroker struct {
	t       *testing.T
	config  engine.BrokerConfig
	address string
	running *engine.Broker
}

func newSoakBroker(t *testing.T, dir string) *soakBroker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	b := &soakBroker{t: t, address: listener.Addr().String(),
		config: engine.BrokerConfig{Dir: dir, Port: port, Logger: slog.New(slog.DiscardHandler),
			Topics: []engine.Topic{{Name: ingest.DefaultTopic}, {Name: ingest.DefaultDeadLetterTopic, Partitions: 1}}}}
	listener.Close()
	b.start()
	return b
}

func (b *soakBroker) start() {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		running, err := engine.StartBroker(b.t.Context(), b.config)
		if err == nil {
			b.running = running
			return
		}
		if time.Since(began) > 10*time.Second { // until then, somebody's connection may have the port
			b.t.Fatal(err)
		}
	}
}

func (b *soakBroker) stop() {
	if b.running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.t.Context()), 10*time.Second)
	defer cancel()
	if err := b.running.Stop(ctx); err != nil {
		b.t.Error(err)
	}
	b.running = nil
}
