package simulate

// life is what weeks show and a day does not: weekdays and growth, mailings of certain days, phone numbers that go out
// of service and come back, people who have enough of mailings, and two bad hours of a provider. All of it is an
// assumption. A nil life is that of a world whose days are all alike, which draws nothing here.
type life struct {
	start, end int64 // Unix milliseconds.
	mailings   []mailing
	outage     outage
	optOuts    share
}

// mailing is a campaign that an account sends within two hours.
type mailing struct {
	account  *account
	campaign string
	template *template
	from, to int64
	// weight is its traffic on the scale of life.weight.
	weight uint64
}

// outage is when a provider hardly delivers.
type outage struct {
	provider *provider // nil for never.
	from, to int64
	delivers share
	failure  failure
}

// weekdays is the traffic of a weekday in per cent, from Monday on.
var weekdays = [7]uint64{98, 103, 102, 104, 112, 82, 70}

// dayWeight is what life.weight adds up to over the hours of an ordinary day.
const dayWeight = 960 * 100

// calendar is who sends mailings on which weekdays (0 is Monday), and of how many messages, as a share of all that is
// sent on an ordinary day, in per cent.
var calendar = [...]struct {
	account, weekday int
	size             uint64
}{{1, 1, 28}, {1, 3, 28}, {0, 2, 25}, {2, 0, 15}, {5, 4, 15}, {5, 5, 12}}

const (
	// mailingHour is when mailings begin, in UTC: at ten in Moscow, and outageHour when the bad hours do: at noon.
	mailingHour, outageHour = 7, 9
	// habitDays is how many days there are at least before the bad hours: four workdays and more are among them, so
	// that what is ordinary at this hour is known, and the hours are of the second week.
	habitDays = 8
)

// newLife plans the weeks of a world whose accounts are there already.
func newLife(w *world) *life {
	l := &life{start: w.curve.start, end: w.curve.start + w.cfg.Duration.Milliseconds(), optOuts: newShare(0.012)}
	sent := map[int]int{}
	for midnight := l.start + moscowOffset - (l.start+moscowOffset)%dayMS; midnight < l.end; midnight += dayMS {
		for _, c := range calendar {
			if weekday(midnight) != c.weekday || c.account >= len(w.accounts) {
				continue
			}
			acc, from, n := w.accounts[c.account], midnight+mailingHour*hourMS, sent[c.account]
			sent[c.account]++
			d := &acc.dims[promo]
			names := mailingNames(d)
			l.mailings = append(l.mailings, mailing{account: acc, campaign: names[n%len(names)],
				template: &d.templates[n%len(d.templates)], from: from, to: from + 2*hourMS,
				weight: c.size * dayWeight / 100 / 2})
		}
		if l.outage.provider == nil && midnight >= l.start+habitDays*dayMS && weekday(midnight) >= 1 &&
			weekday(midnight) <= 3 {
			l.outage = outage{provider: w.accounts[0].provider("sms"), from: midnight + outageHour*hourMS,
				to: midnight + (outageHour+2)*hourMS, delivers: newShare(0.1),
				// System failure, which says nothing of the number.
				failure: failure{status: failed, json: `,"error_code":"34"`}}
		}
	}
	return l
}

// weekday is that of Moscow, 0 for Monday.
func weekday(ms int64) int { return int(((ms+moscowOffset)/dayMS + 3) % 7) }

// lasting are the indexes of campaigns that are no mailings: they go to somebody every day.
var lasting = [...]int{2, 3}

// mailingNames are the campaigns that are mailings.
func mailingNames(d *dimensions) (names []string) {
	for i, name := range d.campaigns {
		if i != lasting[0] && i != lasting[1] {
			names = append(names, name)
		}
	}
	return names
}

// weight is the traffic at a time: that of the hour of any day, by weekday, a hundredth more each day, and mailings.
func (l *life) weight(at int64, hour uint64) uint64 {
	if l == nil {
		return hour
	}
	sum := hour * weekdays[weekday(at)] * uint64(100+(at-l.start)/dayMS) / 100
	for i := range l.mailings {
		if m := &l.mailings[i]; m.on(at) {
			sum += m.weight
		}
	}
	return sum
}

func (m *mailing) on(at int64) bool { return at >= m.from && at < m.to }

// mailing returns the mailing that a message of a time belongs to, nil for none.
func (a *author) mailing(at int64) *mailing {
	if a.life == nil {
		return nil
	}
	n := uint64(a.rng.below(int64(a.life.weight(at, hourWeights[localHour(at)]))))
	for i := range a.life.mailings {
		m := &a.life.mailings[i]
		if !m.on(at) {
			continue
		}
		if n < m.weight {
			return m
		}
		n -= m.weight
	}
	return nil
}

// recipient is who gets message i of the world, which belongs to the mailing: everybody gets it once, as long as
// fewer messages are sent meanwhile than the account has people.
func (m *mailing) recipient(i int64) int64 { return i % m.account.contacts }

// serves tells whether the number of a person whose number is not in service all the time is, at a time. Half of these
// never are, a quarter until some day, an eighth from then on, and an eighth but for a few days.
func (l *life) serves(p person, at int64) bool {
	if l == nil {
		return false
	}
	n := mix(p.hash ^ 106)
	span := l.end - l.start
	change := l.start + span/4 + int64(n>>8%uint64(span/2))
	switch n & 7 {
	case 0, 1:
		return at < change
	case 2:
		return at >= change
	case 3:
		return at < change-span/4 || at >= change
	}
	return false
}

// fails returns how a provider fails that is not itself at a time, nil where it is.
func (l *life) fails(p *provider, at int64) *failure {
	if l == nil || l.outage.provider != p || at < l.outage.from || at >= l.outage.to {
		return nil
	}
	return &l.outage.failure
}

// delivers is the share of attempts that are delivered by a route at a time.
func (a *author) delivers(t *trial, at int64) share {
	if a.life.fails(t.provider, at) != nil {
		return a.life.outage.delivers
	}
	return t.channel.delivered
}

// enough tells whether a person who gets a mailing has enough of them.
func (l *life) enough(p person, m *mailing) bool {
	return l.optOuts.of(mix(p.hash ^ 107 ^ uint64(m.from)))
}

// left tells whether a person has had enough of an account's mailings before a time, and gets no promotion any more.
func (l *life) left(acc *account, p person, at int64) bool {
	if l == nil {
		return false
	}
	for i := range l.mailings {
		if m := &l.mailings[i]; m.account == acc && m.to <= at && l.enough(p, m) {
			return true
		}
	}
	return false
}

// optOut has the recipient of a mailing say that it is enough.
func (a *author) optOut(s *story) {
	status := uint8(1) // unsubscribed
	switch a.rng.below(10) {
	case 0:
		status = 3 // complained
	case 1, 2:
		status = 4 // blocked
	}
	a.tellOf(s, status)
}

// provider is the one that the account sends through on a channel, nil where it has none.
func (acc *account) provider(channel string) *provider {
	for _, routes := range acc.routes {
		for _, steps := range routes.steps {
			for _, s := range steps {
				if s.channel.name == channel {
					return s.provider
				}
			}
		}
	}
	return nil
}
