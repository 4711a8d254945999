package ingest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/schema"
	"kaskad/schema/event"
)

// makeEvents makes n events of n/4 messages: four statuses each, all numbers different, ids UUIDv7, 300 bytes on
// average.
func makeEvents(n int, seed uint64) (keys, values [][]byte) {
	random := rand.New(rand.NewPCG(seed, 1))
	statuses := [...]string{"accepted", "sent", "delivered", "read"}
	channels := [...]string{"sms", "viber", "whatsapp", "push"}
	keys, values = make([][]byte, n), make([][]byte, n)
	for i := range n / 4 {
		submitted := testNow.Add(-time.Duration(random.IntN(24*3600*1000)) * time.Millisecond)
		id := fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", submitted.UnixMilli()>>16, submitted.UnixMilli()&0xffff,
			random.IntN(4096), random.IntN(4096), random.Uint64()>>16)
		account, campaign, channel := random.IntN(5), random.IntN(40), channels[random.IntN(len(channels))]
		phone := 79000000000 + random.IntN(999999999)
		for j, status := range statuses {
			at := i*4 + j
			values[at] = fmt.Appendf(nil,
				`{"account":"account-%d","message_id":%q,"submitted_at":%q,"step":1,"channel":%q,"status":%q,"occurred_at":%q,"recipient":"+%d",`+
					`"campaign":"campaign-%02d","provider":"provider-%d","sender":"BRAND","traffic":"promo","segments":2}`,
				account, id, submitted.Format("2006-01-02T15:04:05.000Z07:00"), channel, status,
				submitted.Add(time.Duration(j*3)*time.Second).Format("2006-01-02T15:04:05.000Z07:00"), phone, campaign,
				account%3)
			keys[at] = fmt.Appendf(nil, "account-%d\x00%s", account, id)
		}
	}
	random.Shuffle(n, func(i, j int) {
		keys[i], keys[j], values[i], values[j] = keys[j], keys[i], values[j],
			values[i]
	})
	return keys, values
}

// BenchmarkDecode is one event from JSON to the columns of a block.
func BenchmarkDecode(b *testing.B) {
	_, values := makeEvents(100_000, 1)
	bytes := 0
	for _, v := range values {
		bytes += len(v)
	}
	b.SetBytes(int64(bytes / len(values)))
	b.ReportAllocs()
	decoder := event.Decoder{}
	var facts schema.Facts
	nowMS := testNow.UnixMilli()
	for i := 0; b.Loop(); i++ {
		ev, err := decoder.Decode(values[i%len(values)], nowMS)
		if err != nil {
			b.Fatal(err)
		}
		if facts.Rows() == DefaultBlockRows {
			facts.Reset()
		}
		facts.Append(ev)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkProducer_Produce is what the simulator can send, in batches of 10 000.
func BenchmarkProducer_Produce(b *testing.B) {
	r := newRig(b)
	keys, values := makeEvents(100_000, 1)
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	const size = 10_000
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at := i * size % len(values)
		i++
		if err := p.Produce(b.Context(), keys[at:at+size], values[at:at+size]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkIngester_Run is the way from the topic to facts, touches, ledger and commit, with broker, ClickHouse and
// client on one machine. KASKAD_BENCH_EVENTS is the size of the backlog.
func BenchmarkIngester_Run(b *testing.B) {
	n := 2_000_000
	if s := os.Getenv("KASKAD_BENCH_EVENTS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for b.Loop() {
		b.StopTimer()
		r := newRig(b)
		p, err := NewProducer(ProducerConfig{Brokers: r.brokers})
		if err != nil {
			b.Fatal(err)
		}
		const part = 500_000
		for at := 0; at < n; at += part {
			keys, values := makeEvents(part, uint64(at))
			if err := p.Produce(b.Context(), keys, values); err != nil {
				b.Fatal(err)
			}
		}
		p.Close()
		b.StartTimer()
		begin, client, server := time.Now(), cpuTime(b, os.Getpid()), childrenTime(b)
		in, stop := r.start(func(c *Config, _ *Deps) { c.Linger = DefaultLinger })
		r.waitFor("the backlog to be stored", func() bool { return in.Balance().Stored == uint64(n) })
		b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "events/s")
		b.ReportMetric(float64(cpuTime(b, os.Getpid())-client)/float64(n), "client-cpu-ns/event")
		b.ReportMetric(float64(childrenTime(b)-server)/float64(n), "server-cpu-ns/event")
		stop()
	}
}

// cpuTime is what a process has used of the processors; other machines than Linux report 0.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	fields := statFields(pid)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// childrenTime is that of the processes that this one started: ClickHouse.
func childrenTime(b *testing.B) time.Duration {
	b.Helper()
	entries, _ := os.ReadDir("/proc")
	total := time.Duration(0)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := statFields(pid); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			total += cpuTime(b, pid)
		}
	}
	return total
}

// statFields are the fields of /proc/PID/stat behind the name, which may hold blanks: state, parent and so on.
func statFields(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	return strings.Fields(rest)
}
