package savings

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
)

// maxSMSSegments is how many segments the text of a template can take (package money allows no more).
const maxSMSSegments = 255

// outcome is all that the savings report wants to know of a message once it is priced: few for many signatures.
type outcome struct {
	priced, estimated, reached, read bool
	currency                         string
	segments                         uint16
	// reason and reasonChannel tell why the message is unpriced.
	reason, reasonChannel string
	// mixedSenders: attempted steps have different senders, so that a cut by sender parts what a monthly minimum is
	// agreed on.
	mixedSenders bool
	// The message's keys.
	sender, traffic, country, firstChannel, reachedBy, path string

	smsOnly, actual, doublePaid, doublePaidUnread, wasted money.Amount
	// reportedAttempts carry a price in the currency; reportedComputed is what they cost by the tariffs.
	reportedAttempts uint64
	reportedComputed money.Amount
	// readable is the cost of the attempts where the channel reports reads, readAttempts how many of those were read.
	readable     money.Amount
	readAttempts uint64
	channels     []channelCost
	minimums     []minimumCost
	// settlingMS is the longest settling window of its steps.
	settlingMS int64
}

// channelCost is what attempts on a channel took.
type channelCost struct {
	channel         string
	attempts, units uint64
	cost            money.Amount
}

// minimumCost is what a sent attempt counts towards a monthly minimum.
type minimumCost struct {
	tariff *money.Tariff
	sender string
	cost   money.Amount
}

// pricing is how the signatures of one account are priced: by one version of its lists, and one of the capabilities.
// Guarded by the store's mu but for what never changes.
type pricing struct {
	list         *money.PriceList // the account's list, which tells pricings apart
	capabilities *store.Capabilities
	// prices has the account's tariffs, and for each number of segments a template that has as many.
	prices  *money.PriceList
	borders []uint32 // Unix seconds at which a tariff starts or ends, in order

	// plain holds, by the interval between borders and the place of the signature, 1 + the place of the outcome. It is
	// nil beyond maxPlain intervals, most of which few signatures were met in: sparse holds them then, and always those
	// of signatures whose segments are the template's.
	plain    [][]int32
	sparse   map[priceKey]int32
	outcomes []outcome
	known    map[string]int32 // the place of an outcome by all of its fields
	scratch  money.Signature
	key      []byte
	bytes    int64 // that the above take, about
}

// maxPlain is how many intervals each have a place for every signature: 10 000 tariffs have up to 20 001 intervals.
const maxPlain = 64

// sparseBytes is about what an entry of pricing.sparse takes.
const sparseBytes = 32

type priceKey struct {
	signature uint32
	interval  uint16
	segments  uint8 // of the template; 0 when nothing depends on it
}

// pricing returns how the account's signatures are priced by a list, remembered or new.
func (s *accountSignatures) pricing(own prices.Account, capabilities *store.Capabilities) *pricing {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pricings {
		if p.list == own.List && p.capabilities.Fingerprint == capabilities.Fingerprint {
			return p
		}
	}
	p := &pricing{list: own.List, capabilities: capabilities, sparse: map[priceKey]int32{}, known: map[string]int32{}}
	segments := make([]money.Template, maxSMSSegments)
	for i := range segments {
		segments[i] = money.Template{Template: strconv.Itoa(i + 1), SMSSegments: uint16(i + 1), ToMS: schema.Never}
	}
	p.prices = money.NewPriceList(own.Tariffs, segments)
	for _, ms := range p.prices.Borders() {
		p.borders = append(p.borders, store.Storable(ms))
	}
	if intervals := len(p.borders) + 1; intervals <= maxPlain {
		p.plain = make([][]int32, intervals)
	}
	if len(s.pricings) == maxPricings {
		s.bytes.Add(-s.pricings[0].bytes)
		s.pricings = slices.Delete(s.pricings, 0, 1)
	}
	s.pricings = append(s.pricings, p)
	return p
}

// interval is the number of borders up to a time: within an interval all prices are constant.
func (p *pricing) interval(second uint32) uint16 {
	i, exact := slices.BinarySearch(p.borders, second)
	if exact {
		i++
	}
	return uint16(i)
}

// outcomeOf returns the place of a signature's outcome, or false when the signature is not loaded or not priced. The
// caller holds mu.
func (s *accountSignatures) outcomeOf(p *pricing, id uint64, interval uint16, segments uint8) (int32, bool) {
	place, found := s.index[id]
	if !found {
		return 0, false
	}
	if segments > 0 && !s.signatures[place].needsTemplate(s) {
		segments = 0
	}
	if segments > 0 || p.plain == nil {
		o := p.sparse[priceKey{place, interval, segments}]
		return o - 1, o > 0
	}
	if outcomes := p.plain[interval]; int(place) < len(outcomes) && outcomes[place] > 0 {
		return outcomes[place] - 1, true
	}
	return 0, false
}

// needsTemplate tells whether nothing in the message says how many segments it would take as SMS.
func (signature storedSignature) needsTemplate(s *accountSignatures) bool {
	if signature.smsSegments > 0 {
		return false
	}
	for _, ref := range s.refs[signature.first : signature.first+uint32(signature.count)] {
		if ref.code.Segments() != 0 && s.steps[ref.step].Channel == "sms" {
			return false
		}
	}
	return true
}

// price prices signatures that are loaded. Others may read in between.
func (s *accountSignatures) price(p *pricing, ids []uint64, interval uint16, segments uint8) error {
	for part := range slices.Chunk(ids, 4096) {
		if err := s.pricePart(p, part, interval, segments); err != nil {
			return err
		}
	}
	return nil
}

func (s *accountSignatures) pricePart(p *pricing, ids []uint64, interval uint16, segments uint8) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var startMS int64
	if interval > 0 {
		startMS = int64(p.borders[interval-1]) * 1000
	}
	for _, id := range ids {
		if _, known := s.outcomeOf(p, id, interval, segments); known {
			continue
		}
		place, found := s.index[id]
		if !found {
			return fmt.Errorf("signature %d of account %q is not loaded", id, s.account)
		}
		signature := s.signatures[place]
		s.expand(signature, &p.scratch)
		key, template := priceKey{place, interval, 0}, ""
		if segments > 0 && signature.needsTemplate(s) {
			key.segments, template = segments, strconv.Itoa(int(segments))
		}
		if key.segments > 0 || p.plain == nil {
			p.sparse[key] = 1 + s.outcome(p, template, startMS)
			s.count(p, sparseBytes)
			continue
		}
		if missing := len(s.signatures) - len(p.plain[interval]); missing > 0 {
			p.plain[interval] = append(p.plain[interval], make([]int32, missing)...)
			s.count(p, 4*missing)
		}
		p.plain[interval][place] = 1 + s.outcome(p, template, startMS)
	}
	return nil
}

// count notes what a pricing takes, unless it is forgotten already.
func (s *accountSignatures) count(p *pricing, bytes int) {
	if slices.Contains(s.pricings, p) {
		p.bytes += int64(bytes)
		s.bytes.Add(int64(bytes))
	}
}

// outcome prices the signature in scratch and returns the place of what came out.
func (s *accountSignatures) outcome(p *pricing, template string, cohortMS int64) int32 {
	signature := &p.scratch
	priced := p.prices.Price(signature, template, cohortMS)
	o := outcome{
		priced: priced.OK, estimated: priced.Estimated, reached: signature.Reached(), read: signature.Read(),
		currency: priced.Currency, segments: priced.Segments,
		sender: signature.Sender(), traffic: signature.Traffic(), country: signature.Country(),
		firstChannel: signature.FirstChannel(),
		reachedBy:    signature.ReachedBy(), path: signature.Path(),
		smsOnly: priced.SMSOnly, actual: priced.Actual, doublePaid: priced.DoublePaid,
		doublePaidUnread: priced.DoublePaidUnread, wasted: priced.Wasted,
		reason: priced.Reason, reasonChannel: priced.Channel,
	}
	for i := range signature.Steps {
		step := &signature.Steps[i]
		o.mixedSenders = o.mixedSenders || step.Sender != signature.Steps[0].Sender
		line := p.capabilities.Find(s.account, step.Channel, step.Provider)
		o.settlingMS = max(o.settlingMS, law.SettlingMS(line.SettlingDays))
		if !priced.OK {
			continue
		}
		cost := &priced.Steps[i]
		o.channels = addChannel(o.channels, channelCost{step.Channel, 1, cost.Units, cost.Cost})
		if line.Reads {
			o.readable = o.readable.Add(cost.Cost)
			if step.Read {
				o.readAttempts++
			}
		}
		if slices.Contains(step.ReportedIn, o.currency) {
			o.reportedAttempts++
			o.reportedComputed = o.reportedComputed.Add(cost.Cost)
		}
		if step.Sent && cost.Tariff != nil && cost.Tariff.MonthlyMinimum > 0 {
			o.minimums = append(o.minimums, minimumCost{cost.Tariff, step.Sender, cost.Cost})
		}
	}
	p.key = o.appendKey(p.key[:0])
	place, found := p.known[string(p.key)]
	if !found {
		place = int32(len(p.outcomes))
		p.outcomes = append(p.outcomes, o)
		p.known[string(p.key)] = place
		s.count(p, 400+2*len(p.key))
	}
	return place
}

// addChannel adds to the line of the channel, in the order of channels.
func addChannel(lines []channelCost, c channelCost) []channelCost {
	i := 0
	for i < len(lines) && lines[i].channel < c.channel {
		i++
	}
	if i == len(lines) || lines[i].channel != c.channel {
		return slices.Insert(lines, i, c)
	}
	lines[i].attempts += c.attempts
	lines[i].units += c.units
	lines[i].cost = lines[i].cost.Add(c.cost)
	return lines
}

// appendKey appends bytes that differ for different outcomes.
func (o *outcome) appendKey(to []byte) []byte {
	flags := answer.Bit(o.priced) | answer.Bit(o.estimated)<<1 | answer.Bit(o.reached)<<2 | answer.Bit(o.read)<<3 |
		answer.Bit(o.mixedSenders)<<4
	to = append(to, flags)
	text := func(s string) { to = append(binary.AppendUvarint(to, uint64(len(s))), s...) }
	amount := func(a money.Amount) { to = append(a.Append(to), ' ') }
	for _, s := range []string{o.currency, o.sender, o.traffic, o.country, o.firstChannel, o.reachedBy, o.path,
		o.reason, o.reasonChannel} {
		text(s)
	}
	to = binary.AppendUvarint(to, uint64(o.segments))
	to = binary.AppendUvarint(to, o.reportedAttempts)
	to = binary.AppendUvarint(to, o.readAttempts)
	to = binary.AppendUvarint(to, uint64(o.settlingMS))
	for _, a := range []money.Amount{o.smsOnly, o.actual, o.doublePaid, o.doublePaidUnread, o.wasted,
		o.reportedComputed, o.readable} {
		amount(a)
	}
	to = binary.AppendUvarint(to, uint64(len(o.channels)))
	for _, c := range o.channels {
		text(c.channel)
		to = binary.AppendUvarint(binary.AppendUvarint(to, c.attempts), c.units)
		amount(c.cost)
	}
	for _, m := range o.minimums {
		to = fmt.Appendf(to, "%p ", m.tariff)
		text(m.sender)
		amount(m.cost)
	}
	return to
}
