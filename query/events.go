package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema/event"
)

const (
	// maxEventBytes keeps a record, with its key, below what the producer sends in one batch (900 KiB) and brokers take
	// by default (1 MiB).
	maxEventBytes = 900_000
	// maxEvents is how many events a body may hold. No body of maxBody bytes holds as many good ones.
	maxEvents = 500_000
	// maxRefusals bounds the list of refused lines in an answer; rejected_total counts beyond it.
	maxRefusals = 100_000
	// maxUnknownFields is how many names of ignored fields an answer lists, the first that come.
	maxUnknownFields = 20
)

// refusal is a line that was not accepted, for the caller to mend.
type refusal struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

type eventsAnswer struct {
	Accepted int       `json:"accepted"`
	Rejected []refusal `json:"rejected"`
	// RejectedTotal is given when there are more refused lines than Rejected lists.
	RejectedTotal int `json:"rejected_total,omitempty"`
	// UnknownFields says of fields that no event has in how many lines they came, refused ones too: the misspelt field
	// is often the missing one.
	UnknownFields map[string]int `json:"unknown_fields,omitempty"`
}

// intake gathers the records of one request.
type intake struct {
	decoder *event.Decoder
	nowMS   int64
	// caller may write events of his own account alone.
	caller       *answer.Caller
	keys, values [][]byte
	refusals     []refusal
	refused      int
	seen         int
	unknown      map[string]int
}

// events serves POST /v1/events. 202 means that all in-sync replicas have every accepted event.
func (s *Server) events(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	arrow, err := checkContentType(c.Request)
	if err != nil {
		return err
	}
	limit := s.config.MaxBody
	body, memory, err := s.gate.Receive(c, limit,
		fmt.Sprintf("the body is larger than %d MiB (unpacked); send it in several requests", limit>>20))
	if err != nil {
		return err
	}
	defer memory.Release()
	turns := &s.gate.Uploads
	if arrow = arrow || event.IsArrow(body); arrow {
		turns = &s.gate.Unpacking
	}
	release, err := turns.Take(c.Request.Context())
	if err != nil {
		return err
	}
	defer release()
	decoder := s.decoders.Get().(*event.Decoder)
	defer s.decoders.Put(decoder)
	in := &intake{decoder: decoder, nowMS: s.db.Now().UnixMilli(), caller: answer.CallerOf(c.Request.Context())}
	if err := in.read(body, arrow, 4*limit); err != nil {
		return err
	}
	reply := eventsAnswer{Accepted: len(in.values), Rejected: in.refusals, UnknownFields: in.unknown}
	if reply.Rejected == nil {
		reply.Rejected = []refusal{}
	}
	if in.refused > len(in.refusals) {
		reply.RejectedTotal = in.refused
	}
	s.metrics.events.WithLabelValues("rejected").Add(float64(in.refused))
	switch {
	case len(in.values) == 0 && in.refused == 0:
		return answer.NewProblem(http.StatusBadRequest, "bad-body",
			"the body holds no event: send a JSON object, an array of them, or one object per line")
	case len(in.values) == 0:
		p := answer.NewProblem(http.StatusUnprocessableEntity, "no-event-accepted",
			fmt.Sprintf("none of the %d events was accepted; rejected says why", in.refused))
		p.SendWith(c, struct {
			*answer.Problem
			eventsAnswer
		}{p, reply})
		return nil
	}
	if err := s.produce(c.Request.Context(), in); err != nil {
		return err
	}
	s.metrics.events.WithLabelValues("accepted").Add(float64(len(in.values)))
	c.PureJSON(http.StatusAccepted, reply)
	return nil
}

func (s *Server) produce(ctx context.Context, in *intake) error {
	if s.deps.Producer == nil {
		return answer.NewProblem(http.StatusServiceUnavailable, "no-kafka",
			"this server has no Kafka to send events to; send them to one that runs with --kafka")
	}
	err := s.deps.Producer.Produce(ctx, in.keys, in.values)
	if err == nil {
		return nil
	}
	var away interface{ Unavailable() bool }
	if errors.Is(err, answer.ErrDiskFull) {
		s.metrics.events.WithLabelValues("unavailable").Add(float64(len(in.values)))
		return err
	}
	if errors.Is(err, answer.ErrUnavailable) || (errors.As(err, &away) && away.Unavailable()) ||
		errors.Is(err, context.DeadlineExceeded) {
		s.metrics.events.WithLabelValues("unavailable").Add(float64(len(in.values)))
		return answer.NewProblem(http.StatusServiceUnavailable, "kafka-unavailable",
			"Kafka is away: nothing was accepted; send the whole request again, twice the same event changes nothing").
			After(2).Because(err)
	}
	return fmt.Errorf("produce %d events: %w", len(in.values), err)
}

// checkContentType tells whether the body is an Arrow stream. What tools send when nobody said anything is taken for
// JSON: no header, and the form type that curl --data and others put in. A page of another site cannot use that, for
// its Origin is refused.
func checkContentType(r *http.Request) (arrow bool, err error) {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return false, nil
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil {
		media = ""
	}
	switch media {
	case "application/vnd.apache.arrow.stream":
		return true, nil
	case "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl",
		"application/x-jsonlines", "text/plain",
		"application/x-www-form-urlencoded", "application/octet-stream":
		return false, nil
	}
	return false, answer.NewProblem(http.StatusUnsupportedMediaType, "unsupported-content-type",
		fmt.Sprintf("content type %q is not known; send application/json "+
			"(an object or an array), application/x-ndjson (one object per line) or "+
			"application/vnd.apache.arrow.stream",
			answer.Shorten(given)))
}

// read takes the events of a body. Nothing of a broken Arrow stream is accepted. Arrow packs well: limit bounds what
// its rows unpack to.
func (in *intake) read(body []byte, arrow bool, limit int64) error {
	if !arrow {
		if event.Lines(body, in.add); in.seen > maxEvents {
			return answer.NewProblem(http.StatusRequestEntityTooLarge, "body-too-large",
				fmt.Sprintf("the body holds more than %d events; send them in several requests", maxEvents))
		}
		return nil
	}
	unpacked := int64(0)
	_, err := event.ArrowLines(body, func(line int, raw []byte) {
		if unpacked += int64(len(raw)); unpacked <= limit {
			in.add(line, bytes.Clone(raw))
		}
	})
	switch {
	case err != nil:
		return answer.NewProblem(http.StatusBadRequest, "bad-body", err.Error())
	case unpacked > limit:
		return answer.NewProblem(http.StatusRequestEntityTooLarge, "body-too-large",
			fmt.Sprintf("the rows of the stream are larger than %d MiB as JSON; send them in several requests",
				limit>>20))
	}
	return nil
}

// add decodes one event and keeps the record to produce: the caller's own bytes, unless they hold a text that must not
// be stored.
func (in *intake) add(line int, raw []byte) {
	if in.seen++; in.seen > maxEvents {
		return
	}
	if len(raw) > maxEventBytes {
		in.refuse(line, fmt.Sprintf("the event is %d bytes long; the limit is %d", len(raw), maxEventBytes))
		return
	}
	ev, failure := in.decoder.Decode(raw, in.nowMS)
	in.nameUnknown(in.decoder.UnknownNames())
	if failure != nil {
		in.refuse(line, failure.Error())
		return
	}
	if !in.caller.May(string(ev.Account)) {
		in.refuse(line, "account: the key is of another account, and writes events of its own alone")
		return
	}
	// A field may come twice, so the event itself does not tell whether a text is among the bytes.
	if len(ev.SMSText) > 0 || bytes.Contains(raw, []byte("sms_text")) {
		raw = event.AppendJSON(nil, ev)
	}
	id := ev.MessageID
	if !ev.Status.OfMessage() {
		id = ev.Recipient
	}
	key := make([]byte, 0, len(ev.Account)+1+len(id))
	key = append(append(append(key, ev.Account...), 0), id...)
	in.keys, in.values = append(in.keys, key), append(in.values, raw)
}

// nameUnknown counts the line for each field that it has and no event does. The same name may be there twice.
func (in *intake) nameUnknown(names []string) {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		name = answer.Shorten(name)
		if _, known := in.unknown[name]; !known && len(in.unknown) >= maxUnknownFields {
			continue
		}
		if in.unknown == nil {
			in.unknown = map[string]int{}
		}
		in.unknown[name]++
	}
}

func (in *intake) refuse(line int, reason string) {
	in.refused++
	if len(in.refusals) < maxRefusals {
		in.refusals = append(in.refusals, refusal{line, reason})
	}
}
