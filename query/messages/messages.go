// Package messages is the room of the API about single messages and events: what happened to each recipient, the
// timeline of one message, and the dead letters.
//
// Its guarantees: a message is shown by the law that the reports count it by, and what messages cost adds up to what
// the savings report says; recipients are shown in full to who may see them alone; the pages of the dead letters are
// together each letter once, as long as nothing is added.
package messages

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// Messages serves the routes about messages and dead letters. It is safe for concurrent use.
type Messages struct {
	db      *store.DB
	gate    *answer.Gate
	prices  *prices.Cache
	letters Letters
	// replaying lets one request replay dead letters at a time.
	replaying answer.Turns
	// counts is how many dead letters there are.
	counts letterCounts
}

// New makes the room. Without functions letters are listed and not replayed.
func New(db *store.DB, gate *answer.Gate, lists *prices.Cache, letters Letters) *Messages {
	return &Messages{db: db, gate: gate, prices: lists, letters: letters,
		replaying: answer.NewTurns(1, replayWait)}
}

// Routes lists what the room serves.
func (m *Messages) Routes() []answer.Route {
	rows := answer.Answer{Text: "One row per message.", Columns: Columns,
		Around: append(answer.Fresh(), answer.TariffVersion())}
	return []answer.Route{
		answer.Route{Method: http.MethodGet, Path: "/v1/messages", Serve: m.list, Turn: answer.Listing,
			For: answer.ForMessages, Whole: true, Tagged: true, Try: []string{"/v1/messages?campaign={campaign}"}}.
			Says(answer.TagMessages, "What happened to each recipient",
				"The messages of a campaign, or of whatever else is asked for, one row each: where it was "+
					"reached and when, why not, and what it cost.", listParams(), rows),
		answer.Route{Method: http.MethodGet, Path: "/v1/numbers/:number/messages", Serve: m.ofNumber,
			Turn: answer.Listing, For: answer.ForCRM, Whole: true, Tagged: true}.
			Says(answer.TagMessages, "The messages to a phone number or e-mail address", "", numberParams(), rows),
		answer.Route{Method: http.MethodGet, Path: "/v1/messages/:id", Serve: m.one, Turn: answer.Reading,
			For: answer.ForMessages, Whole: true, Try: []string{"/v1/messages/{message_id}"},
			Errors: answer.Errors{http.StatusNotFound: "no event of this message has been stored"}}.
			Says(answer.TagMessages, "One message: its steps, its timeline, what is still parked", "",
				[]answer.Param{answer.PathParam("id", "The message_id of its events.", "m-1"),
					answer.AccountParam("Needed where several accounts have a message with this id.")},
				answer.Answer{Text: "The message.", Of: answer.Typed[messageAnswer]()}),
		answer.Get(answer.ForAdminsOfAll, "/v1/rejected", m.rejected, "/v1/rejected").
			Says(answer.TagService, "Dead letters: events that could not be stored, and why", "Newest first. A page "+
				"ends early where its letters are larger than 16 MiB together; next_cursor goes on.",
				append([]answer.Param{answer.OfOne("reason", "Letters of one of these reasons.", nil,
					string(schema.ReasonMalformed)),
					answer.OfOne("field", "Letters about one of these fields.", nil, "status"),
					{Name: "replayed", Text: "yes: those that were sent through again; no: the others.",
						Schema: answer.OneOf("yes", "no"), Example: "no"}},
					answer.ListParams(false)...),
				answer.Answer{Text: "A page of dead letters.", Columns: rejectedColumns}),
		answer.Get(answer.ForAdminsOfAll, "/v1/rejected/reasons", m.rejectedReasons, "/v1/rejected/reasons").
			Says(answer.TagService, "How many dead letters there are of each reason and field", "Most first.",
				answer.FormatParams(), answer.Answer{Text: "One row per reason and field.", Columns: reasonColumns}),
		m.replayRoute(),
	}
}

// messageQuery looks for one message. Without an account all accounts are searched.
type messageQuery struct {
	id, account string
}

// SQL returns one of the three statements, attempts, message_units or parked, and its parameters but for those of a
// snapshot.
func (q messageQuery) SQL(name string, seen *answer.Snapshot) (string, []any, error) {
	args := []any{clickhouse.Named("id", q.id)}
	if q.account != "" {
		args = append(args, clickhouse.Named("account", q.account))
	}
	// An id with a time in it says where the message is; others are looked up.
	bucketMS := schema.IDTime([]byte(q.id)) / schema.HourMS * schema.HourMS
	if bucketMS > 0 && name != "parked" {
		args = append(args, clickhouse.Named("bucket", store.Storable(bucketMS)))
	}
	if name == "message_units" {
		args = append(args, knownArgs(seen)...)
	}
	statement, err := store.Fill(statements.Lookup(name+".sql"), map[string]bool{"Account": q.account != "",
		"Bucket": bucketMS > 0, "Dead": len(seen.Dead) > 0})
	return statement, args, err
}

type messageAnswer struct {
	MessageID string `json:"message_id"`
	Account   string `json:"account"`
	// Cohort is null while it is unknown; such a message is in no report.
	Cohort *string `json:"cohort"`
	AsOf   string  `json:"as_of"`
	// Delivered, read and so on of the message: of any of its steps.
	Delivered bool          `json:"delivered"`
	Read      bool          `json:"read"`
	Steps     []stepAnswer  `json:"steps"`
	Timeline  []momentShown `json:"timeline"`
	Parked    []parkedShown `json:"parked"`
}

type stepAnswer struct {
	Step           uint8             `json:"step"`
	Channel        string            `json:"channel"`
	Provider       string            `json:"provider"`
	Recipient      string            `json:"recipient"`
	Contact        string            `json:"contact"`
	Country        string            `json:"country"`
	Campaign       string            `json:"campaign"`
	Template       string            `json:"template"`
	Sender         string            `json:"sender"`
	App            string            `json:"app"`
	Operator       string            `json:"operator"`
	Traffic        string            `json:"traffic"`
	Trigger        string            `json:"trigger"`
	Attempted      bool              `json:"attempted"`
	MachineOpened  bool              `json:"machine_opened"`
	Bounced        bool              `json:"bounced"`
	NotBilled      bool              `json:"not_billed"`
	Sent           bool              `json:"sent"`
	Delivered      bool              `json:"delivered"`
	Read           bool              `json:"read"`
	Clicked        bool              `json:"clicked"`
	Replied        bool              `json:"replied"`
	Failed         bool              `json:"failed"`
	Pending        bool              `json:"pending"`
	Skipped        bool              `json:"skipped"`
	Skewed         bool              `json:"skewed"`
	Start          *string           `json:"start"`
	DeliveredAt    *string           `json:"delivered_at"`
	ReadAt         *string           `json:"read_at"`
	TimeToDeliver  *json.Number      `json:"time_to_deliver"`
	TimeToRead     *json.Number      `json:"time_to_read"`
	TimeToReply    *json.Number      `json:"time_to_reply"`
	Times          map[string]string `json:"times"`
	Parts          *partsShown       `json:"parts"`
	Segments       uint16            `json:"segments"`
	SMSSegments    uint16            `json:"sms_segments"`
	ErrorCode      string            `json:"error_code"`
	Reason         string            `json:"reason"`
	Permanent      bool              `json:"permanent"`
	ReportedPrices []priceShown      `json:"reported_prices"`
	// Units and Cost are null where the attempt has no price, Tariff where no row prices it. UnpricedReason is why a
	// sent one has no price.
	Units    *uint64       `json:"units"`
	Cost     *string       `json:"cost"`
	Currency string        `json:"currency"`
	Tariff   *money.Tariff `json:"tariff"`

	UnpricedReason string `json:"unpriced_reason"`
}

// partsShown lists the parts of a multipart message, counted from 1. A failure counts only while its part is not
// delivered.
type partsShown struct {
	Parts     uint8 `json:"parts"`
	Delivered []int `json:"delivered"`
	Failed    []int `json:"failed"`
}

type priceShown struct {
	Currency string `json:"currency"`
	Price    string `json:"price"`
}

// momentShown is one status at its time; the timeline lists them in the order of time.
type momentShown struct {
	At      string `json:"at"`
	Step    uint8  `json:"step"`
	Channel string `json:"channel"`
	Status  string `json:"status"`
	ms      int64
	status  schema.Status
}

// parkedShown is an event that waits for another event of its message to say when the message was submitted.
type parkedShown struct {
	Step       uint8  `json:"step"`
	Status     string `json:"status"`
	OccurredAt string `json:"occurred_at"`
	Channel    string `json:"channel"`
	Provider   string `json:"provider"`
	ParkedAt   string `json:"parked_at"`
	account    string
}

// one serves GET /v1/messages/{message_id}.
func (m *Messages) one(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	q := messageQuery{id: c.Param("id")}
	account, given := p.One("account")
	if given && account == "" {
		p.Fail("account", "is empty; name an account, or leave the parameter out")
	}
	if len(q.id) > schema.MaxIDBytes {
		p.Fail("message_id", fmt.Sprintf("is %d bytes long; the limit is %d", len(q.id), schema.MaxIDBytes))
	}
	if err := p.Err(); err != nil {
		return err
	}
	q.account = account
	ctx, cancel := context.WithTimeout(c.Request.Context(), m.db.QueryTime)
	defer cancel()
	asOf := m.db.Now()
	seen, err := m.db.Snapshot(ctx, asOf)
	if err != nil {
		return err
	}
	messages, err := m.readAttempts(ctx, q)
	if err != nil {
		return fmt.Errorf("read attempts: %w", err)
	}
	parked, err := m.readParked(ctx, q)
	if err != nil {
		return fmt.Errorf("read parked events: %w", err)
	}
	accounts := map[string]bool{}
	message := &state.Message{}
	message.Reset()
	for _, found := range messages {
		accounts[found.Account] = true
		account, message = found.Account, found
	}
	for _, e := range parked {
		accounts[e.account] = true
		account = e.account
	}
	switch len(accounts) {
	case 0:
		return answer.NewProblem(http.StatusNotFound, "no-such-message",
			"no event of this message has been stored; events show a few seconds after they were accepted")
	case 1:
	default:
		return answer.BadParameter("account",
			"is needed here: more than one account has a message with this id; add account=…")
	}
	message.Account, message.MessageID = account, q.id
	maps, err := m.db.ErrorMaps(ctx)
	if err != nil {
		return err
	}
	reply := describe(message, answer.TimeText(asOf.UnixMilli()), parked, answer.CallerOf(c.Request.Context()).Shown())
	reply.classify(message, maps)
	if err := m.priceSteps(ctx, q, &seen, message, reply.Steps); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, reply)
	return nil
}

// readAttempts reads the message of each account that has one with the id. Of one that is stored in several hours the
// facts merge.
func (m *Messages) readAttempts(ctx context.Context, q messageQuery) (all []*state.Message, err error) {
	statement, args, err := q.SQL("attempts", &answer.Snapshot{})
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	var fact fact
	var message *state.Message
	for rows.Next() {
		if err := fact.scan(rows); err != nil {
			return nil, err
		}
		if message == nil || message.Account != fact.key.Account {
			message = &state.Message{}
			message.Reset()
			message.Key = fact.key
			all = append(all, message)
		}
		fact.addTo(message)
	}
	return all, rows.Err()
}

func (m *Messages) readParked(ctx context.Context, q messageQuery) (all []parkedShown, err error) {
	statement, args, err := q.SQL("parked", &answer.Snapshot{})
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var e parkedShown
		var status uint8
		var occurredMS, parkedMS int64
		if err := rows.Scan(&e.account, &e.Step, &status, &occurredMS, &e.Channel, &e.Provider, &parkedMS); err != nil {
			return nil, err
		}
		e.Status, e.OccurredAt, e.ParkedAt = schema.Status(status).String(), answer.TimeText(occurredMS),
			answer.TimeText(parkedMS)
		all = append(all, e)
	}
	return all, rows.Err()
}

// describe puts a message together.
func describe(m *state.Message, asOf string, parked []parkedShown, shown func(string) string) messageAnswer {
	reply := messageAnswer{MessageID: m.MessageID, Account: m.Account, AsOf: asOf, Steps: []stepAnswer{},
		Timeline: []momentShown{}, Parked: parked}
	if parked == nil {
		reply.Parked = []parkedShown{}
	}
	cohortMS := m.CohortMS()
	reply.Cohort = knownTime(cohortMS)
	for i := range m.Attempts {
		a := &m.Attempts[i]
		f := a.Outcome(cohortMS)
		reply.Delivered, reply.Read = reply.Delivered || f.Delivered, reply.Read || f.Read
		reply.Steps = append(reply.Steps, describeStep(a, f, shown))
		for i, ms := range a.Times {
			if status := schema.Status(i + 1); ms != schema.Never {
				reply.Timeline = append(reply.Timeline,
					momentShown{answer.TimeText(ms), a.Step, a.Channel, status.String(), ms, status})
			}
		}
	}
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if a.MachineMS != schema.Never {
			reply.Timeline = append(reply.Timeline,
				momentShown{answer.TimeText(a.MachineMS), a.Step, a.Channel, "machine_open", a.MachineMS, schema.Read})
		}
		if a.Parts <= 1 && a.SingleDeliveredMS != schema.Never {
			reply.Timeline = append(reply.Timeline,
				momentShown{answer.TimeText(a.SingleDeliveredMS), a.Step, a.Channel, "delivered", a.SingleDeliveredMS,
					schema.Delivered})
		}
		// A status of single parts has no time of its own in the facts, only the last delivery of all parts has.
		if a.AllParts() {
			reply.Timeline = append(reply.Timeline,
				momentShown{answer.TimeText(a.PartsDeliveredMS), a.Step, a.Channel, "delivered", a.PartsDeliveredMS,
					schema.Delivered})
		}
	}
	slices.SortFunc(reply.Timeline, func(x, y momentShown) int {
		return cmp.Or(cmp.Compare(x.ms, y.ms), cmp.Compare(x.Step, y.Step), cmp.Compare(x.status, y.status))
	})
	return reply
}

// classify says of each step that failed what its error means.
func (r *messageAnswer) classify(m *state.Message, maps *errormap.Maps) {
	for i := range m.Attempts {
		a := &m.Attempts[i]
		if f := a.Outcome(m.CohortMS()); f.Failed {
			r.Steps[i].Reason, _ = maps.Class(m.Account, a.Channel, a.Provider, a.ErrorCode(), f.Expired)
		}
	}
}

func describeStep(a *law.Attempt, f law.Outcome, shown func(string) string) stepAnswer {
	step := stepAnswer{
		Step: a.Step, Channel: a.Channel, Provider: a.Provider, Recipient: shown(a.Recipient()),
		Contact: shown(a.Contact),
		Country: a.Country(), Campaign: a.Campaign, Template: a.Template, Sender: a.Sender, App: a.App,
		Operator: a.Operator, Traffic: a.Traffic,
		Trigger: a.Trigger, Attempted: f.Attempted, MachineOpened: f.MachineOpened, Bounced: f.Bounced,
		NotBilled: f.NotBilled, Sent: f.Sent, Delivered: f.Delivered, Read: f.Read, Clicked: f.Clicked,
		Replied: f.Replied,
		Failed:  f.Failed, Pending: f.Pending, Skipped: f.Skipped, Skewed: f.Skewed,
		Start: knownTime(f.StartMS), DeliveredAt: knownTime(f.DeliveredMS), ReadAt: knownTime(f.ReadMS),
		TimeToDeliver: latency(f, f.DeliveredMS), TimeToRead: latency(f, f.ReadMS),
		TimeToReply: latency(f, f.RepliedMS),
		Times:       map[string]string{}, Segments: a.Segments, SMSSegments: a.SMSSegments, ErrorCode: a.ErrorCode(),
		Permanent:      a.Permanent == 1,
		ReportedPrices: []priceShown{},
	}
	for i, ms := range a.Times {
		if ms != schema.Never {
			step.Times[schema.Status(i+1).String()] = answer.TimeText(ms)
		}
	}
	if a.Parts > 1 {
		open := a.OpenParts()
		step.Parts = &partsShown{a.Parts, a.DeliveredParts.Numbers(), open.Numbers()}
	}
	for _, p := range a.Reported(nil) {
		step.ReportedPrices = append(step.ReportedPrices,
			priceShown{p.Currency, string(schema.AppendMicros(nil, p.Micros))})
	}
	return step
}

// latency is the time from the start to ms in seconds, with up to 3 decimals, where both are known and clocks agree to
// a minute; a little before counts as 0.
func latency(f law.Outcome, ms int64) *json.Number {
	if f.Skewed || f.StartMS == schema.Never || ms == schema.Never {
		return nil
	}
	took := json.Number(answer.Decimal(max(0, ms-f.StartMS), 3).AppendNumber(nil))
	return &took
}

func knownTime(ms int64) *string {
	if ms == schema.Never {
		return nil
	}
	shown := answer.TimeText(ms)
	return &shown
}
