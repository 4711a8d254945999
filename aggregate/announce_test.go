package aggregate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaskad/aggregate/notify"
	"kaskad/schema"
)

// topic notes what is produced to it.
type topic struct {
	mu     sync.Mutex
	values []string
}

func (p *topic) produce(_ context.Context, _, values [][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range values {
		p.values = append(p.values, string(v))
	}
	return nil
}

func (p *topic) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.values)
}

// An endpoint that never answers holds up neither the topic nor the aggregator, nor its end.
func TestAggregator_Run_EndpointHangs(t *testing.T) {
	conn := connect(t)
	hang, called := make(chan struct{}), make(chan struct{}, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case called <- struct{}{}:
		default:
		}
		<-hang
	}))
	t.Cleanup(endpoint.Close)
	t.Cleanup(func() { close(hang) })
	webhook, err := notify.NewWebhook(notify.WebhookConfig{URL: endpoint.URL,
		Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}})
	if err != nil {
		t.Fatal(err)
	}
	var kafka topic
	a := New(Config{Exclusive: true, Now: func() time.Time { return noon.Add(24 * time.Hour) }, Webhook: webhook,
		ChangesTopic: "numbers.changed", NotifyFromStart: true},
		Deps{Conn: conn, Reject: noLetters, ProduceChanges: kafka.produce})
	old := schema.NumberChange{Account: "b", Number: "+79001234568", From: "suspect", To: "dead", Rule: "hard",
		Seq: uint64(noon.UnixMicro())}
	if err := schema.InsertNumberChanges(t.Context(), conn, []schema.NumberChange{old}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	load(t, conn, "t", []byte(line("0193473d-8000-7000-8000-000000000001", "delivered", noon, submitted(noon)...)),
		noon.Add(24*time.Hour))
	// Both what stood in the feed and the verdict on the number of the event arrive in the topic.
	waitFor(t, func() bool { return len(kafka.all()) == 2 })
	for i, words := range []string{`"account":"b"`, `"account":"a","number":"+79001234567","from":"unknown"`} {
		if got := kafka.all()[i]; !strings.Contains(got, words) {
			t.Errorf("announcement %d is %s, want %s in it", i, got, words)
		}
	}
	<-called
	began := time.Now()
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the end took %v, though the endpoint has 15 s for its answer", took)
	}
}
