package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/ingest"
	"kaskad/simulate"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// soakWorld is what a schedule sends, and the model of it: a simulated day, and small accounts that are made to be
// difficult, about money and about numbers.
type soakWorld struct {
	began, ends time.Time // the clock at the start, and after all of its jumps
	model       *model.Model
	lines       []soakLine
	poison      map[string]bool
	money       []worlds.MoneyWorld
	savings     model.SavingsQuery
	numbers     numberWorlds
	random      *rand.Rand // of the order of sending
}

type soakLine struct {
	key, line []byte
	poison    bool
}

// newSoakWorld makes the world of a seed whose clock jumps by so much. What one of the two clocks refuses and the other
// does not is left out: what becomes of it is a matter of luck.
func newSoakWorld(t *testing.T, seed uint64, jumps time.Duration) *soakWorld {
	t.Helper()
	began := worlds.RandomNumbers(0, 0).Now
	ends := began.Add(jumps)
	w := &soakWorld{
		began: began, ends: ends, model: model.New(ends), poison: map[string]bool{},
		random:  rand.New(rand.NewPCG(seed, 0x6c6f6164)),
		savings: model.SavingsQuery{Tariffs: map[string][]settings.Tariff{}},
	}
	w.savings.Templates = map[string][]settings.Template{}
	w.numbers.query = settings.Numbers{Now: ends, Shipped: shippedErrors(t),
		ErrorMaps: map[string]settings.ErrorMap{}}
	w.numbers.query.Rules = map[string]settings.NumberRules{}
	w.numbers.model, w.numbers.query.Tariffs = w.model, w.savings.Tariffs

	config := simulate.DefaultConfig()
	config.Seed, config.Now, config.Start = seed, began, began.Truncate(24*time.Hour).AddDate(0, 0, -3)
	config.Messages, config.Accounts = 200+w.random.IntN(500), 4
	config.Duplicates, config.Orphans, config.PlainIDs, config.Lost = 0.1, 0.4, 0.4, 0
	config.SubmittedDrift, config.Multipart = 0.05, 0.5
	config.FarSkew, config.FailedFirst, config.ConflictingDimensions, config.Poison = 0.02, 0.05, 0.05, 0.01
	sim, err := simulate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	early := model.New(began)
	add := func(line []byte) {
		errThen, errNow := early.Add(line), model.New(ends).Add(line)
		if (errThen == nil) != (errNow == nil) {
			return
		}
		if errNow == nil {
			if err := w.model.Add(line); err != nil {
				t.Fatal(err)
			}
		}
		line = bytes.Clone(line)
		if errThen != nil {
			w.poison[string(line)] = true
		}
		w.lines = append(w.lines, soakLine{soakKey(line), line, errThen != nil})
	}
	for event := range sim.Events() {
		add(event.Line)
	}
	for i := range uint64(2) {
		world := worlds.RandomMoney(2*seed + i)
		w.money = append(w.money, world)
		w.savings.Tariffs[world.Account], w.savings.Templates[world.Account] = world.Tariffs, world.Templates
		for _, line := range slices.Concat(world.Early, world.Late) {
			add(line)
		}
	}
	world := worlds.RandomNumbers(seed, 40)
	w.numbers.worlds = []worlds.NumberWorld{world}
	w.savings.Tariffs[world.Account] = world.Tariffs
	if world.ErrorMap != nil {
		w.numbers.query.ErrorMaps[world.Account] = *world.ErrorMap
	}
	if world.Rules != nil {
		w.numbers.query.Rules[world.Account] = *world.Rules
	}
	recent := began.AddDate(0, 0, -45).Format(time.RFC3339)
	for _, line := range slices.Concat(world.Early, world.Late) {
		// Most schedules do without the months before: a pass over few months is quick.
		if seed%4 == 0 || soakEventOf(line).OccurredAt >= recent {
			add(line)
		}
	}
	return w
}

// soakEvent is what the schedule wants to know of a line.
type soakEvent struct {
	Account    string
	MessageID  string `json:"message_id"`
	Recipient  string
	OccurredAt string `json:"occurred_at"`
}

func soakEventOf(line []byte) (event soakEvent) {
	_ = json.Unmarshal(line, &event) // poison may be anything
	return event
}

// soakKey is the key of Kafka that an event belongs under.
func soakKey(line []byte) []byte {
	event := soakEventOf(line)
	if event.MessageID == "" {
		event.MessageID = event.Recipient
	}
	return []byte(event.Account + "\x00" + event.MessageID)
}

// putLists puts what events are judged by, list by list, until each is taken.
func (w *soakWorld) putLists(ctx context.Context, s *soak) {
	put := func(kind, account string, body []byte, err error) {
		if err != nil {
			s.t.Error(err)
			return
		}
		for ctx.Err() == nil {
			path := "/v1/" + kind + "?account=" + url.QueryEscape(account)
			code, answer := s.ask(ctx, http.MethodPut, path, bytes.NewReader(body))
			if code == http.StatusOK {
				return
			}
			if !again(code) {
				s.t.Errorf("PUT /v1/%s of %s: %d %s", kind, account, code, answer)
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	for _, world := range w.money {
		body, err := worlds.TariffsBody(world.Tariffs)
		put("tariffs", world.Account, body, err)
		if len(world.Templates) > 0 {
			body, err = worlds.TemplatesBody(world.Templates)
			put("templates", world.Account, body, err)
		}
	}
	for _, world := range w.numbers.worlds {
		body, err := worlds.TariffsBody(world.Tariffs)
		put("tariffs", world.Account, body, err)
		if world.ErrorMap != nil {
			body, err = json.Marshal(world.ErrorMap)
			put("error-map", world.Account, body, err)
		}
		if world.Rules != nil {
			body, err = json.Marshal(map[string]any{"number_rules": world.Rules})
			put("number-rules", world.Account, body, err)
		}
	}
}

// override sets verdicts by hand, at the last of the clock's times.
func (w *soakWorld) override(s *soak) {
	for _, world := range w.numbers.worlds {
		for _, o := range world.Overrides {
			s.k.setVerdict(o)
			o.At = w.ends
			w.numbers.query.Overrides = append(w.numbers.query.Overrides, o)
		}
	}
}

// soakPiece is what is sent during one fault, by HTTP and past it.
type soakPiece struct{ post, produce []soakLine }

// pieces shuffles the lines, a sixth of them twice, and deals them out. Poison goes past the HTTP API, which would keep
// it from Kafka.
func (w *soakWorld) pieces(n int) []soakPiece {
	lines := slices.Clone(w.lines)
	for _, i := range w.random.Perm(len(lines))[:len(lines)/6] {
		lines = append(lines, lines[i])
	}
	w.random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	pieces := make([]soakPiece, n)
	for i, line := range lines {
		piece := &pieces[i*n/len(lines)]
		if line.poison || w.random.IntN(2) == 0 {
			piece.produce = append(piece.produce, line)
		} else {
			piece.post = append(piece.post, line)
		}
	}
	return pieces
}

// post sends lines by POST /v1/events until each of them is accepted, as a client does that was told to send again. Now
// and then a body comes slowly, or its sender goes away half-way and begins again.
func (s *soak) post(ctx context.Context, lines []soakLine, piece uint64) {
	random := rand.New(rand.NewPCG(s.plan.seed, piece))
	for len(lines) > 0 && ctx.Err() == nil {
		n := min(len(lines), 20+random.IntN(300))
		var body bytes.Buffer
		for _, line := range lines[:n] {
			body.Write(append(line.line, '\n'))
		}
		for ctx.Err() == nil && !s.postOnce(ctx, body.Bytes(), random.IntN(100)) {
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
		lines = lines[n:]
	}
}

// postOnce reports whether the body was accepted as a whole. luck is 0 to 99.
func (s *soak) postOnce(ctx context.Context, body []byte, luck int) bool {
	var reader io.Reader = bytes.NewReader(body)
	switch {
	case luck < 10:
		reader = &slowReader{rest: body, length: int64(len(body)), pause: 100 * time.Millisecond}
	case luck < 20:
		gone := errors.New("the sender went away")
		reader = &slowReader{rest: body[:len(body)/2], length: int64(len(body)), pause: time.Millisecond, err: gone}
	}
	code, text := s.ask(ctx, http.MethodPost, "/v1/events", reader)
	if again(code) {
		return false
	}
	var answer struct{ Rejected []json.RawMessage }
	if err := json.Unmarshal(text, &answer); err != nil || code != http.StatusAccepted || len(answer.Rejected) > 0 {
		s.t.Errorf("POST /v1/events: %d %.500s, want all of it accepted", code, text)
	}
	return true
}

// slowReader hands out an eighth of its bytes after each pause; err comes after the last.
type slowReader struct {
	rest   []byte
	length int64 // what Content-Length says
	pause  time.Duration
	size   int
	err    error
}

// Read implements io.Reader.
func (r *slowReader) Read(p []byte) (int, error) {
	if r.size == 0 {
		r.size = len(r.rest)/8 + 1
	}
	time.Sleep(r.pause)
	if len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.size)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// produce writes lines to Kafka until all of them are acknowledged.
func (s *soak) produce(ctx context.Context, lines []soakLine) {
	for chunk := range slices.Chunk(lines, 200) {
		var keys, values [][]byte
		for _, line := range chunk {
			keys, values = append(keys, line.key), append(values, line.line)
		}
		for ctx.Err() == nil {
			err := s.produceOnce(ctx, keys, values)
			if err == nil {
				break
			}
			if !errors.Is(err, ingest.ErrUnavailable) {
				s.t.Errorf("produce: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

func (s *soak) produceOnce(ctx context.Context, keys, values [][]byte) error {
	if s.broker == nil {
		return s.k.produceAnyhow(ctx, keys, values)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: []string{s.broker.address}})
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.Produce(ctx, keys, values)
}

// settleAt waits until nothing is left to do, for events and for the clock: what changes by time alone is computed when
// the aggregator has stated that clock's time, and no pass finds work any more.
func (s *soak) settleAt(now time.Time) {
	s.t.Helper()
	const limit = time.Minute
	want := now.Format("2006-01-02T15:04:05.000Z")
	began, passes, since := time.Now(), -1.0, time.Now()
	for {
		state := s.k.settle(limit)
		if n := s.metric("kaskad_aggregate_pass_seconds_count"); n != passes {
			passes, since = n, time.Now()
		}
		if state.AsOf == want && time.Since(since) > time.Second {
			return
		}
		if time.Since(began) > limit {
			s.t.Fatalf("as_of is %s after %v, want %s", state.AsOf, limit, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// metric reads one number of GET /metrics.
func (s *soak) metric(name string) float64 {
	s.t.Helper()
	_, body := s.k.request(http.MethodGet, "/metrics", "", nil)
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return n
		}
	}
	s.t.Fatalf("no metric %s", name)
	return 0
}

// compare holds everything that is answered against the model.
func (s *soak) compare() {
	s.t.Helper()
	queries, err := model.TruthQueries()
	if err != nil {
		s.t.Fatal(err)
	}
	s.random.Shuffle(len(queries), func(i, j int) { queries[i], queries[j] = queries[j], queries[i] })
	s.k.mustEqual(s.world.model, queries[:6])
	money := []model.Query{
		{GroupBy: []string{"account"}}, {GroupBy: []string{"path", "month"}, TZ: zone(s.t, "Europe/Moscow")},
		{GroupBy: []string{"account", "template", "reached_by"}},
	}
	for _, q := range money {
		saved := s.world.savings
		saved.Query = q
		s.k.mustSave(s.world.model, saved)
	}
	s.world.numbers.compareVerdicts(s.t, s.k)
	reach := s.world.numbers.reachQueries(s.t)
	s.random.Shuffle(len(reach), func(i, j int) { reach[i], reach[j] = reach[j], reach[i] })
	s.world.numbers.compareReach(s.t, s.k, reach[:2])
	s.compareBalance()
}

// compareBalance checks that each line of poison is among the dead letters, and nothing else; that only what has no
// cohort waits; and that no event got lost on the way.
func (s *soak) compareBalance() {
	s.t.Helper()
	var letters []struct{ Raw, Encoding string }
	if err := json.Unmarshal(s.k.list("/v1/rejected", url.Values{}), &letters); err != nil {
		s.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, l := range letters {
		if l.Encoding == "base64" {
			raw, err := base64.StdEncoding.DecodeString(l.Raw)
			if err != nil {
				s.t.Fatal(err)
			}
			l.Raw = string(raw)
		}
		if found[l.Raw] = true; !s.world.poison[l.Raw] {
			s.t.Errorf("a dead letter of a good line: %s", l.Raw)
		}
	}
	if len(found) != len(s.world.poison) {
		s.t.Errorf("%d different dead letters, want %d", len(found), len(s.world.poison))
	}
	var now status
	s.k.get("/v1/status", &now)
	b, sent, parked := now.Balance, uint64(len(s.world.lines)), uint64(s.world.model.Counts().ParkedEvents)
	if b.Parked < parked || (b.Parked > 0) != (parked > 0) {
		s.t.Errorf("balance %+v, want at least %d parked, none for none", b, parked)
	}
	if b.Rejected != uint64(len(letters)) || b.Consumed < sent {
		s.t.Errorf("balance %+v, want %d rejected, at least %d consumed", b, len(letters), sent)
	}
}
