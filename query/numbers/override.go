package numbers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema"
)

const (
	// verdictWait is how long a request waits for the verdict that it asked for: several passes of the aggregator.
	verdictWait = 10 * time.Second
	// verdictPoll is how often it looks.
	verdictPoll = 100 * time.Millisecond
	// maxWhy is how long a reason may be, in bytes.
	maxWhy = 1000
	// maxOverrideBody leaves room for one that is escaped throughout.
	maxOverrideBody = 16 << 10
)

// overrideStates are what a number can be declared to be.
var overrideStates = []string{"active", "dead", "quarantined"}

// putOverride serves PUT /v1/numbers/{number}/override.
func (n *Numbers) putOverride(c *gin.Context) error {
	q, err := readOne(c)
	if err != nil {
		return err
	}
	p, err := n.gate.ReadFields(c, maxOverrideBody)
	if err != nil {
		return err
	}
	state := p.Required("state", `what the number is: {"state":"active"}, "dead" or "quarantined"`)
	if state != "" && !slices.Contains(overrideStates, state) || state == "" && !p.Failed("state") {
		p.Fail("state", fmt.Sprintf("%q is no state that can be set; %s; DELETE the override to go by the evidence "+
			"again", answer.Shorten(state), answer.Suggest(state, overrideStates)))
	}
	why := p.Required("why", "say for whoever asks later why the evidence is overruled")
	if why == "" && !p.Failed("why") {
		p.Fail("why", "is empty; say for whoever asks later why the evidence is overruled")
	}
	if len(why) > maxWhy || !utf8.ValidString(why) {
		p.Fail("why", fmt.Sprintf("must be a text of at most %d bytes", maxWhy))
	}
	if err := p.Err(); err != nil {
		return err
	}
	end, err := n.db.Reads(c, &n.gate.Overrides)
	if err != nil {
		return err
	}
	defer end()
	return n.override(c, q, override{state: state, why: why, by: n.gate.Author(c)})
}

// deleteOverride serves DELETE /v1/numbers/{number}/override: the evidence counts again. Without an override nothing
// changes.
func (n *Numbers) deleteOverride(c *gin.Context) error {
	q, err := readOne(c)
	if err != nil {
		return err
	}
	return n.override(c, q, override{by: n.gate.Author(c)})
}

// override stores an override, asks for the verdict and waits for it.
func (n *Numbers) override(c *gin.Context, q oneQuery, o override) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), verdictWait+n.db.QueryTime)
	defer cancel()
	before, err := n.readVerdict(ctx, q)
	if err == nil && before.state == unknownState {
		err = n.checkAccount(ctx, q.account)
	}
	if err != nil {
		return err
	}
	if before.account == "" {
		return answer.BadParameter("account", "is needed here: no account knows this number yet; add account=…")
	}
	q.account = before.account
	stored, err := n.storeOverride(ctx, q, o)
	if err != nil {
		return err
	}
	if stored == nil { // there was nothing to take back
		return n.answerNumber(ctx, c, http.StatusOK, before, "")
	}
	now, err := n.waitForVerdict(ctx, q, before, *stored)
	if err != nil {
		return err
	}
	if !now.follows(before, *stored) {
		return n.answerNumber(ctx, c, http.StatusAccepted, now,
			"the override is stored, and the verdict does not show it yet: is the aggregator running? GET the number "+
				"again; it need not be sent twice")
	}
	return n.answerNumber(ctx, c, http.StatusOK, now, "")
}

// storeOverride stores an override under a version above the last, and asks for the verdict. It returns what was
// stored: nil when there was nothing to take back.
func (n *Numbers) storeOverride(ctx context.Context, q oneQuery, o override) (*override, error) {
	n.overriding.Lock()
	defer n.overriding.Unlock()
	last, err := n.readOverride(ctx, q.account, q.number)
	if err != nil {
		return nil, err
	}
	now := n.db.Now()
	if o.state == "" && last.state == "" {
		if last.version > 0 {
			// It was taken back before; whoever did so may not have lived to ask for the verdict.
			_, err = schema.AskVerdicts(ctx, n.db.Conn, q.account, []string{q.number}, now)
		}
		return nil, err
	}
	o.version, o.atMS = max(uint64(now.UnixMicro()), last.version+1), now.UnixMilli()
	// Whether the caller still waits does not matter any more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.db.QueryTime)
	defer cancel()
	if err := schema.InsertNumberOverride(ctx, n.db.Conn,
		schema.NumberOverride{Account: q.account, Number: q.number, Version: o.version,
			State: o.state, Why: o.why, By: o.by, AtMS: o.atMS}); err != nil {
		return nil, err
	}
	if _, err := schema.AskVerdicts(ctx, n.db.Conn, q.account, []string{q.number}, now); err != nil {
		return nil, fmt.Errorf("the override is stored, and its verdict could not be asked for: %w", err)
	}
	return &o, nil
}

// follows reports whether a verdict was given in view of an override. A verdict that says the same as before need not
// be written anew.
func (v *verdict) follows(before verdict, o override) bool {
	if v.override != o.state {
		return false
	}
	return o.state == "" || v.why == o.why && (v.version > before.version || v.sinceMS == o.atMS)
}

// waitForVerdict returns the verdict that follows the override, or the last one when none does in time.
func (n *Numbers) waitForVerdict(ctx context.Context, q oneQuery, before verdict, o override) (v verdict, err error) {
	deadline := time.NewTimer(n.verdictWait)
	defer deadline.Stop()
	tick := time.NewTicker(verdictPoll)
	defer tick.Stop()
	for {
		if v, err = n.readVerdict(ctx, q); err != nil || v.follows(before, o) {
			return v, err
		}
		last, err := n.readOverride(ctx, q.account, q.number)
		if err != nil {
			return v, err
		}
		if last.version > o.version {
			return v, answer.NewProblem(http.StatusConflict, "overridden",
				"somebody else has set or taken back the verdict on this number meanwhile, and theirs holds: GET the "+
					"number to see it")
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return v, nil
		case <-n.gate.Stopping:
			return v, nil
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}
