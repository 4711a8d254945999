package simulate

import "strconv"

// story is a message on its way.
type story struct {
	acc       *account
	who       person
	id        [36]byte
	idLen     int
	timed     bool // The id carries a plausible time.
	submitted int64
	route     []step
	template  *template
	campaign  string
	sender    string
	contact   string
}

// trial is a step on its way, shared by its events.
type trial struct {
	*story
	step      int
	channel   *channel
	provider  *provider
	recipient string
	operator  string
	trigger   string
	app       string
	segments  int
	parts     int
}

// What an event is besides its status.
const (
	sparse = 1 << iota // Required fields alone.
	conflicting
	priced
	withText
	unknownField
	isDuplicate
	isReordered
	isLate
	aboutRecipient // The status is one of recipientStatuses.
	byMachine      // A program opened the message.
	namesMessage   // An event about a recipient names the message that it is about.
)

// happening is an event that waits for its arrival.
type happening struct {
	arrival, occurred int64 // Unix milliseconds; occurred by the provider's clock.
	order             uint64
	submitted         int64 // What the event says of submitted_at, 0 for nothing.
	trial             *trial
	failure           *failure
	noise             uint32
	flags             uint16
	status, part      uint8
}

// The ends of an attempt, as far as the cascade sees them.
const (
	endSkipped = iota
	endRejected
	endFailed
	endExpired
	endDelivered
	endSilent // Nothing came back in time.
	endBlind  // Nothing ever comes back on this route.
)

type outcome struct {
	end        int
	at, readAt int64 // readAt is 0 when the message is never read.
}

// author writes the stories of a world, one message at a time. Its random numbers start anew with each message, so a
// message depends on the seed and its own number alone.
type author struct {
	*world
	rng    rng
	phones lottery
	events []happening // Of the message at hand, in no order.
	skew   int64       // What the provider's clock is slow by, for the attempt at hand.
}

// write fills events with message i of the world, submitted when the curve says.
func (a *author) write(i int64) {
	r := &a.rng
	r.seed(a.cfg.Seed, uint64(i))
	a.events = a.events[:0]
	s := &story{submitted: a.submittedAt(i)}
	// The jitter of the time is the stream's first number.
	r.next()
	s.acc = a.accounts[a.accountDraw.draw(r.next())]
	traffic := s.acc.traffic.draw(r.next())
	m := a.mailing(s.submitted)
	if m != nil && a.life.left(m.account, a.person(m.account, m.recipient(i)), s.submitted) {
		m = nil
	}
	switch {
	case m != nil:
		s.acc, traffic = m.account, promo
	case traffic == promo && (!promotionAllowed(s.submitted) || a.life != nil && r.next()&3 != 0):
		// Where there are mailings, most promotion is one.
		traffic = transactional
	}
	// The lesser of two draws: some people get more messages than others.
	who := min(r.below(s.acc.contacts), r.below(s.acc.contacts))
	if m == nil && traffic == promo && a.life.left(s.acc, a.person(s.acc, who), s.submitted) {
		traffic = transactional
	}
	d := &s.acc.dims[traffic]
	s.template = &d.templates[r.below(int64(len(d.templates)))]
	s.campaign = d.campaigns[r.below(int64(len(d.campaigns)))]
	switch {
	case m != nil:
		who, s.template, s.campaign = m.recipient(i), m.template, m.campaign
	case traffic == promo && a.life != nil:
		s.campaign = d.campaigns[lasting[r.below(int64(len(lasting)))]]
	}
	s.who = a.person(s.acc, who)
	s.sender = d.senders[r.below(int64(len(d.senders)))]
	s.route = s.acc.routes[traffic].steps[s.acc.routes[traffic].draw.draw(r.next())]
	if s.acc.named {
		s.contact = `,"contact":"p` + strconv.FormatInt(s.who.number, 10) + `"`
	}
	stale := a.identify(s, i)
	a.cascade(s)
	a.submissions(s, stale)
	if r.chance(a.shares.recipientEvents) {
		a.recipientEvent(s)
	}
	if m != nil && a.life.enough(s.who, m) {
		a.optOut(s)
	}
	a.transport()
}

// submittedAt is the time of message i; it draws from a stream of its own state, so that times can be looked up ahead.
func (a *author) submittedAt(i int64) int64 {
	var r rng
	r.seed(a.cfg.Seed, uint64(i))
	return a.curve.at(i, int64(a.cfg.Messages), r.next())
}

// identify gives the message its id, made up to 1.5 s before it was submitted.
func (a *author) identify(s *story, i int64) (stale bool) {
	r := &a.rng
	made := s.submitted - r.below(1500)
	n, high, low := r.next(), r.next(), r.next()
	id := s.id[:0]
	switch {
	case a.shares.stale.of(n):
		stale = true
		id = appendUUID(id, uint64(made-401*dayMS-int64(low%uint64(30*dayMS))), 7, high, low)
	case (a.shares.stale + a.shares.plain).of(n):
		if high&1 == 0 {
			id = strconv.AppendInt(append(id, "m-"...), i, 10)
		} else {
			id = appendUUID(id, high>>16, 4, high, low)
		}
	case (a.shares.stale + a.shares.plain + a.shares.ulids).of(n):
		s.timed = true
		id = appendCrockford(appendCrockford(appendCrockford(id, uint64(made), 10), high, 8), low, 8)
	default:
		s.timed = true
		id = appendUUID(id, uint64(made), 7, high, low)
	}
	s.idLen = len(id)
	return stale
}

func appendUUID(dst []byte, time, version, high, low uint64) []byte {
	dst = append(appendHex(dst, time>>16, 8), '-')
	dst = append(appendHex(dst, time, 4), '-')
	dst = append(appendHex(dst, version<<12|high&0xfff, 4), '-')
	dst = append(appendHex(dst, 0x8000|high>>12&0x3fff, 4), '-')
	return appendHex(dst, low, 12)
}

// cascade plays the steps of the route until one ends the story.
func (a *author) cascade(s *story) {
	at, trigger := s.submitted, first
	for n := range s.route {
		st := &s.route[n]
		end := a.try(s, n, at, trigger)
		var goOn bool
		if at, trigger, goOn = a.next(st, end, at); !goOn {
			return
		}
	}
}

// next says when and why the step after st starts.
func (a *author) next(st *step, o outcome, start int64) (at int64, trigger string, goOn bool) {
	deadline := start + st.wait
	inTime := st.wait == 0 || o.at <= deadline
	switch {
	case o.end == endSkipped:
		return o.at + 20, byNoApp, true
	case o.end == endRejected:
		return o.at + 100, byRejection, true
	case o.end == endBlind:
		return 0, "", false
	case o.end == endFailed && a.rng.next()&127 == 0:
		return o.at + hourMS, byHand, true
	case o.end == endFailed && inTime:
		return o.at + 150, byUndelivered, true
	case o.end == endExpired && inTime:
		return o.at + 150, byExpiry, true
	case o.end == endDelivered && inTime:
		over := o.at + st.readWait
		return over, byUnread, st.readWait > 0 && (o.readAt == 0 || o.readAt > over)
	}
	return deadline, byExpiry, st.wait > 0
}

// try plays one attempt that starts at a time and returns how it ended.
func (a *author) try(s *story, n int, start int64, trigger string) outcome {
	r, st := &a.rng, &s.route[n]
	ch := st.channel
	t := &trial{story: s, step: n + 1, channel: ch, provider: st.provider, trigger: trigger}
	t.recipient, t.operator = s.who.recipient(ch.address, a.phones)
	if ch.name == "telegram" && t.provider.blind {
		t.recipient, t.operator = s.who.recipient(byUser, a.phones) // A bot knows no phone numbers.
	}
	if ch.address == byDevice {
		t.app = s.acc.apps[r.below(int64(len(s.acc.apps)))]
	}
	if ch.sms {
		t.segments = s.template.segments
	}
	a.skew = a.clock()

	reachable := s.who.reachable(ch, a.shares.dead) || s.who.reachable(ch, 0) && a.life.serves(s.who, start)
	if r.next()&3 == 0 {
		a.add(t, queued, start+r.below(30))
	}
	if !reachable && ch.address == byDevice && r.next()%5 < 3 {
		a.add(t, skipped, start+10)
		return outcome{end: endSkipped, at: start + 10}
	}
	taken := start + 1 + ch.accept.draw(r, a.powers)
	if r.chance(ch.rejected) {
		status := rejected
		if r.next()&3 == 0 {
			status = failed
		}
		a.fail(t, &failure{status: status, json: `,"error_code":"REFUSED"`}, 0, taken)
		return outcome{end: endRejected, at: taken}
	}
	if !reachable {
		f := &ch.unreachable.list[ch.unreachable.draw.draw(r.next())]
		if f.status == rejected {
			a.fail(t, f, 0, taken)
			return outcome{end: endRejected, at: taken}
		}
		a.take(t, start, taken)
		at := taken + ch.deliver.draw(r, a.powers)
		a.fail(t, f, 0, at)
		return outcome{end: endFailed, at: at}
	}
	a.take(t, start, taken)
	if t.provider.blind {
		return a.blind(t, taken)
	}
	if r.chance(a.shares.neverFinal) {
		a.leaveTrace(t, taken)
		return outcome{end: endSilent, at: 1 << 61}
	}
	if t.segments > 1 && r.chance(a.shares.multipart) {
		t.parts = t.segments
		return a.parts(t, taken)
	}
	if !r.chance(a.delivers(t, taken)) {
		return a.undelivered(t, taken)
	}
	return a.delivered(t, taken)
}

// clock draws what the provider's clock is slow by for an attempt.
func (a *author) clock() int64 {
	n := a.rng.next()
	switch {
	case a.shares.farSkew.of(n):
		return a.rng.between(120_000, 600_000)
	case (a.shares.farSkew + a.shares.clockSkew).of(n):
		return a.rng.between(1_000, 55_000)
	}
	return 0
}

// take reports that a provider took the attempt: by accepted, sent or both, and one time in twenty not at all.
func (a *author) take(t *trial, start, taken int64) {
	n := a.rng.next()
	if n%10 < 5 {
		a.add(t, accepted, (start+taken)/2)
	}
	if n>>32%10 < 9 {
		a.add(t, sent, taken)
	}
}

func (a *author) blind(t *trial, taken int64) outcome {
	r := &a.rng
	if r.chance(t.channel.delivered) && r.chance(t.channel.read) && r.chance(t.channel.clicked) {
		status := clicked
		if t.channel.address != byDevice && r.next()&1 == 0 {
			status = replied
		}
		a.add(t, status, taken+t.channel.deliver.draw(r, a.powers)+t.channel.readAfter.draw(r, a.powers))
	}
	a.leaveTrace(t, taken)
	return outcome{end: endBlind}
}

// leaveTrace sees to it that every message has an event.
func (a *author) leaveTrace(t *trial, taken int64) {
	if len(a.events) == 0 {
		a.add(t, sent, taken)
	}
}

func (a *author) undelivered(t *trial, taken int64) outcome {
	r := &a.rng
	if f := a.life.fails(t.provider, taken); f != nil {
		at := taken + t.channel.deliver.draw(r, a.powers)
		a.fail(t, f, 0, at)
		return outcome{end: endFailed, at: at}
	}
	if r.next()%3 == 0 {
		at := taken + t.channel.expiry
		a.fail(t, &failure{status: expired}, 0, at)
		return outcome{end: endExpired, at: at}
	}
	at := taken + 3*t.channel.deliver.draw(r, a.powers)
	a.fail(t, &t.channel.failures.list[t.channel.failures.draw.draw(r.next())], 0, at)
	return outcome{end: endFailed, at: at}
}

func (a *author) delivered(t *trial, taken int64) outcome {
	r, ch := &a.rng, t.channel
	at := taken + ch.deliver.draw(r, a.powers)
	if ch.name == "email" && r.next()%8 == 0 {
		// A mail program fetches the images, or a scanner follows the links, within seconds.
		opened := at + r.between(1_000, 90_000)
		a.events = append(a.events, happening{arrival: opened, occurred: opened, trial: t,
			status: read + uint8(r.below(2)), flags: byMachine})
	}
	readAt := a.reactions(t, at)
	if readAt == 0 || !ch.reads || !r.chance(a.shares.omitted) {
		a.add(t, delivered, at)
	}
	if r.chance(a.shares.failedFirst) {
		// Before the delivery or after it: the delivery wins either way.
		f := &ch.failures.list[ch.failures.draw.draw(r.next())]
		a.fail(t, f, 0, at+r.between(-(at-taken)/2, 60_000))
	}
	return outcome{end: endDelivered, at: at, readAt: readAt}
}

// reactions plays what the reader does after the delivery and returns when the message was read, 0 for never.
func (a *author) reactions(t *trial, at int64) (readAt int64) {
	r, ch := &a.rng, t.channel
	if ch.reads {
		if !r.chance(ch.read) {
			return 0
		}
		readAt = at + ch.readAfter.draw(r, a.powers)
		a.add(t, read, readAt)
	}
	if r.chance(ch.clicked) {
		a.add(t, clicked, max(at, readAt)+ch.readAfter.draw(r, a.powers)/2)
	}
	for replies := 0; replies < 3 && r.chance(ch.replied); replies++ {
		a.add(t, replied, max(at, readAt)+ch.replyAfter.draw(r, a.powers))
	}
	return readAt
}

// parts plays a message whose receipts come part by part: mostly all delivered, else one failed, one forgotten or all
// lost.
func (a *author) parts(t *trial, taken int64) outcome {
	r, ch := &a.rng, t.channel
	lost := !r.chance(a.delivers(t, taken))
	odd, fate := 0, r.next()%16
	if fate < 3 {
		odd = int(r.between(1, int64(t.parts)))
	}
	var latest int64
	f := &ch.failures.list[ch.failures.draw.draw(r.next())]
	if bad := a.life.fails(t.provider, taken); bad != nil {
		f = bad
	}
	for part := 1; part <= t.parts; part++ {
		at := taken + ch.deliver.draw(r, a.powers)
		latest = max(latest, at)
		switch {
		case lost:
			a.fail(t, f, part, at)
		case part == odd && fate == 0:
			a.fail(t, f, part, at)
		case part == odd && fate == 1: // Forgotten.
		case part == odd:
			a.fail(t, f, part, at)
			a.addPart(t, delivered, part, at+r.below(120_000))
		default:
			a.addPart(t, delivered, part, at)
		}
	}
	switch {
	case lost, odd > 0 && fate == 0:
		return outcome{end: endFailed, at: latest}
	case odd > 0 && fate == 1:
		return outcome{end: endSilent, at: 1 << 61}
	}
	return outcome{end: endDelivered, at: latest, readAt: a.reactions(t, latest)}
}

// recipientStatuses are the statuses that belong to a recipient, not to a message.
var recipientStatuses = [...]string{"subscribed", "unsubscribed", "uninstalled", "complained", "blocked", "lookup",
	"inbound"}

// recipientEvent adds an event about the recipient of the first attempt, or about its phone.
func (a *author) recipientEvent(s *story) {
	r := &a.rng
	status := uint8(r.below(int64(len(recipientStatuses))))
	if oneOf(s.route[0].channel.name, "whatsapp", "viber", "rcs", "vk", "telegram", "messenger", "instagram") &&
		r.next()&1 == 0 {
		status = uint8(len(recipientStatuses) - 1) // People write.
	}
	if a.life != nil && leaves(status) {
		status = 0 // Who leaves does so by a mailing, so that it is known whom the next ones leave out.
	}
	a.tellOf(s, status)
}

// leaves tells whether a status says that a recipient wants no more.
func leaves(status uint8) bool {
	return oneOf(recipientStatuses[status], "unsubscribed", "complained", "blocked")
}

// tellOf adds an event of a status about the recipient of the first attempt, within an hour.
func (a *author) tellOf(s *story, status uint8) {
	r := &a.rng
	t := &trial{story: s, channel: s.route[0].channel, provider: s.route[0].provider}
	how := t.channel.address
	if recipientStatuses[status] == "lookup" {
		how = byPhone
	}
	t.recipient, t.operator = s.who.recipient(how, a.phones)
	if how == byDevice {
		t.app = s.acc.apps[0]
	}
	at := s.submitted + r.below(hourMS)
	flags := uint16(aboutRecipient)
	if leaves(status) && r.next()&1 == 0 {
		flags |= namesMessage
	}
	a.events = append(a.events, happening{arrival: at, occurred: at, trial: t, status: status, flags: flags})
}

func (a *author) add(t *trial, status int, at int64) { a.addPart(t, status, 0, at) }

// addPart adds an event that happens at a time. What the reader's device reports is stamped by the slow clock.
func (a *author) addPart(t *trial, status, part int, at int64) {
	stamp := at
	if status >= delivered && status <= replied {
		stamp -= a.skew
	}
	a.events = append(a.events, happening{arrival: at, occurred: stamp, trial: t, status: uint8(status),
		part: uint8(part)})
}

func (a *author) fail(t *trial, f *failure, part int, at int64) {
	a.events = append(a.events, happening{arrival: at, occurred: at, trial: t, status: uint8(f.status),
		part: uint8(part), failure: f})
}
