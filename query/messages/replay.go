package messages

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema"
)

const (
	maxReplayBody = 256 << 10
	// maxReplayed is how many dead letters a request looks at, and defaultReplayed without a limit: so many take about
	// a second, and a page has something to draw.
	maxReplayed, defaultReplayed = 2000, 500
	// replayTime ends a request well before its connection.
	replayTime = 60 * time.Second
	// replayWait is how long a request waits for another one to end.
	replayWait = 5 * time.Second
	// maxChosen is how long a field or a topic may be, in bytes.
	maxChosen = 256
)

// Letters sends dead letters through again: to Kafka first, and marks them then.
type Letters struct {
	// Count counts the letters of a filter that wait, and those that were sent through again.
	Count func(ctx context.Context, filter schema.LetterFilter) (waiting, replayed uint64, err error)
	// Replay sends those that have become valid.
	Replay func(ctx context.Context, filter schema.LetterFilter) (schema.Replayed, error)
}

// replayBody chooses dead letters.
type replayBody struct {
	Reason string         `json:"reason"`
	Field  string         `json:"field"`
	Topic  string         `json:"topic"`
	From   string         `json:"from"`
	To     string         `json:"to"`
	Places []schema.Place `json:"places"`
	Limit  *int           `json:"limit"`
	Cursor *string        `json:"cursor"`
}

// replayedAnswer is what a request did.
type replayedAnswer struct {
	Sent    uint64 `json:"sent" jsonschema:"Letters that this request has sent through again"`
	Refused uint64 `json:"refused" jsonschema:"Letters that are still wrong, and stay"`
	Already uint64 `json:"already" jsonschema:"Letters of the choice that were sent before the run began"`
	// Remaining is 0 where NextCursor is null.
	Remaining  uint64  `json:"remaining" jsonschema:"Letters of the choice that the run has not looked at yet"`
	NextCursor *string `json:"next_cursor" jsonschema:"Goes on with the run; null at its end"`
}

// replayRoute describes POST /v1/rejected/replay.
func (m *Messages) replayRoute() answer.Route {
	r := answer.Route{Method: http.MethodPost, Path: "/v1/rejected/replay", Serve: m.replay,
		For: answer.ForAdminsOfAll}.
		Says(answer.TagService, "Send dead letters through again",
			"Those that have become valid are sent to Kafka and marked, the others stay. A request looks "+
				"at some letters; send the same body with cursor until next_cursor is null. A second run sends "+
				"nothing twice. After an error the same request may be sent again.", nil,
			answer.Answer{Text: "What the request did.", Of: answer.Typed[replayedAnswer]()})
	name := func(name, text string, of *answer.Schema) answer.Column {
		return answer.Column{Name: name, Text: text, Of: of, Optional: true}
	}
	short := &answer.Schema{Type: "string", MaxLength: new(maxChosen)}
	places := answer.ListOf(answer.ObjectOf(answer.Column{Name: "topic", Of: &answer.Schema{Type: "string",
		MinLength: new(1)}}, answer.Column{Name: "partition", Of: answer.Whole(0, math.MaxInt32)},
		answer.Column{Name: "offset", Of: answer.Whole(0, 1<<53)}, answer.Column{Name: "line",
			Of: answer.Whole(1, math.MaxUint32)}))
	places.MinItems, places.MaxItems = new(1), new(maxReplayed)
	r.Body = &answer.Body{Text: "Chooses dead letters; {} is all.",
		Example: `{"reason":"unknown_value","field":"channel"}`,
		Of: answer.ObjectOf(name("reason", "Letters of this reason", answer.OneOf(schema.Reasons()...)),
			name("field", "Letters about this field", short), name("topic", "Letters of events from this topic", short),
			name("from", "Refused at or after", answer.Formed("date-time")),
			name("to", "Refused before", answer.Formed("date-time")),
			name("places", "These letters, as GET /v1/rejected shows where they are", places),
			name("limit", "How many letters the request looks at", answer.Whole(1, maxReplayed)),
			name("cursor", "next_cursor of the request before", answer.AnyText()))}
	return r
}

// replayRun is what the requests of one run share.
type replayRun struct {
	filter schema.LetterFilter
	// already were sent before the run began, and left are those that it has not looked at.
	already, left uint64
	query         []byte
}

// replay serves POST /v1/rejected/replay. A request looks at some letters; its cursor goes on after them.
func (m *Messages) replay(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	body, err := m.readReplayBody(c)
	if err != nil {
		return err
	}
	run, first, err := m.runOf(c.Request.Context(), body)
	if err != nil {
		return err
	}
	if m.letters.Replay == nil {
		return answer.NewProblem(http.StatusServiceUnavailable, "no-kafka",
			"this server has no Kafka to send dead letters to; ask one that runs with --kafka")
	}
	// One at a time: who comes second finds what the first has marked.
	end, err := m.replaying.Take(c.Request.Context())
	if err != nil {
		return err
	}
	defer end()
	if err := m.gate.Note(c, run.String()); err != nil {
		return err
	}
	// What is sent is to be marked, whether the caller still waits or not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), replayTime)
	defer cancel()
	if first {
		if run.left, run.already, err = m.letters.Count(ctx, run.filter); err != nil {
			return err
		}
	}
	did, err := m.letters.Replay(ctx, run.filter)
	if err != nil {
		return replayProblem(err)
	}
	return m.tell(c, run, did)
}

// tell answers with what a request did, and how the run goes on.
func (m *Messages) tell(c *gin.Context, run *replayRun, did schema.Replayed) error {
	run.left -= min(run.left, did.Sent+did.StillRefused)
	if !did.More {
		run.left = 0
	}
	var next *string
	if did.More {
		at := *did.Last
		sealed, err := m.db.Cursors.Seal(c.Request.Context(), answer.Cursor{Query: run.query, After: [][]byte{
			strconv.AppendInt(nil, run.filter.Until.UnixMilli(), 10), strconv.AppendUint(nil, run.already, 10),
			strconv.AppendUint(nil, run.left, 10), []byte(at.Topic), strconv.AppendInt(nil, int64(at.Partition), 10),
			strconv.AppendInt(nil, at.Offset, 10), strconv.AppendUint(nil, uint64(at.Line), 10)}})
		if err != nil {
			return err
		}
		next = &sealed
	}
	c.PureJSON(http.StatusOK, replayedAnswer{did.Sent, did.StillRefused, run.already, run.left, next})
	return nil
}

// replayProblem tells what to do when Kafka takes nothing. What was sent and not marked may be sent again.
func replayProblem(err error) error {
	if errors.Is(err, answer.ErrUnavailable) {
		return answer.NewProblem(http.StatusServiceUnavailable, "kafka-unavailable",
			"Kafka is away: letters that were sent are marked, the others stay; send the request again").After(2).
			Because(err)
	}
	return err
}

func (m *Messages) readReplayBody(c *gin.Context) (body replayBody, err error) {
	if err := answer.CheckJSON(c.Request); err != nil {
		return body, err
	}
	raw, memory, err := m.gate.Receive(c, maxReplayBody, "the body is larger than "+answer.ByteSize(maxReplayBody)+
		": choose by reason, field or time rather than by places")
	if err != nil {
		return body, err
	}
	defer memory.Release()
	reader := json.NewDecoder(bytes.NewReader(raw))
	reader.DisallowUnknownFields()
	if err = reader.Decode(&body); err == nil {
		if _, end := reader.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil || !utf8.Valid(raw) || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return body, answer.NewProblem(http.StatusBadRequest, "bad-body", "the body must be one JSON object in UTF-8 "+
			`such as {"reason":"unknown_value","field":"channel"}, or {} for all dead letters; it may have reason, `+
			"field, topic, from, to, places, limit and cursor").Because(err)
	}
	return body, nil
}

// runOf judges what a request chooses. first says that it begins a run.
func (m *Messages) runOf(ctx context.Context, body replayBody) (run *replayRun, first bool, err error) {
	p := &answer.Params{Values: url.Values{}}
	f := schema.LetterFilter{Reason: schema.Reason(body.Reason), Field: body.Field, Topic: body.Topic,
		Places: body.Places, Limit: defaultReplayed}
	if body.Reason != "" && !slices.Contains(schema.Reasons(), f.Reason) {
		p.Fail("reason", fmt.Sprintf("%q is no reason; it must be one of %s", answer.Shorten(body.Reason),
			strings.Trim(fmt.Sprint(schema.Reasons()), "[]")))
	}
	if len(f.Field) > maxChosen {
		p.Fail("field", fmt.Sprintf("is longer than %d bytes", maxChosen))
	}
	if len(f.Topic) > maxChosen {
		p.Fail("topic", fmt.Sprintf("is longer than %d bytes", maxChosen))
	}
	f.Since, f.Until = timeOf(p, "from", body.From), timeOf(p, "to", body.To)
	if !f.Until.IsZero() && !f.Until.After(f.Since) {
		p.Fail("to", "must be later than from")
	}
	if f.Places != nil && (len(f.Places) == 0 || len(f.Places) > maxReplayed) {
		p.Fail("places", fmt.Sprintf("are %d: name 1…%d, or leave them out for all", len(f.Places), maxReplayed))
	}
	if i := slices.IndexFunc(f.Places, func(at schema.Place) bool { return at.Topic == "" || at.Line == 0 }); i >= 0 {
		p.Fail(fmt.Sprintf("places[%d]", i), "needs topic, partition, offset and line, as GET /v1/rejected shows them")
	}
	if body.Limit != nil {
		if f.Limit = *body.Limit; f.Limit < 1 || f.Limit > maxReplayed {
			p.Fail("limit", fmt.Sprintf("must be a whole number, 1…%d", maxReplayed))
		}
	}
	places, err := json.Marshal(f.Places)
	if err != nil {
		return nil, false, fmt.Errorf("print places: %w", err)
	}
	run = &replayRun{filter: f, query: answer.QueryHash("replay", body.Reason, body.Field, body.Topic, body.From,
		body.To, string(places))}
	if body.Cursor == nil {
		// What comes back refused because of this run is not of this run.
		if now := m.db.Now().Add(time.Millisecond); f.Until.IsZero() || f.Until.After(now) {
			run.filter.Until = now
		}
		return run, true, p.Err()
	}
	p.Values.Set("cursor", *body.Cursor)
	if at := m.db.Cursors.Read(ctx, p, run.query, 7); at != nil && run.resume(at.After) != nil {
		p.Fail("cursor", "cannot be read: start again without a cursor")
	}
	return run, false, p.Err()
}

// resume goes on where the request before has ended.
func (r *replayRun) resume(keys [][]byte) error {
	until, err := strconv.ParseInt(string(keys[0]), 10, 64)
	if err != nil {
		return err
	}
	if r.already, err = strconv.ParseUint(string(keys[1]), 10, 64); err != nil {
		return err
	}
	if r.left, err = strconv.ParseUint(string(keys[2]), 10, 64); err != nil {
		return err
	}
	at, err := letterOf(keys[2:])
	if err != nil {
		return err
	}
	r.filter.Until = time.UnixMilli(until)
	r.filter.After = &schema.Place{Topic: at.topic, Partition: at.partition, Offset: at.offset, Line: at.line}
	return nil
}

// String says for the audit what was chosen.
func (r *replayRun) String() string {
	text := "replays dead letters"
	for _, part := range []struct{ name, value string }{{"reason", string(r.filter.Reason)}, {"field", r.filter.Field},
		{"topic", r.filter.Topic}} {
		if part.value != "" {
			text += " " + part.name + " " + strconv.Quote(answer.Shorten(part.value))
		}
	}
	if !r.filter.Since.IsZero() {
		text += " from " + answer.TimeText(r.filter.Since.UnixMilli())
	}
	text += " to " + answer.TimeText(r.filter.Until.UnixMilli())
	if r.filter.Places != nil {
		text += fmt.Sprintf(" of %d places", len(r.filter.Places))
	}
	return text
}

// timeOf reads a time of a body, the zero time where it is left out.
func timeOf(p *answer.Params, name, given string) time.Time {
	if given == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, given)
	if err != nil {
		p.Fail(name, fmt.Sprintf("%q must be an RFC 3339 time such as 2026-11-20T13:00:00+03:00",
			answer.Shorten(given)))
	}
	return at
}
