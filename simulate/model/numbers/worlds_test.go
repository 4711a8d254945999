package numbers

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kaskad/simulate/model"
	"kaskad/simulate/worlds"
)

func modelOf(w worlds.NumberWorld, t testing.TB, lines ...[][]byte) *model.Model {
	t.Helper()
	m := model.New(w.Now)
	for _, line := range slices.Concat(lines...) {
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return m
}

// coverage counts what a set of worlds meets.
type coverage map[string]int

func (c coverage) meet(name string, when bool) {
	if when {
		c[name]++
	}
}

// Comparing verdicts in random worlds proves nothing about a rule that no world meets. So each rule, border and oddity
// is counted here.
func TestRandomNumbers_Coverage(t *testing.T) {
	met := coverage{}
	const seeds, numbers = 60, 120
	for seed := range uint64(seeds) {
		w := worlds.RandomNumbers(seed, numbers)
		m := modelOf(w, t, w.Early, w.Late)
		verdicts, err := Verdicts(m, w.Query())
		if err != nil {
			t.Fatal(err)
		}
		codes, err := codeBooks(nil, w.Query().ErrorMaps)
		if err != nil {
			t.Fatal(err)
		}
		evidence := gatherEvidence(m, w.Query(), codes)
		if len(verdicts) < numbers*9/10 {
			t.Errorf("seed %d: %d verdicts of %d numbers", seed, len(verdicts), numbers)
		}
		for _, v := range verdicts {
			met.verdict(v)
			if e := evidence[numberKey{v.Account, v.Number}]; e != nil && v.Override == "" {
				met.rules(e, v, w.Now.UnixMilli())
				met.evidence(m, e, v)
				met.health(e, v)
			}
			for _, o := range w.Removed {
				met.meet("dead again without the override", o.Number == v.Number &&
					slices.ContainsFunc(v.DeadSpans, func(s DeadSpan) bool { return s.From.Equal(o.Until) }))
			}
		}
		met.attempts(m, w, evidence)
		met.lines(t, w)
		met.signals(m, w)
		met.reports(t, m, w)
	}
	for name, least := range map[string]int{
		"active": 500, "suspect": 300, "dead": 500, "revived": 100, "unknown": 300, "override active": 20,
		"override dead": 20, "override quarantined": 20,
		"override without history": 5, "rule deactivated": 100, "rule invalid_format": 100, "rule hard": 150,
		"rule soft": 100, "killed by a lookup": 30,
		"hard at the hour": 50, "hard too early by 1 ms": 10, "hard in one mailing": 20, "soft at the day": 30,
		"soft too early by 1 ms": 5, "too few soft mailings": 20,
		"soft in too few mailings though many failures": 20, "soft blocked": 50, "soft blocked on its day": 20,
		"soft blocked on the first quiet day":        10,
		"soft with a delivery before the quiet days": 20, "soft blocked later": 30, "another rule later": 10,
		"revived at the border": 20, "revived until 1 ms ago": 5,
		"revived then active": 100, "revived though suspect": 20, "dead again": 20, "failure at a success": 50,
		"failure at a success counts no more": 30,
		"failures at one time":                200, "rules at one time": 20, "mailing by day": 200,
		"only what never counts": 100, "failure at the window's edge": 10,
		"lookup at the window's edge": 5, "old delivery blocks": 10, "outside the window": 50, "old id": 10,
		"part failed": 50, "code of a delivered part": 10, "permanent without meaning": 50,
		"unmapped": 50, "expired without a code": 100, "expired with a code": 50, "own line": 100,
		"provider before all": 50, "leading zeros": 50, "unknown start": 50,
		"reported after a success": 20, "reassigned by owner": 50, "reassigned by death": 50,
		"reassigned at 3 days": 10, "not reassigned by 1 ms": 3,
		"owner changed at the success": 5, "wasted": 300, "wasted nothing": 100, "unpriced": 50, "two currencies": 10,
		"lookups at one time": 3, "not a Viber user": 50,
		"month border": 50, "two recipients": 100, "three recipients": 50, "late": 1000, "twice": 500,
		"parked until late": 50, "uuid": 1000, "plain id": 1000,
		"several recipients of a contact": 100, "audience subscribed": 50, "audience unsubscribed": 50,
		"audience uninstalled": 100, "audience by token": 50,
		"audience at one time": 20, "viber token": 20, "penetration lost": 50, "lost by token": 10,
		"loss at the delivery": 10,
		"another app holds":    3, "best read": 500, "best delivered": 500, "best unpriced": 100,
		"best of several": 200, "spend dead": 100, "spend unpriced": 30, "spend delivered": 20,
		"guessed": 100, "guess holds a death back": 30, "suspect by guesses alone": 10, "alias": 100,
		"shipped alias": 20, "alias of an alias": 5, "a call's guess": 20,
		"unmapped guess": 50, "latest code is not the greatest": 50, "codes at one time": 10,
		"code after a delivery": 50, "mail dead": 50, "mail suspect": 20, "mail bounced": 10,
		"mail machine open": 10, "reachable elsewhere": 50, "opt-out blocked": 50, "opt-out unsubscribed": 50,
		"opt-out complained": 10, "opt-out by code": 50,
		"opt-out without evidence": 10, "block ended": 20, "block ended by a reply or a read": 10,
		"block stands at the same time": 3, "other sender ends no block": 3,
		"audience blocked": 50, "audience complained": 10, "lost by block": 20, "lost by code": 20, "lost by death": 50,
		"back again": 10, "blind": 30,
		"person of several steps": 50, "contact on some steps": 50, "override removed": 10,
		"dead again without the override": 5, "best in another currency": 5, "best of four segments": 10,
		"candidates": 50, "history measured": 20,
		"failure kinds": 500, "own rules": 10, "default rules": 20, "own map": 20,
	} {
		t.Logf("%-50s %6d", name, met[name])
		if met[name] < least {
			t.Errorf("%s: met %d times in %d worlds, want at least %d", name, met[name], seeds, least)
		}
	}
}

func (c coverage) verdict(v Verdict) {
	if v.Override != "" {
		c.meet("override "+v.Override, true)
		c.meet("override without history", len(v.History) == 0 && v.LastFailedAt.IsZero())
		return
	}
	c.meet(v.State, true)
	c.meet("rule "+v.Rule, v.Rule != "")
	c.meet("wasted", v.WastedCost != nil && v.WastedCost.Sign() > 0)
	c.meet("wasted nothing", v.WastedCost != nil && v.WastedCost.Sign() == 0 && v.FailedMailings > 0)
	deaths := 0
	for i, change := range v.History {
		if change.To == "dead" {
			deaths++
		}
		c.meet("another rule later", change.From == "dead" && change.To == "dead")
		c.meet("soft blocked later", change.From == "dead" && oneOf(change.To, "unknown", "active", "suspect"))
		c.meet("revived then active", change.From == "revived" && change.To == "active")
		c.meet("revived though suspect", change.From == "revived" && change.To == "suspect" && i > 0)
	}
	c.meet("dead again", deaths > 1)
}

// rules looks at the borders of the rules.
func (c coverage) rules(e *numberEvidence, v Verdict, now int64) {
	streak := e.streak(forever)
	var hard, all []int64
	hardMailings, mailings := map[string]bool{}, map[string]bool{}
	for _, f := range streak {
		all = append(all, f.at)
		mailings[f.mailing] = true
		if e.hard(f) {
			hard = append(hard, f.at)
			hardMailings[f.mailing] = true
		}
	}
	since := v.Since.UnixMilli()
	hours, softDays := int64(e.rules.HardHours)*hourMS, int64(e.rules.SoftDays)*dayMS
	c.meet("hard at the hour", v.Rule == "hard" && since-slices.Min(hard) == hours)
	c.meet("hard too early by 1 ms", v.State == "suspect" && len(hardMailings) >= e.rules.HardMailings &&
		slices.Max(hard)-slices.Min(hard) == hours-1)
	c.meet("hard in one mailing", v.State == "suspect" && e.rules.HardMailings > 1 && len(hardMailings) == 1 &&
		slices.Max(hard)-slices.Min(hard) >= hours)
	c.meet("soft at the day", v.Rule == "soft" && since-slices.Min(all) == softDays)
	alive := v.State != "dead" && len(all) > 0
	c.meet("soft too early by 1 ms", alive && len(mailings) >= e.rules.SoftMailings &&
		slices.Max(all)-slices.Min(all) == softDays-1)
	long := alive && slices.Max(all)-slices.Min(all) >= softDays
	c.meet("too few soft mailings", long && len(mailings) == e.rules.SoftMailings-1)
	c.meet("soft in too few mailings though many failures", long && len(all) >= e.rules.SoftMailings &&
		len(mailings) < e.rules.SoftMailings)
	blocked := long && len(mailings) >= e.rules.SoftMailings
	c.meet("soft blocked", blocked)
	lastDay := int64(0)
	if len(all) > 0 {
		lastDay = utcDay(slices.Max(all))
	}
	for _, d := range e.deliveries {
		at := d.at
		c.meet("soft blocked on its day", blocked && utcDay(at) == lastDay)
		c.meet("soft blocked on the first quiet day", blocked && utcDay(at) == lastDay-int64(e.rules.QuietDays))
		c.meet("soft with a delivery before the quiet days", v.Rule == "soft" &&
			utcDay(at) == utcDay(since)-int64(e.rules.QuietDays)-1)
	}
	border := now - int64(e.rules.RevivedDays)*dayMS
	for _, at := range e.successes {
		c.meet("revived at the border", v.State == "revived" && at == border)
		c.meet("revived until 1 ms ago", v.State == "active" && at == border-1 && e.deadBefore(at))
		rule, died := e.dead(at - 1)
		c.meet("reassigned by death", rule != "" && at-died >= 3*dayMS)
		c.meet("reassigned at 3 days", rule != "" && at-died == 3*dayMS)
		c.meet("not reassigned by 1 ms", rule != "" && at-died == 3*dayMS-1 && !v.PossibleReassignment)
		for _, l := range e.lookups {
			c.meet("reassigned by owner", l.OwnerChanged != 0 && at > l.OwnerChanged && v.PossibleReassignment)
			c.meet("owner changed at the success", l.OwnerChanged == at)
		}
		for _, f := range e.failures {
			c.meet("failure at a success", f.at == at)
			c.meet("failure at a success counts no more", f.at == at && e.counts(f) && len(streak) == 0)
		}
	}
}

// evidence looks at the failures themselves.
func (c coverage) evidence(m *model.Model, e *numberEvidence, v Verdict) {
	at := map[int64]map[string]bool{}
	never := len(e.failures) > 0
	for _, f := range e.failures {
		if at[f.at] == nil {
			at[f.at] = map[string]bool{}
		}
		at[f.at][f.class] = true
		never = never && !e.counts(f)
		c.meet("killed by a lookup", f.attempt == nil && v.Rule == "invalid_format" && v.Since.Equal(instantOf(f.at)))
		t := instantOf(f.at)
		c.meet("month border", t.Day() == 1 && t.Hour() == 0 && t.Minute() == 0)
		if f.attempt == nil {
			continue
		}
		x := f.attempt
		c.meet("mailing by day", m.Campaign(x.Attempt) == "")
		c.meet("unknown start", x.Facts.Start == model.Unknown)
		for _, success := range e.successes {
			reported := max(x.Attempt.At(model.Undelivered), x.Attempt.At(model.Expired), x.Attempt.At(model.Rejected),
				x.Attempt.At(model.Failed))
			c.meet("reported after a success", f.at < success && success < reported)
		}
	}
	for _, classes := range at {
		c.meet("failures at one time", len(classes) > 1)
		c.meet("rules at one time", classes["deactivated"] &&
			(classes["invalid_format"] || classes["unknown_subscriber"]))
	}
	c.meet("only what never counts", never)
	c.meet("unpriced", v.WastedCost == nil)
	lookups := map[int64]bool{}
	for _, l := range e.lookups {
		c.meet("lookups at one time", lookups[l.Occurred])
		lookups[l.Occurred] = true
	}
}

// attempts looks at the attempts that evidence is made of, and that it leaves out.
func (c coverage) attempts(m *model.Model, w worlds.NumberWorld, all evidenceByNumber) {
	q := w.Query()
	c.meet("own rules", w.Rules != nil)
	c.meet("default rules", w.Rules == nil)
	c.meet("own map", w.ErrorMap != nil)
	edge := w.Now.UnixMilli() - int64(q.RulesOf(w.Account).EvidenceDays)*dayMS
	books, _ := codeBooks(nil, q.ErrorMaps)
	codes := books(w.Account)
	for e := range m.PersonEvents() {
		c.meet("lookup at the window's edge", m.Text(e.Status) == "lookup" && e.Valid == model.SaidFalse &&
			e.Occurred == edge)
	}
	contacts := map[string]map[string]bool{}
	for _, x := range m.Attempts() {
		a := x.Attempt
		if contacts[a.Contact] == nil {
			contacts[a.Contact] = map[string]bool{}
		}
		contacts[a.Contact][a.Recipient] = true
		evidence := oneOf(m.Channel(a), "sms", "voice", "flash_call")
		c.meet("outside the window", evidence && x.Cohort < edge)
		if x.Facts.Delivered && evidence && x.Cohort < edge {
			e := all[numberKey{x.Account, a.Recipient}]
			without := *e
			without.deliveries = nil
			for _, at := range e.successes {
				without.deliveries = append(without.deliveries, numberDelivery{at: at})
			}
			c.meet("old delivery blocks", len(e.streak(forever)) > 0 && judged(e, w) != "dead" &&
				judged(&without, w) == "dead")
		}
		c.meet("old id", x.Cohort < w.Now.UnixMilli()-maxAge)
		if !x.Facts.Failed {
			continue
		}
		code, provider := m.ErrorCode(a), m.Provider(a)
		c.meet("failure at the window's edge", evidence && x.Cohort == edge)
		c.meet("part failed", a.Parts > 0)
		r := reasonOf(m, a, codes)
		class := r.class
		_, byProvider := codes.own[errorKey{provider, code}]
		_, byAll := codes.own[errorKey{"*", code}]
		mapped := byProvider || byAll
		c.meet("permanent without meaning", a.Permanent && code != "" && class == "unknown" && evidence)
		c.meet("unmapped", r.unmapped)
		c.meet("expired without a code", code == "" && class == "expired")
		c.meet("expired with a code", code != "" && a.At(model.Expired) != 0 && class != "expired")
		c.meet("own line", mapped && (&codeBook{shipped: codes.shipped,
			shippedAliases: codes.shippedAliases}).reason(m.Channel(a), provider, code) != r)
		c.meet("provider before all", byProvider && byAll)
		c.codes(m, &x, codes, r)
		c.meet("viber token", m.Channel(a) == "viber" && oneOf(class, "app_uninstalled", "token_invalid"))
		c.meet("not a Viber user", class == "channel_not_registered")
	}
	for contact, recipients := range contacts {
		c.meet("several recipients of a contact", contact != "" && len(recipients) > 1)
	}
}

func judged(e *numberEvidence, w worlds.NumberWorld) string {
	state, _, _ := e.judge(forever, w.Now.UnixMilli())
	return state
}

// lines looks at what the model does not keep.
func (c coverage) lines(t testing.TB, w worlds.NumberWorld) {
	t.Helper()
	early := modelOf(w, t, w.Early).Counts()
	all := modelOf(w, t, w.Early, w.Late).Counts()
	if early.ParkedMessages > all.ParkedMessages {
		c["parked until late"] += int(early.ParkedMessages - all.ParkedMessages)
	}
	c["late"] += len(w.Late)
	seen := map[string]bool{}
	recipients := map[string]map[string]bool{}
	deliveredParts, failedParts := map[string]bool{}, map[string]bool{}
	failures := map[string][][2]string{} // Time and code by attempt.
	for _, line := range slices.Concat(w.Early, w.Late) {
		c.meet("twice", seen[string(line)])
		seen[string(line)] = true
		var e struct {
			MessageID  string `json:"message_id"`
			OccurredAt string `json:"occurred_at"`
			ErrorCode  string `json:"error_code"`
			Step, Part int
			Status     string
			Recipient  string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		c.meet("leading zeros", strings.HasPrefix(e.ErrorCode, "0") && len(e.ErrorCode) > 1)
		c.meet("uuid", len(e.MessageID) == 36)
		c.meet("plain id", e.MessageID != "" && len(e.MessageID) < 36)
		if e.MessageID == "" {
			continue
		}
		key := e.MessageID + "/" + string(rune('0'+e.Step))
		if recipients[key] == nil {
			recipients[key] = map[string]bool{}
		}
		recipients[key][e.Recipient] = true
		part := key + "/" + strconv.Itoa(e.Part)
		if e.Part > 0 && e.Status == "delivered" {
			deliveredParts[part] = true
		}
		if code := strings.TrimLeft(e.ErrorCode, "0"); code != "" {
			failedParts[part] = true
			failures[key] = append(failures[key], [2]string{e.OccurredAt, code})
		}
	}
	for part := range failedParts {
		c.meet("code of a delivered part", deliveredParts[part])
	}
	c["override removed"] += len(w.Removed)
	for _, codes := range failures {
		slices.SortFunc(codes, func(x, y [2]string) int { return slices.Compare(x[:], y[:]) })
		latest := codes[len(codes)-1]
		greatest := latest
		for _, f := range codes {
			if greatest[1] < f[1] {
				greatest = f
			}
			c.meet("codes at one time", f[0] == latest[0] && f[1] != latest[1])
		}
		c.meet("latest code is not the greatest", greatest[1] > latest[1])
	}
	for _, names := range recipients {
		c.meet("two recipients", len(names) == 2)
		c.meet("three recipients", len(names) == 3)
	}
}
