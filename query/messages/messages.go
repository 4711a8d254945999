// Package messages is the room of the API about single messages and events: the timeline of one message, and the dead
// letters.
//
// Its guarantees: a message is shown by the law that the reports count it by; recipients are shown in full to who may
// see them alone; the pages of the dead letters are together each letter once, as long as nothing is added.
package messages

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
)

var (
	//go:embed sql/attempts.sql
	messageAttemptsSQL string
	//go:embed sql/parked.sql
	messageParkedSQL string
)

var messageTemplates = template.Must(template.Must(law.Template("attempts").Parse(messageAttemptsSQL)).
	New("parked").Parse(messageParkedSQL))

// Messages serves the routes about messages and dead letters. It is safe for concurrent use.
type Messages struct{ db *store.DB }

// New makes the room.
func New(db *store.DB) *Messages { return &Messages{db: db} }

// Routes lists what the room serves.
func (m *Messages) Routes() []answer.Route {
	return []answer.Route{
		{Method: http.MethodGet, Path: "/v1/messages/:id", Serve: m.one, Turn: answer.Reading, For: answer.ForMessages,
			Whole: true, Try: []string{"/v1/messages/{message_id}"}},
		answer.Get(answer.ForAdminsOfAll, "/v1/rejected", m.rejected, "/v1/rejected"),
	}
}

// messageQuery looks for one message. Without an account all accounts are searched.
type messageQuery struct {
	id, account string
}

// SQL returns one of the two statements, attempts or parked, and its parameters.
func (q messageQuery) SQL(name string) (string, []any, error) {
	args := []any{clickhouse.Named("id", q.id)}
	if q.account != "" {
		args = append(args, clickhouse.Named("account", q.account))
	}
	// An id with a time in it says where the message is; others are looked up.
	bucketMS := schema.IDTime([]byte(q.id)) / schema.HourMS * schema.HourMS
	if bucketMS > 0 && name == "attempts" {
		args = append(args, clickhouse.Named("bucket", store.Storable(bucketMS)))
	}
	var statement strings.Builder
	err := messageTemplates.ExecuteTemplate(&statement, name,
		map[string]bool{"Account": q.account != "", "Bucket": bucketMS > 0})
	if err != nil {
		return "", nil, fmt.Errorf("fill message SQL: %w", err)
	}
	return statement.String(), args, nil
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

// attempt is one step of a message.
type attempt struct {
	law.Attempt
	account           string
	submittedMS, idMS int64
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
	TimeToDeliver  *seconds          `json:"time_to_deliver"`
	TimeToRead     *seconds          `json:"time_to_read"`
	TimeToReply    *seconds          `json:"time_to_reply"`
	Times          map[string]string `json:"times"`
	Parts          *partsShown       `json:"parts"`
	Segments       uint16            `json:"segments"`
	SMSSegments    uint16            `json:"sms_segments"`
	ErrorCode      string            `json:"error_code"`
	Permanent      bool              `json:"permanent"`
	ReportedPrices []priceShown      `json:"reported_prices"`
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
	p, err := answer.ReadParams(c.Request, []string{"account"})
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
	attempts, err := m.readAttempts(ctx, q)
	if err != nil {
		return fmt.Errorf("read attempts: %w", err)
	}
	parked, err := m.readParked(ctx, q)
	if err != nil {
		return fmt.Errorf("read parked events: %w", err)
	}
	accounts := map[string]bool{}
	for _, a := range attempts {
		accounts[a.account] = true
		account = a.account
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
	c.PureJSON(http.StatusOK, describe(q.id, account, answer.TimeText(asOf.UnixMilli()), attempts, parked,
		answer.CallerOf(c.Request.Context()).Shown()))
	return nil
}

func (m *Messages) readAttempts(ctx context.Context, q messageQuery) (all []*attempt, err error) {
	statement, args, err := q.SQL("attempts")
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		a := &attempt{}
		a.Reset(0)
		var times []int64
		var deliveredParts, failedParts big.Int
		var lastError string
		var prices map[string]int64
		if err := rows.Scan(&a.account, &a.Step, &a.submittedMS, &a.idMS, &a.Channel, &a.Provider, &a.Campaign,
			&a.Template, &a.Sender, &a.App, &a.Operator, &a.Traffic, &a.Trigger, &a.RecipientCountry, &a.SaidCountry,
			&a.Contact, &a.Segments, &a.SMSSegments, &times, &a.MachineMS, &a.SingleDeliveredMS, &a.Parts,
			&deliveredParts, &failedParts, &a.PartFailures, &a.PartsDeliveredMS, &lastError, &a.AnyErrorCode,
			&a.Permanent, &prices, &a.Billable); err != nil {
			return nil, err
		}
		copy(a.Times[:], times)
		a.DeliveredParts, a.FailedParts = law.PartSetOf(&deliveredParts), law.PartSetOf(&failedParts)
		a.SetLastError(lastError)
		a.SetPrices(prices)
		all = append(all, a)
	}
	return all, rows.Err()
}

func (m *Messages) readParked(ctx context.Context, q messageQuery) (all []parkedShown, err error) {
	statement, args, err := q.SQL("parked")
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

// describe puts a message together; shown is how recipients and contacts are shown. attempts are
// those of one account, in the order of steps.
func describe(id, account, asOf string, attempts []*attempt, parked []parkedShown,
	shown func(string) string) messageAnswer {
	reply := messageAnswer{MessageID: id, Account: account, AsOf: asOf, Steps: []stepAnswer{},
		Timeline: []momentShown{}, Parked: parked}
	if parked == nil {
		reply.Parked = []parkedShown{}
	}
	cohortMS := cohortOf(attempts)
	reply.Cohort = knownTime(cohortMS)
	for _, a := range attempts {
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
	for _, a := range attempts {
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

// cohortOf is the earliest submitted_at of any event of the message, else the time in its id where that is plausible.
func cohortOf(attempts []*attempt) int64 {
	submitted, inID := schema.Never, schema.Never
	for _, a := range attempts {
		submitted, inID = min(submitted, a.submittedMS), min(inID, a.idMS)
	}
	return law.CohortMS(submitted, inID)
}

func describeStep(a *attempt, f law.Outcome, shown func(string) string) stepAnswer {
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

// seconds prints milliseconds as a decimal number of seconds.
type seconds int64

// MarshalJSON prints up to 3 decimals.
func (s seconds) MarshalJSON() ([]byte, error) {
	return answer.Decimal(int64(s), 3).AppendNumber(nil), nil
}

// latency is the time from the start to ms, where both are known and clocks agree to a minute; a little before counts
// as 0.
func latency(f law.Outcome, ms int64) *seconds {
	if f.Skewed || f.StartMS == schema.Never || ms == schema.Never {
		return nil
	}
	took := seconds(max(0, ms-f.StartMS))
	return &took
}

func knownTime(ms int64) *string {
	if ms == schema.Never {
		return nil
	}
	shown := answer.TimeText(ms)
	return &shown
}
